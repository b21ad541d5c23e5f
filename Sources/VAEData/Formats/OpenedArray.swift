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
  /// The elements as they are stored.
  func readBytes() throws(DataError) -> ArrayMemory {
    let memory = try ArrayMemory(byteCount: byteCount, name: name)
    let found = try stream.read(into: memory.bytes)
    guard found == byteCount else { throw truncated(found: found) }
    try finish()
    return memory
  }

  /// The elements of a floating-point array, as 32-bit floats of this machine.
  ///
  /// A finite 64-bit number beyond the range of 32 bits is refused; numbers that are not finite are
  /// not looked for.
  func readFloats() throws(DataError) -> ArrayMemory {
    let memory: ArrayMemory
    if type.size == MemoryLayout<Float>.size {
      memory = try readBytes()
      if type.isBigEndian {
        for offset in stride(from: 0, to: byteCount, by: type.size) {
          let bits = memory.bytes.load(fromByteOffset: offset, as: UInt32.self)
          memory.bytes.storeBytes(of: bits.byteSwapped, toByteOffset: offset, as: UInt32.self)
        }
      }
    } else {
      memory = try readDoubles()
    }
    return memory
  }

  /// Converts 64-bit numbers a piece at a time, so that they never stand in memory as a whole.
  private func readDoubles() throws(DataError) -> ArrayMemory {
    let memory = try ArrayMemory(byteCount: byteCount / 2, name: name)
    let floats = memory.bytes.bindMemory(to: Float.self)
    var piece = [UInt64](repeating: 0, count: 1 << 13)
    var start = 0
    while start < floats.count {
      let count = min(piece.count, floats.count - start)
      let found = try piece.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
        let wanted = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
        return try stream.read(into: UnsafeMutableRawBufferPointer(wanted))
      }
      guard found == 8 * count else { throw truncated(found: 8 * start + found) }
      for position in 0..<count {
        let bits = type.isBigEndian ? piece[position].byteSwapped : piece[position]
        let value = Double(bitPattern: bits)
        let rounded = Float(value)
        guard rounded.isFinite || !value.isFinite else {
          throw DataError(
            .unusable,
            "\(name)\(sizes.index(of: start + position)) is \(value), "
              + "beyond the range of 32-bit floats")
        }
        floats[start + position] = rounded
      }
      start += count
    }
    try finish()
    return memory
  }

  /// The elements of an integer array.
  func readIntegers() throws(DataError) -> [Int32] {
    let memory = try readBytes()
    let count = byteCount / type.size
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
