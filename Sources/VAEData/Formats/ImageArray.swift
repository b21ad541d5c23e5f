import Messages
import VAECore

/// The images of one split, as read from a file.
struct ImageArray {
  /// Where the elements are.
  enum Elements {
    /// In memory, as bytes: those of booleans are 0 or 1.
    case bytes(ArrayMemory)
    /// In memory, as 32-bit floats.
    case floats(ArrayMemory)
    /// In their file, as they are stored.
    case file(FilePlace, ElementType)
  }

  /// What messages call it.
  let name: String
  let count: Int
  let shape: ImageShape
  let elements: Elements
  /// What has been found out about the values.
  let scanned: ScannedValues
  /// What the user should know of how it was read.
  private(set) var notices: [Message] = []

  /// Images of bytes in memory.
  init(name: String, count: Int, shape: ImageShape, bytes: ArrayMemory) {
    self.name = name
    self.count = count
    self.shape = shape
    elements = .bytes(bytes)
    var scan = ByteScan()
    scan.add(
      UnsafeBufferPointer(rebasing: bytes.elements(as: UInt8.self)[..<(count * shape.count)]))
    scanned = ScannedValues(
      name: name, sizes: ArraySizes([count, shape.height, shape.width, shape.channels]),
      kind: .bytes(scan))
  }

  /// Reads all images, or looks at all of them and leaves them in their file where that is not
  /// compressed and they are too large.
  ///
  /// - Parameters:
  ///   - array: `[N, height, width]`, `[N, height, width, channels]`, or `[N, width]` of examples
  ///     that are vectors.
  ///   - opening: with the size beyond which elements stay in their file.
  init(reading array: OpenedArray, _ opening: Opening) throws(DataError) {
    let sizes = array.sizes
    guard (2...4).contains(sizes.rank) else {
      throw DataError(
        .malformed,
        "\(array.name) has the sizes \(sizes.values), but images are [N, height, width] or "
          + "[N, height, width, channels], and vectors [N, width]; bring it to one of these by "
          + "numpy.reshape")
    }
    name = array.name
    count = sizes.values[0]
    shape =
      sizes.rank == 2
      ? ImageShape(height: 1, width: sizes.values[1], channels: 1)
      : ImageShape(
        height: sizes.values[1], width: sizes.values[2],
        channels: sizes.rank == 4 ? sizes.values[3] : 1)
    try shape.checkChannelsComeLast(of: array.name)
    let (room, overflow) = array.count.multipliedReportingOverflow(
      by: array.type.isByte ? 1 : MemoryLayout<Float>.size)
    let place = overflow || room > opening.largestArray ? array.place : nil
    let memory = place == nil ? try ArrayMemory(byteCount: overflow ? .max : room, name: name) : nil
    let kind: ScannedValues.Kind
    if array.type.isByte {
      var scan = ByteScan()
      try array.forEachPiece(into: memory?.bytes) { (bytes, _) throws(DataError) in
        scan.add(UnsafeBufferPointer(bytes.bindMemory(to: UInt8.self)))
      }
      if array.type.kind == .boolean {
        if let found = scan.firstAboveOne {
          throw DataError(
            .malformed,
            "\(name)\(sizes.index(of: found.position)) is \(found.value), but a boolean is 0 or 1")
        }
        kind = .booleans
      } else {
        kind = .bytes(scan)
      }
    } else {
      var scan = ValueScan()
      try array.readFloats(into: memory?.bytes.bindMemory(to: Float.self)) { scan.add($0) }
      kind = .floats(scan)
    }
    scanned = ScannedValues(name: name, sizes: sizes, kind: kind)
    if array.type.kind != .float && !array.type.isByte {
      notices.append("\(name) holds \(array.type), which are taken as floating-point numbers")
    }
    if let place {
      elements = .file(place, array.type)
      notices.append("\(name) is larger than the memory for it, and is read batch by batch")
    } else if let memory {
      elements = array.type.isByte ? .bytes(memory) : .floats(memory)
    } else {
      throw DataError(.unusable, "\(name) has no memory")
    }
  }

  /// The images as batches are drawn of them.
  ///
  /// - Parameter rule: by which bytes are read.
  func store(_ rule: ValueRule) throws(DataError) -> any ExampleStore {
    var divisor = rule.divisor
    if case .booleans = scanned.kind { divisor = 1 }
    switch elements {
    case .bytes(let memory):
      return ByteStore(count: count, shape: shape, memory: memory, divisor: divisor)
    case .floats(let memory):
      return FloatStore(count: count, shape: shape, memory: memory)
    case .file(let place, let type):
      return try FileStore(count: count, shape: shape, place: place, type: type, divisor: divisor)
    }
  }
}
