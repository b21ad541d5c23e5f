/// An array of numbers with a shape, and, where it was computed from parameters, the tape that leads
/// back to them.
///
/// ```swift
/// let x = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
/// let y = (x * 2 + 1).sum(axis: 1)  // [2]: 15, 33
/// print(y.floats)                   // [15.0, 33.0]
/// ```
///
/// Elements are 32-bit floats, or 32-bit integers where the tensor holds indices. A tensor is dense and
/// row-major, with the channels on the last axis, so that every operation runs straight over memory. A
/// new shape and a range of the leading axis share the storage of the tensor that they are taken from;
/// everything else is copied.
///
/// Tensors are values: no operation changes one that somebody else has. Memory is only ever written to by the
/// optimizers, through ``Parameter``, where a tensor that was read from the parameter changes too, and by the
/// operations in place, such as ``add(_:)``, on a variable whose memory nobody else has and no tape records.
///
/// A wrong shape is a programming error: the operation stops the process with a message that names
/// both shapes. Whatever comes from outside (files, recipes, C) is checked before it becomes a tensor.
public struct Tensor {
  /// The memory, shared with views.
  fileprivate(set) var storage: Storage
  /// The first element's position in the storage.
  let offset: Int
  /// The axis sizes.
  public let shape: Shape
  /// The tape entry that computed this tensor, nil for a constant.
  let node: Node?

  init(storage: Storage, offset: Int = 0, shape: Shape, node: Node? = nil) {
    self.storage = storage
    self.offset = offset
    self.shape = shape
    self.node = node
  }

  /// A tensor with uninitialised elements: each operation's output before its kernel has run.
  init(uninitialized shape: Shape, elementType: ElementType = .float32) {
    self.init(storage: Storage(count: shape.count, elementType: elementType), shape: shape)
  }

  /// The number of elements.
  public var count: Int { shape.count }
  /// The number of axes.
  public var rank: Int { shape.rank }
  /// The type of the elements.
  public var elementType: ElementType { storage.elementType }
  /// Whether a gradient flows through this tensor.
  public var isTracked: Bool { node != nil }
}

// MARK: - Pointers, for kernels

extension Tensor {
  /// The elements of a float tensor, to read.
  var pointer: UnsafePointer<Float> { UnsafePointer(elements(.float32)) }

  /// The elements of an index tensor, to read.
  var indexPointer: UnsafePointer<Int32> { UnsafePointer(elements(.int32)) }

  /// The bits of the elements of a rounded tensor, to read.
  var bfloat16Pointer: UnsafePointer<UInt16> { UnsafePointer(elements(.bfloat16)) }

  /// The elements as products take them, of whichever type, to read.
  var operandPointer: UnsafeRawPointer {
    UnsafeRawPointer(elementType == .bfloat16 ? .init(bfloat16Pointer) : .init(pointer))
  }

  /// The elements of a float tensor, to write. Whoever asks has the memory to itself: an operation
  /// its output, an optimizer its parameters and moments. What was derived from the old contents is
  /// dropped.
  var writePointer: UnsafeMutablePointer<Float> {
    storage.contentsChange()
    return elements(.float32)
  }

  /// The elements of an index tensor, to write, as `writePointer`.
  var indexWritePointer: UnsafeMutablePointer<Int32> {
    storage.contentsChange()
    return elements(.int32)
  }

  /// The bits of the elements of a rounded tensor, to write, as `writePointer`.
  var bfloat16WritePointer: UnsafeMutablePointer<UInt16> {
    storage.contentsChange()
    return elements(.bfloat16)
  }

  private func elements<Element>(_ type: ElementType) -> UnsafeMutablePointer<Element> {
    ensure(
      elementType == type,
      "elements of \(type) are needed where \(elementType) \(shape) was given")
    checkMemory()
    return storage.base.assumingMemoryBound(to: Element.self) + offset
  }
}

// MARK: - Tensors without memory

extension Tensor {
  /// Takes note of a fault where there was no memory for the elements, so that no kernel runs.
  func checkMemory() {
    if storage.isHollow { Memory.fail(bytes: storage.count * elementType.byteCount) }
  }

  /// Whether the elements can be read and written here and now: there is memory for them, and what this
  /// thread computed was computed.
  private var isAvailable: Bool { !storage.isHollow && !Memory.hasFailed }
}

// MARK: - Making tensors

extension Tensor {
  /// A tensor with the given values in row-major order.
  public init(_ values: [Float], shape: Shape) {
    ensure(
      values.count == shape.count, "\(values.count) values do not fill a tensor of shape \(shape)")
    self.init(shape) { buffer in _ = buffer.update(fromContentsOf: values) }
  }

  /// A vector of the given values.
  public init(_ values: [Float]) {
    self.init(values, shape: [values.count])
  }

  /// A scalar.
  public init(_ value: Float) {
    self.init([value], shape: [])
  }

  /// A tensor whose elements a closure writes, all of them, in row-major order. Where memory is short
  /// the closure is not called.
  public init(
    _ shape: Shape, initializingWith write: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape)
    guard isAvailable else { return }
    try write(UnsafeMutableBufferPointer(start: writePointer, count: shape.count))
  }

  /// A tensor of indices, such as codes or class numbers.
  public init(indices: [Int32], shape: Shape? = nil) {
    let shape = shape ?? [indices.count]
    ensure(
      indices.count == shape.count,
      "\(indices.count) indices do not fill a tensor of shape \(shape)")
    self.init(uninitialized: shape, elementType: .int32)
    guard isAvailable else { return }
    indexWritePointer.update(from: indices, count: indices.count)
  }

  /// A tensor of indices that a closure writes, all of them, in row-major order. Where memory is short
  /// the closure is not called.
  public init(
    indices shape: Shape, initializingWith write: (UnsafeMutableBufferPointer<Int32>) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape, elementType: .int32)
    guard isAvailable else { return }
    try write(UnsafeMutableBufferPointer(start: indexWritePointer, count: shape.count))
  }

  /// A tensor with the same value everywhere.
  public init(repeating value: Float, shape: Shape) {
    self.init(uninitialized: shape)
    Kernels.fill(value, self)
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape: shape) }
  /// A tensor of ones.
  public static func ones(_ shape: Shape) -> Tensor { Tensor(repeating: 1, shape: shape) }
}

// MARK: - Reading tensors

extension Tensor {
  /// A copy of the elements in row-major order.
  public var floats: [Float] {
    withFloats { Array($0) }
  }

  /// A copy of an index tensor's elements in row-major order.
  public var indices: [Int32] {
    withIndices { Array($0) }
  }

  /// The value of a tensor with one element.
  public var item: Float {
    ensure(count == 1, "a tensor of shape \(shape) has no single value")
    return withFloats { $0[0] }
  }

  /// Calls a closure with the elements, which it must not keep. Where memory is short they are zeros.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
    -> Result
  {
    guard isAvailable else { return try Memory.withZeros(count, as: Float.self, body) }
    return try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: pointer, count: count))
    }
  }

  /// Calls a closure with the elements of an index tensor, which it must not keep. Where memory is
  /// short they are zeros.
  public func withIndices<Result>(_ body: (UnsafeBufferPointer<Int32>) throws -> Result) rethrows
    -> Result
  {
    guard isAvailable else { return try Memory.withZeros(count, as: Int32.self, body) }
    return try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: indexPointer, count: count))
    }
  }

  /// A tensor with the same elements in memory of its own, without tape.
  public func copied() -> Tensor {
    let copy = Tensor(uninitialized: shape, elementType: elementType)
    checkMemory()
    guard copy.isAvailable else { return copy }
    withExtendedLifetime(storage) {
      copy.storage.base.copyMemory(from: address, byteCount: count * elementType.byteCount)
    }
    return copy
  }

  /// Moves the elements to memory that nothing else refers to, unless they are alone in theirs: what
  /// is to be written in place later must not be anybody's. The tensor becomes a constant.
  package mutating func takeOwnMemory() {
    self = isAloneInMemory() ? detached() : copied()
  }

  /// Whether nothing else refers to the memory of the elements, and there is nothing else in it.
  private mutating func isAloneInMemory() -> Bool {
    !storage.isBorrowed && storage.count == count && isKnownUniquelyReferenced(&storage)
  }

  /// Whether an operation may write its result over the elements: no tape records, which might need them
  /// again, and nothing else refers to them.
  mutating func mayBeWrittenOver() -> Bool {
    !isRecording && !isTracked && elementType == .float32 && !storage.isHollow && isAloneInMemory()
  }

  /// Whether no element is infinite or not a number.
  public var isFinite: Bool { Kernels.allFinite(self) }
}

extension Tensor: CustomStringConvertible {
  /// The shape and the first elements.
  public var description: String {
    let shown =
      elementType == .float32
      ? floats.prefix(8).map(\.description) : indices.prefix(8).map(\.description)
    return "Tensor \(shape) [\(shown.joined(separator: ", "))\(count > 8 ? ", …" : "")]"
  }
}
