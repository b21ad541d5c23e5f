import CVAE

/// What calls under way point at, which the compiler cannot see: kept to the end of a test.
enum Kept {
  nonisolated(unsafe) private static var objects: [AnyObject] = []

  static func keep(_ object: AnyObject) { objects.append(object) }

  static func releaseAll() { objects = [] }
}

/// A tensor in memory of the test's own, with all that its view points at.
final class CTensor {
  private let memory: UnsafeMutableRawPointer
  private let axes: UnsafeMutablePointer<Int64>
  /// What the interface is given.
  let pointer: UnsafeMutablePointer<vae_tensor>

  /// Numbers with a shape.
  ///
  /// - Parameters:
  ///   - strides: in elements; nil to give none.
  ///   - first: the element that `data` points at, for negative strides.
  ///   - byteOffset: that is taken off the address and given as `byte_offset`.
  init<Number: BitwiseCopyable>(
    _ numbers: [Number], _ dtype: Int32, shape: [Int], strides: [Int]? = nil, first: Int = 0,
    byteOffset: Int = 0
  ) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, numbers.count * MemoryLayout<Number>.size), alignment: 64)
    numbers.withUnsafeBytes {
      if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: $0.count) }
    }
    self.memory = memory
    axes = .allocate(capacity: max(1, 2 * shape.count))
    for (axis, size) in shape.enumerated() { axes[axis] = Int64(size) }
    for (axis, stride) in (strides ?? []).enumerated() { axes[shape.count + axis] = Int64(stride) }
    pointer = .allocate(capacity: 1)
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    view.dtype = dtype
    view.device = VAE_DEVICE_CPU
    view.rank = Int32(shape.count)
    view.shape = UnsafePointer(axes)
    view.strides = strides == nil ? nil : UnsafePointer(axes + shape.count)
    view.data = memory + first * MemoryLayout<Number>.size - byteOffset
    view.byte_offset = UInt64(byteOffset)
    pointer.initialize(to: view)
    Kept.keep(self)
  }

  /// Dense floats.
  convenience init(_ floats: [Float], _ shape: [Int]) {
    self.init(floats, VAE_FLOAT32, shape: shape)
  }

  deinit {
    memory.deallocate()
    axes.deallocate()
    pointer.deallocate()
  }

  /// The view, to be read and changed.
  var view: vae_tensor {
    get { pointer.pointee }
    set { pointer.pointee = newValue }
  }

  /// The address of the first element.
  var address: UnsafeMutableRawPointer { view.data + Int(view.byte_offset) }

  /// Overwrites a float.
  func set(_ index: Int, _ value: Float) {
    memory.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
  }
}

/// What an array of the library holds.
struct ArrayContents: Equatable {
  let dtype: Int32
  let shape: [Int]
  let floats: [Float]
  let doubles: [Double]
  let integers: [Int32]
  let bytes: [UInt8]
}

extension CTestCase {
  /// The view of an array.
  func view(of array: OpaquePointer) throws -> vae_tensor {
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    try succeed { vae_array_view(array, &view, $0) }
    return view
  }

  /// What an array holds.
  func contents(of array: OpaquePointer) throws -> ArrayContents {
    let view = try view(of: array)
    let shape = (0..<Int(view.rank)).map { Int(view.shape[$0]) }
    let count = shape.reduce(1, *)
    func elements<Number>(_ type: Number.Type, _ dtype: Int32) -> [Number] {
      guard view.dtype == dtype else { return [] }
      return Array(
        UnsafeBufferPointer(start: view.data.assumingMemoryBound(to: type), count: count))
    }
    return ArrayContents(
      dtype: view.dtype, shape: shape, floats: elements(Float.self, VAE_FLOAT32),
      doubles: elements(Double.self, VAE_FLOAT64), integers: elements(Int32.self, VAE_INT32),
      bytes: elements(UInt8.self, VAE_UINT8))
  }
}
