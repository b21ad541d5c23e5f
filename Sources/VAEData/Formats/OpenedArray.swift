import Messages

/// An array in a file, of which the header has been read and checked; its elements come next.
struct OpenedArray {
  /// What messages call it: the file's path, and the array's name where the file has several.
  let name: String
  let type: ElementType
  /// None is zero.
  let sizes: ArraySizes
  private let stream: any ByteStream
  private let byteCount: Int

  /// How many bytes a file holds behind an array's header.
  enum Extent {
    case exactly(Int)
    /// What the compressed bytes can become at most.
    case atMost(Int)
  }

  /// Checks the declared sizes against what the file can hold; takes no memory for elements.
  ///
  /// - Parameters:
  ///   - name: what messages call the array.
  ///   - type: of its elements.
  ///   - sizes: as declared by the header.
  ///   - stream: whose next bytes are the elements, row-major.
  ///   - extent: how many bytes the file holds.
  init(
    name: String, type: ElementType, sizes: [Int], stream: any ByteStream, extent: Extent
  ) throws(DataError) {
    self.name = name
    self.type = type
    self.sizes = ArraySizes(sizes)
    self.stream = stream
    guard !sizes.contains(0) else {
      throw DataError(
        .malformed, "\(name) declares \(self.sizes) elements, expected at least one")
    }
    guard let count = self.sizes.bytes(perElement: type.size) else {
      throw DataError(
        .malformed, "\(name) declares \(self.sizes) elements, more than any file can hold")
    }
    byteCount = count
    switch extent {
    case .exactly(let found) where found < count: throw truncated(found: found)
    case .exactly(let found) where found > count: throw tooLong(by: "\(found - count)")
    case .atMost(let most) where most < count:
      throw DataError(
        .malformed,
        "\(name) declares \(self.sizes) elements (\(count) bytes), but its compressed data can "
          + "hold \(most) at most; get it again")
    default: break
    }
    try stream.check(count)
  }

  private func truncated(found: Int) -> DataError {
    DataError(
      .malformed,
      "\(name) is truncated: it declares \(sizes) elements (\(byteCount) bytes), "
        + "but holds \(max(found, 0)) bytes of them; get it again")
  }

  private func tooLong(by excess: String) -> DataError {
    DataError(
      .malformed,
      "\(name) declares \(sizes) elements (\(byteCount) bytes), but \(excess) more "
        + "bytes follow; get it again")
  }
}

// MARK: - Reading the elements

extension OpenedArray {
  /// The number of elements.
  var count: Int { byteCount / type.size }

  /// Where in a file the elements stand as they are; nil where they are compressed. To be asked
  /// before they are read.
  var place: FilePlace? { stream.place }

  /// The elements as they are stored.
  func readBytes() throws(DataError) -> ArrayMemory {
    let memory = try ArrayMemory(byteCount: byteCount, name: name)
    try forEachPiece(into: memory.bytes) { _, _ in }
    return memory
  }

  /// The elements of an array of numbers, as 32-bit floats of this machine; see `readFloats(_:)`.
  func readFloats() throws(DataError) -> ArrayMemory {
    let memory = try ArrayMemory(byteCount: count * MemoryLayout<Float>.size, name: name)
    try readFloats(into: memory.bytes.bindMemory(to: Float.self)) { _ in }
    return memory
  }

  /// Reads the elements once, in order, as 32-bit floats of this machine.
  ///
  /// A finite number that 32-bit floats do not have is refused; numbers that are not finite are not
  /// looked for.
  ///
  /// - Parameters:
  ///   - memory: for all of them; nil where nobody keeps them.
  ///   - body: told one piece after the other.
  func readFloats(
    into memory: UnsafeMutableBufferPointer<Float>?,
    _ body: (UnsafeBufferPointer<Float>) throws(DataError) -> Void
  ) throws(DataError) {
    if type.isFloat, let memory {
      try forEachPiece(into: UnsafeMutableRawBufferPointer(memory)) {
        (bytes, _) throws(DataError) in
        try body(UnsafeBufferPointer(bytes.bindMemory(to: Float.self)))
      }
      return
    }
    let room = UnsafeMutableBufferPointer<Float>.allocate(
      capacity: memory == nil ? Self.pieceSize / type.size : 0)
    defer { room.deallocate() }
    try forEachPiece(into: nil) { (bytes, first) throws(DataError) in
      let size = bytes.count / type.size
      let floats = UnsafeMutableBufferPointer(
        rebasing: memory.map { $0[first..<first + size] } ?? room[..<size])
      if let miss = type.convert(UnsafeRawBufferPointer(bytes), into: floats) {
        throw DataError(
          .unusable,
          "\(name)\(sizes.index(of: first + miss)) is "
            + "\(type.text(UnsafeRawBufferPointer(bytes), at: miss)), "
            + (type.kind == .float
              ? "beyond the range of 32-bit floats"
              : "an integer that 32-bit floats do not have; store the array scaled, as "
                + "(X / numpy.abs(X).max()).astype('f4')"))
      }
      try body(UnsafeBufferPointer(floats))
    }
  }

  /// Whether 64-bit floats have more of the elements' digits than 32-bit ones.
  var hasManyDigits: Bool {
    type.kind == .float ? type.size == 8 : type.kind != .boolean && type.size >= 4
  }

  /// Reads the elements once, in order, as 64-bit floats of this machine.
  ///
  /// A finite number beyond the range of 32-bit floats is refused, and an integer that 64-bit floats do not have.
  ///
  /// - Parameters:
  ///   - memory: for all of them; nil where nobody keeps them.
  ///   - body: told one piece after the other, as 32-bit floats, with its elements and the number of those before it.
  func readDoubles(
    into memory: UnsafeMutableBufferPointer<Double>?,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Double>, Int) throws(DataError) -> Void
  ) throws(DataError) {
    var floats: [Float] = []
    let room = UnsafeMutableBufferPointer<Double>.allocate(
      capacity: memory == nil ? Self.pieceSize / type.size : 0)
    defer { room.deallocate() }
    try forEachPiece(into: nil) { (bytes, first) throws(DataError) in
      let size = bytes.count / type.size
      let doubles = UnsafeMutableBufferPointer(
        rebasing: memory.map { $0[first..<first + size] } ?? room[..<size])
      let stored = UnsafeRawBufferPointer(bytes)
      var miss = type.convert(stored, into: doubles)
      if miss == nil { miss = doubles.firstIndex { $0.isFinite && !Float($0).isFinite } }
      if let miss {
        throw DataError(
          .unusable,
          "\(name)\(sizes.index(of: first + miss)) is \(type.text(stored, at: miss)), "
            + (type.kind == .float
              ? "beyond the range of 32-bit floats" : "an integer that 64-bit floats do not have"))
      }
      floats.removeAll(keepingCapacity: true)
      floats.append(contentsOf: doubles.lazy.map { Float($0) })
      try floats.withUnsafeBufferPointer { (floats) throws(DataError) in
        try body(floats, UnsafeBufferPointer(doubles), first)
      }
    }
  }

  /// What is read at a time, in bytes: a multiple of every element's size.
  private static let pieceSize = 1 << 20

  /// Reads the elements once, in order, as they are stored.
  ///
  /// - Parameters:
  ///   - memory: for all of them; nil where nobody keeps them.
  ///   - body: told one piece after the other, with the number of elements before it.
  func forEachPiece(
    into memory: UnsafeMutableRawBufferPointer?,
    _ body: (UnsafeMutableRawBufferPointer, Int) throws(DataError) -> Void
  ) throws(DataError) {
    let room = UnsafeMutableRawBufferPointer.allocate(
      byteCount: memory == nil ? min(Self.pieceSize, byteCount) : 0, alignment: 16)
    defer { room.deallocate() }
    var start = 0
    while start < byteCount {
      let size = min(Self.pieceSize, byteCount - start)
      let piece = UnsafeMutableRawBufferPointer(
        rebasing: memory.map { $0[start..<start + size] } ?? room[..<size])
      let found = try stream.read(into: piece)
      guard found == size else { throw truncated(found: start + found) }
      try body(piece, start / type.size)
      start += size
    }
    try finish()
  }

  /// The elements of an integer array.
  func readIntegers() throws(DataError) -> [Int32] {
    let memory = try readBytes()
    var integers: [Int32] = []
    integers.reserveCapacity(count)
    for position in 0..<count {
      var bits: UInt64 = 0
      for place in 0..<type.size {
        let offset = type.isBigEndian ? place : type.size - 1 - place
        bits = bits << 8 | UInt64(memory.bytes[position * type.size + offset])
      }
      let unused = 64 - 8 * type.size
      let value =
        type.kind == .signed
        ? Int32(exactly: Int64(bitPattern: bits << unused) >> unused) : Int32(exactly: bits)
      guard let value else {
        throw DataError(
          .unusable, "\(name)\(sizes.index(of: position)) does not fit in a 32-bit integer")
      }
      integers.append(value)
    }
    return integers
  }

  /// Makes sure that the elements are all there is; the stream checks itself at its end.
  private func finish() throws(DataError) {
    guard try stream.next(1).isEmpty else { throw tooLong(by: "some") }
  }
}
