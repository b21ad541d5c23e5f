import VAECore

/// The images of one split, as read from a file.
struct ImageArray {
  /// The elements, with what has been found out about them.
  enum Values {
    case bytes(ArrayMemory, largest: UInt8)
    /// Bytes that are 0 or 1 because of their type.
    case booleans(ArrayMemory)
    case floats(ArrayMemory, range: ValueRange)
  }

  /// What messages call it.
  let name: String
  let count: Int
  let shape: ImageShape
  let values: Values
  private let sizes: ArraySizes

  /// Images of bytes in memory.
  init(name: String, count: Int, shape: ImageShape, bytes: ArrayMemory) {
    self.name = name
    self.count = count
    self.shape = shape
    sizes = ArraySizes([count, shape.height, shape.width, shape.channels])
    let used = UnsafeBufferPointer(
      rebasing: bytes.elements(as: UInt8.self)[..<(count * shape.count)])
    values = .bytes(bytes, largest: used.reduce(0, max))
  }

  /// Reads all images.
  ///
  /// - Parameter array: `[N, height, width]` or `[N, height, width, channels]`.
  init(reading array: OpenedArray) throws(DataError) {
    sizes = array.sizes
    guard sizes.rank == 3 || sizes.rank == 4 else {
      throw DataError(
        .malformed,
        "\(array.name) has the sizes \(sizes.values), but images are [N, height, width] or "
          + "[N, height, width, channels]")
    }
    name = array.name
    count = sizes.values[0]
    shape = ImageShape(
      height: sizes.values[1], width: sizes.values[2],
      channels: sizes.rank == 4 ? sizes.values[3] : 1)
    try shape.checkChannelsComeLast(of: array.name)
    switch (array.type.kind, array.type.size) {
    case (.unsigned, 1):
      let memory = try array.readBytes()
      values = .bytes(memory, largest: memory.elements(as: UInt8.self).reduce(0, max))
    case (.boolean, _):
      let memory = try array.readBytes()
      if let position = memory.elements(as: UInt8.self).firstIndex(where: { $0 > 1 }) {
        throw DataError(
          .malformed,
          "\(name)\(sizes.index(of: position)) is \(memory.bytes[position]), "
            + "but a boolean is 0 or 1")
      }
      values = .booleans(memory)
    case (.float, _):
      let memory = try array.readFloats()
      values = .floats(memory, range: try Self.range(memory, array))
    default:
      throw DataError(
        .malformed,
        "\(array.name) holds \(array.type), but images are bytes, booleans or 32-bit or 64-bit "
          + "floating-point numbers")
    }
  }

  /// Where floats lie; refuses those that are not finite.
  private static func range(
    _ memory: ArrayMemory, _ array: OpenedArray
  ) throws(DataError) -> ValueRange {
    var (isBinary, isUnit, isFinite) = (true, true, true)
    let floats = memory.elements(as: Float.self)
    for value in floats {
      isBinary = isBinary && (value == 0 || value == 1)
      isUnit = isUnit && value >= 0 && value <= 1
      isFinite = isFinite && value.isFinite
    }
    guard isFinite else {
      let position = floats.firstIndex { !$0.isFinite } ?? 0
      throw DataError(
        .unusable,
        "\(array.name)\(array.sizes.index(of: position)) is \(floats[position]); "
          + "every value must be a finite number")
    }
    return isBinary ? .binary : isUnit ? .unit : .real
  }

  /// The first float that is none of the 256 levels k/255, with its place, such as `[3, 10, 4] is
  /// 0.5`; nil for other elements. It is asked of floats between zero and one.
  var firstUnquantizedFloat: String? {
    guard case .floats(let memory, _) = values else { return nil }
    let floats = memory.elements(as: Float.self)
    return ByteLevels.firstMiss(in: floats).map { "\(sizes.index(of: $0)) is \(floats[$0])" }
  }

  /// The first byte that is neither 0 nor 1, with its place, such as `[3, 10, 4] is 17`.
  var firstByteAboveOne: String? {
    guard case .bytes(let memory, _) = values,
      let position = memory.elements(as: UInt8.self).firstIndex(where: { $0 > 1 })
    else {
      return nil
    }
    return "\(sizes.index(of: position)) is \(memory.bytes[position])"
  }
}
