/// An array of numbers with a shape, and, where it was computed from parameters, the tape behind
/// it.
///
/// A tensor is always dense and row-major with the channels last, so every operation may run
/// straight over memory; what can be seen without a copy (a new shape, a range of the leading axis)
/// shares storage. Tensors are values: no operation changes one that exists. The only writers are
/// the optimizers, through `Parameter`.
///
/// Wrong shapes are programming errors: an operation stops with a message that names both shapes.
/// Whatever comes from outside (files, recipes, C) is checked before it becomes a tensor.
public struct Tensor {
  /// The memory, shared with views.
  let storage: Storage
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

  /// The elements, for kernels. Only operations write, and only to outputs of their own.
  var pointer: UnsafeMutablePointer<Float> {
    precondition(
      elementType == .float32, "a float tensor is needed where \(elementType) \(shape) was given")
    return storage.floats + offset
  }

  /// The elements of an index tensor, for kernels.
  var indexPointer: UnsafeMutablePointer<Int32> {
    precondition(
      elementType == .int32, "an index tensor is needed where \(elementType) \(shape) was given")
    return storage.integers + offset
  }

  /// The bits of the elements of a rounded tensor, for kernels.
  var bfloat16Pointer: UnsafeMutablePointer<UInt16> {
    precondition(
      elementType == .bfloat16, "a rounded tensor is needed where \(elementType) \(shape) was given"
    )
    return storage.bfloat16s + offset
  }

  /// The elements as products take them, of whichever type.
  var operandPointer: UnsafeRawPointer {
    UnsafeRawPointer(elementType == .bfloat16 ? .init(bfloat16Pointer) : .init(pointer))
  }
}

// MARK: - Making tensors

extension Tensor {
  /// A tensor with the given values in row-major order.
  public init(_ values: [Float], shape: Shape) {
    precondition(
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

  /// A tensor whose elements a closure writes, all of them, in row-major order.
  public init(
    _ shape: Shape, initializingWith write: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape)
    try write(UnsafeMutableBufferPointer(start: pointer, count: shape.count))
  }

  /// A tensor of indices, such as codes or class numbers.
  public init(indices: [Int32], shape: Shape? = nil) {
    let shape = shape ?? [indices.count]
    precondition(
      indices.count == shape.count,
      "\(indices.count) indices do not fill a tensor of shape \(shape)")
    self.init(storage: Storage(count: shape.count, elementType: .int32), shape: shape)
    indexPointer.update(from: indices, count: indices.count)
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
    Array(UnsafeBufferPointer(start: indexPointer, count: count))
  }

  /// The value of a tensor with one element.
  public var item: Float {
    precondition(count == 1, "a tensor of shape \(shape) has no single value")
    return pointer.pointee
  }

  /// Calls a closure with the elements, which it must not keep.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
    -> Result
  {
    try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: pointer, count: count))
    }
  }

  /// A tensor with the same elements in memory of its own, without tape.
  public func copied() -> Tensor {
    let copy = Tensor(storage: Storage(count: count, elementType: elementType), shape: shape)
    let bytes = count * elementType.byteCount
    copy.storage.base.copyMemory(
      from: storage.base + offset * elementType.byteCount, byteCount: bytes)
    return copy
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
