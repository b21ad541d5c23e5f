import Tensors

/// Findings as bytes, for ranks on processors of one kind.
package enum FindingsBytes {
  /// - Parameter place: where in its work this rank is, for errors.
  /// - Throws: `MemoryError`.
  package static func written(
    _ all: [BatchFindings], for place: String
  ) throws(MemoryError) -> [UInt8] {
    let count = count(of: all)
    try Memory.require(bytes: count, for: "what this rank has found in \(place)")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    func write(_ value: Int) {
      withUnsafeBytes(of: Int64(value)) { bytes.append(contentsOf: $0) }
    }
    write(all.count)
    for findings in all {
      write(findings.numbers.count)
      for list in findings.numbers {
        write(list.count)
        list.withUnsafeBytes { bytes.append(contentsOf: $0) }
      }
      write(findings.tensors.count)
      for tensor in findings.tensors {
        let isOfIndices = tensor.elementType == .int32
        write(isOfIndices ? 1 : 0)
        write(tensor.rank)
        for size in tensor.shape.dimensions { write(size) }
        if isOfIndices {
          tensor.indices.withUnsafeBytes { bytes.append(contentsOf: $0) }
        } else {
          tensor.withFloats { bytes.append(contentsOf: UnsafeRawBufferPointer($0)) }
        }
      }
      write(findings.text == nil ? 0 : 1)
      if let text = findings.text {
        write(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
      }
    }
    return bytes
  }

  /// How many bytes findings are.
  private static func count(of all: [BatchFindings]) -> Int {
    all.reduce(8) { sum, findings in
      findings.numbers.reduce(0) { $0 + 8 + 8 * $1.count }
        + findings.tensors.reduce(0) { $0 + 16 + 8 * $1.rank + 4 * $1.count }
        + 32 + (findings.text?.utf8.count ?? 0) + sum
    }
  }

  /// Reads what another rank has written; nil where it cannot have written that.
  package static func read(_ bytes: ArraySlice<UInt8>) -> [BatchFindings]? { try? findings(bytes) }

  /// More elements than any tensor has.
  private static let most = 1 << 40

  private static func findings(_ bytes: ArraySlice<UInt8>) throws(Reader.Refusal) -> [BatchFindings]
  {
    var reader = Reader(rest: bytes)
    var all: [BatchFindings] = []
    for _ in 0..<(try reader.count(atLeast: 8)) {
      var findings = BatchFindings()
      for _ in 0..<(try reader.count(atLeast: 8)) {
        findings.numbers.append(try reader.array(reader.count(atLeast: 8), filling: 0.0))
      }
      for _ in 0..<(try reader.count(atLeast: 8)) {
        let isOfIndices = try reader.whole() == 1
        var dimensions: [Int] = []
        // Without sizes of zero, so that axes and strides can be counted as well.
        var room = 1
        let rank = try reader.count(atLeast: 8)
        guard rank <= Shape.maximalRank else { throw Reader.Refusal() }
        for _ in 0..<rank {
          let size = try reader.whole()
          let (product, overflows) = room.multipliedReportingOverflow(by: max(1, size))
          guard size >= 0, !overflows, product <= most else { throw Reader.Refusal() }
          dimensions.append(size)
          room = product
        }
        let shape = Shape(dimensions)
        let elements = shape.count
        if isOfIndices {
          let values = try reader.array(elements, filling: Int32(0))
          findings.tensors.append(Tensor(indices: values, shape: shape))
        } else {
          let values = try reader.array(elements, filling: Float(0))
          findings.tensors.append(Tensor(values, shape: shape))
        }
      }
      if try reader.whole() == 1 {
        let text = try reader.array(reader.count(atLeast: 1), filling: UInt8(0))
        findings.text = String(decoding: text, as: UTF8.self)
      }
      all.append(findings)
    }
    guard reader.rest.isEmpty else { throw Reader.Refusal() }
    return all
  }

  /// What tells bytes from others that a fault of whatever carries them has made of them (FNV-1a over words of 64 bits; the
  /// last word is filled up with zeros).
  static func checksum(_ bytes: ArraySlice<UInt8>) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    bytes.withUnsafeBytes { bytes in
      let whole = bytes.count / 8 * 8
      for place in stride(from: 0, to: whole, by: 8) {
        let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        hash = (hash ^ word) &* 0x100_0000_01b3
      }
      for byte in bytes[whole...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return Int64(bitPattern: hash)
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    struct Refusal: Error {}

    mutating func whole() throws(Refusal) -> Int {
      try Int(array(1, filling: Int64(0))[0])
    }

    /// How many things of some bytes at least follow.
    mutating func count(atLeast bytes: Int) throws(Refusal) -> Int {
      let count = try whole()
      guard count >= 0, count <= rest.count / bytes else { throw Refusal() }
      return count
    }

    mutating func array<Number: BitwiseCopyable>(
      _ count: Int, filling zero: Number
    ) throws(Refusal) -> [Number] {
      let stride = MemoryLayout<Number>.stride
      guard count >= 0, count <= rest.count / stride else { throw Refusal() }
      var values = [Number](repeating: zero, count: count)
      values.withUnsafeMutableBytes { target in
        rest.withUnsafeBytes {
          target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<target.count]))
        }
      }
      rest = rest.dropFirst(count * stride)
      return values
    }
  }
}
