import CVAE
import VAEZoo

/// A caller's tensor, checked: its shape and strides fit in memory as far as that can be known.
struct TensorView {
  /// What a message calls it.
  let name: String
  /// VAE_FLOAT32, …
  let dtype: Int32
  let shape: [Int]
  /// In elements.
  let strides: [Int]
  /// The first element.
  let start: UnsafeRawPointer
  /// The number of elements.
  let count: Int

  /// - Throws: `CallError` where the struct is NULL or contradicts itself.
  init(_ pointer: UnsafePointer<vae_tensor>?, _ name: String) throws(CallError) {
    self.name = name
    let tensor = try value(of: pointer, name)
    func refusal(_ reason: String) -> CallError {
      CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) \(reason)")
    }
    guard tensor.device == VAE_DEVICE_CPU else {
      throw CallError(
        tensor.device == 0 ? VAE_ERR_INVALID_ARGUMENT : VAE_ERR_UNSUPPORTED,
        "\(name) is on device \(tensor.device); only VAE_DEVICE_CPU can be read")
    }
    guard let size = Self.byteCount(of: tensor.dtype) else {
      throw CallError(
        tensor.dtype == 0 ? VAE_ERR_INVALID_ARGUMENT : VAE_ERR_UNSUPPORTED,
        "\(name) has the dtype \(tensor.dtype), which is none of VAE_FLOAT32, VAE_UINT8, VAE_INT32 "
          + "and VAE_FLOAT64")
    }
    dtype = tensor.dtype
    guard (0...Int32(Shape.maximalRank)).contains(tensor.rank) else {
      throw refusal(
        "has the rank \(tensor.rank), which is not in 0...\(Shape.maximalRank)")
    }
    let rank = Int(tensor.rank)
    guard rank == 0 || tensor.shape != nil else { throw refusal("has no shape: it is NULL") }
    let shape = (0..<rank).map { Int(tensor.shape[$0]) }
    guard shape.allSatisfy({ $0 >= 0 }) else {
      throw refusal("has a negative size: its shape is \(shape)")
    }
    guard let count = Self.product(shape) else {
      throw refusal("has more elements than can be counted: its shape is \(shape)")
    }
    var strides = [Int](repeating: 0, count: rank)
    var dense = 1
    for axis in (0..<rank).reversed() {
      // The stride of an axis of one element may be anything.
      strides[axis] = shape[axis] <= 1 ? 0 : tensor.strides.map { Int($0[axis]) } ?? dense
      // A product of sizes that are not zero is at most `count`, where no size is zero.
      dense = count == 0 ? 1 : dense * shape[axis]
    }
    guard let data = tensor.data else { throw refusal("has no data: the pointer is NULL") }
    self.shape = shape
    self.strides = strides
    self.count = count
    start = try Self.start(
      UInt(bitPattern: data), tensor.byte_offset, size, shape, strides, count, name)
  }

  /// Bytes an element takes; nil for an unknown type.
  static func byteCount(of dtype: Int32) -> Int? {
    switch dtype {
    case VAE_FLOAT32, VAE_INT32: 4
    case VAE_UINT8: 1
    case VAE_FLOAT64: 8
    default: nil
    }
  }

  /// The product of sizes, nil where it cannot be counted in 2⁴⁸, which is more than any memory.
  private static func product(_ sizes: [Int]) -> Int? {
    var count = 1
    for size in sizes where size != 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow && product <= 1 << 48 else { return nil }
      count = product
    }
    return sizes.contains(0) ? 0 : count
  }

  /// The end of the addresses that a process can have.
  #if arch(x86_64)
    private static let addressLimit = 1 << 47
  #else
    private static let addressLimit = 1 << 52
  #endif

  /// The address of the first element, where all elements lie inside the address space, and are not
  /// so many more than their memory has room for that a copy of them would not fit.
  private static func start(
    _ data: UInt, _ offset: UInt64, _ size: Int, _ shape: [Int], _ strides: [Int], _ count: Int,
    _ name: String
  ) throws(CallError) -> UnsafeRawPointer {
    func outside() -> CallError {
      CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) reaches outside of memory: its shape is \(shape), its strides are \(strides) and "
          + "its byte_offset is \(offset)")
    }
    let (first, overflow) = data.addingReportingOverflow(UInt(offset))
    guard !overflow, first < addressLimit else { throw outside() }
    var (lowest, highest) = (0, 0)
    for (extent, stride) in zip(shape, strides) where extent > 1 && count > 0 {
      let (reach, overflow) = stride.multipliedReportingOverflow(by: extent - 1)
      guard !overflow, reach.magnitude < addressLimit else { throw outside() }
      if reach < 0 { lowest += reach } else { highest += reach }
    }
    guard Int(first) + lowest * size > 0, Int(first) + (highest + 1) * size <= addressLimit,
      let start = UnsafeRawPointer(bitPattern: first)
    else { throw outside() }
    if count > highest - lowest + 1 {
      try MemoryNeed.check(
        bytes: Double(count) * Double(size), for: "the repeated elements of \(name)")
    }
    return start
  }
}

// MARK: - As numbers

extension TensorView {
  /// Calls a closure with each element's position in row-major order and its distance from the first
  /// in elements.
  private func forEach(_ body: (_ position: Int, _ offset: Int) -> Void) {
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    for position in 0..<count {
      body(position, offset)
      for axis in shape.indices.reversed() {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
      }
    }
  }

  /// A copy of the elements as a tensor: of floats, or of indices where they are whole numbers.
  ///
  /// - Throws: `CallError` where they are bytes.
  func copied() throws(CallError) -> Tensor {
    try MemoryNeed.check(bytes: Double(count) * 4, for: "a copy of \(name)")
    let shape = Shape(shape)
    switch dtype {
    case VAE_FLOAT32:
      return Tensor(shape) { target in
        forEach {
          target[$0] = start.loadUnaligned(fromByteOffset: $1 * 4, as: Float.self)
        }
      }
    case VAE_FLOAT64:
      return Tensor(shape) { target in
        forEach {
          target[$0] = Float(start.loadUnaligned(fromByteOffset: $1 * 8, as: Double.self))
        }
      }
    case VAE_INT32:
      return Tensor(indices: shape) { target in
        forEach {
          target[$0] = start.loadUnaligned(fromByteOffset: $1 * 4, as: Int32.self)
        }
      }
    default:
      throw CallError(VAE_ERR_UNSUPPORTED, "\(name) holds bytes, where numbers are needed")
    }
  }
}

extension TensorView {
  /// A copy of the elements as floats, bytes among them.
  func numbers() throws(CallError) -> Tensor {
    guard dtype == VAE_UINT8 else { return try copied() }
    try MemoryNeed.check(bytes: Double(count) * 4, for: "a copy of \(name)")
    return Tensor(Shape(shape)) { target in
      forEach {
        target[$0] = Float(start.loadUnaligned(fromByteOffset: $1, as: UInt8.self))
      }
    }
  }
}

// MARK: - As images

extension TensorView {
  /// The elements as images, read in place.
  ///
  /// - Parameter wanted: the size of the images that a model takes, to which rows of as many numbers
  ///   are cut; nil to take the tensor's own: [N, width] is of height 1 then.
  /// - Throws: `CallError` where they cannot be images, or are of another size.
  func images(of wanted: ImageShape?) throws(CallError) -> MemoryImages {
    let element: MemoryImages.Element
    switch dtype {
    case VAE_FLOAT32: element = .float32
    case VAE_FLOAT64: element = .float64
    case VAE_UINT8: element = .uint8
    default:
      throw CallError(
        VAE_ERR_UNSUPPORTED, "\(name) holds 32-bit integers; images are floats or bytes")
    }
    guard count > 0 else {
      throw CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is empty: its shape is \(shape)")
    }
    let (size, strides) = try axes(wanted)
    guard shape[0] <= Int(Int32.max) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "\(name) holds \(shape[0]) images, more than 2147483647")
    }
    if let wanted, size != wanted {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) has images of \(size), but the model takes \(wanted): its shape is \(shape)")
    }
    guard size.height <= 1 << 20, size.width <= 1 << 26, size.channels <= 1 << 20,
      size.count <= 1 << 26
    else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) has images of \(size), beyond the limit of \(1 << 26) numbers")
    }
    var images = MemoryImages(
      at: start, count: shape[0], shape: size, strides: strides, element: element)
    images.sizes = shape
    return images
  }

  /// The size of an image and the strides of the four axes.
  private func axes(_ wanted: ImageShape?) throws(CallError) -> (ImageShape, [Int]) {
    switch shape.count {
    case 4:
      return (ImageShape(height: shape[1], width: shape[2], channels: shape[3]), strides)
    case 3:
      return (ImageShape(height: shape[1], width: shape[2], channels: 1), strides + [1])
    case 2:
      guard let wanted, wanted.count == shape[1] else {
        return (
          ImageShape(height: 1, width: shape[1], channels: 1), [strides[0], 0, strides[1], 0]
        )
      }
      let step = strides[1]
      return (
        wanted, [strides[0], wanted.width * wanted.channels * step, wanted.channels * step, step]
      )
    default:
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) has the shape \(shape), but images are [N, height, width, channels], "
          + "[N, height, width] or [N, numbers]")
    }
  }
}
