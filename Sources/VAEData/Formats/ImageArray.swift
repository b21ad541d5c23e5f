import Messages
import VAECore

/// The images of one split, as read from a file.
struct ImageArray {
  /// Where the elements are; with the first integer, if any, that 32-bit floats do not have.
  enum Elements {
    /// In memory, as bytes: those of booleans are 0 or 1.
    case bytes(ArrayMemory)
    /// In memory, as 32-bit floats.
    case floats(ArrayMemory)
    /// In memory, as 64-bit floats: vectors, which may be rows of a table, of numbers with so many digits.
    case doubles(ArrayMemory, inexact: Inexact?)
    /// In their file, as they are stored.
    case file(FilePlace, ElementType, inexact: Inexact?)
  }

  /// An integer that 32-bit floats do not have.
  struct Inexact {
    let place: Int
    let value: Double
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
    let keepsDoubles = sizes.rank == 2 && array.hasManyDigits
    let (room, overflow) = array.count.multipliedReportingOverflow(
      by: array.type.isByte
        ? 1 : keepsDoubles ? MemoryLayout<Double>.size : MemoryLayout<Float>.size)
    let place = overflow || room > opening.largestArray ? array.place : nil
    let memory = place == nil ? try ArrayMemory(byteCount: overflow ? .max : room, name: name) : nil
    let kind: ScannedValues.Kind
    var inexact: Inexact?
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
      var scan = ValueScan(areVectors: sizes.rank == 2)
      if keepsDoubles {
        let isInteger = array.type.kind != .float
        try array.readDoubles(into: memory?.bytes.bindMemory(to: Double.self)) {
          floats, doubles, first in
          scan.add(floats)
          guard isInteger, inexact == nil else { return }
          inexact = doubles.firstIndex { Double(Float($0)) != $0 }
            .map { Inexact(place: first + $0, value: doubles[$0]) }
        }
      } else {
        try array.readFloats(into: memory?.bytes.bindMemory(to: Float.self)) { scan.add($0) }
      }
      kind = .floats(scan)
    }
    scanned = ScannedValues(name: name, sizes: sizes, kind: kind)
    if array.type.kind != .float && !array.type.isByte {
      notices.append("\(name) holds \(array.type), which are taken as floating-point numbers")
    }
    if let place {
      elements = .file(place, array.type, inexact: inexact)
      notices.append("\(name) is larger than the memory for it, and is read batch by batch")
    } else if let memory {
      elements =
        array.type.isByte
        ? .bytes(memory) : keepsDoubles ? .doubles(memory, inexact: inexact) : .floats(memory)
    } else {
      throw DataError(.unusable, "\(name) has no memory")
    }
  }

  /// The images as batches are drawn of them.
  ///
  /// - Parameters:
  ///   - rule: by which bytes are read.
  ///   - isTable: whether they are rows of a table, which keep all digits until they are standardized.
  func store(_ rule: ValueRule, isTable: Bool = false) throws(DataError) -> any ExampleStore {
    var divisor = rule.divisor
    if case .booleans = scanned.kind { divisor = 1 }
    switch elements {
    case .bytes(let memory):
      return ByteStore(count: count, shape: shape, memory: memory, divisor: divisor)
    case .floats(let memory):
      return FloatStore(count: count, shape: shape, memory: memory)
    case .doubles(let memory, let inexact):
      guard !isTable else { return DoubleStore(count: count, shape: shape, memory: memory) }
      try refuse(inexact)
      return FloatStore(count: count, shape: shape, memory: try narrowed(memory))
    case .file(let place, let type, let inexact):
      if !isTable { try refuse(inexact) }
      return try FileStore(count: count, shape: shape, place: place, type: type, divisor: divisor)
    }
  }

  private func refuse(_ inexact: Inexact?) throws(DataError) {
    guard let inexact else { return }
    throw DataError(
      .unusable,
      "\(name)\(scanned.sizes.index(of: inexact.place)) is \(Self.integer(inexact.value)), an integer that 32-bit floats do not "
        + "have; store the array scaled, as (X / numpy.abs(X).max()).astype('f4')")
  }

  /// A whole number of 64 bits, with a sign or without one.
  private static func integer(_ value: Double) -> String {
    Int64(exactly: value).map(String.init) ?? UInt64(exactly: value).map(String.init) ?? "\(value)"
  }

  /// Numbers as 32-bit floats.
  private func narrowed(_ memory: ArrayMemory) throws(DataError) -> ArrayMemory {
    let doubles = memory.elements(as: Double.self)
    let size = count * shape.count
    let narrow = try ArrayMemory(byteCount: size * MemoryLayout<Float>.size, name: name)
    let floats = narrow.bytes.bindMemory(to: Float.self)
    for place in 0..<size { floats[place] = Float(doubles[place]) }
    return narrow
  }
}
