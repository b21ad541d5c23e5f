import Communication
import Messages
import Tensors

/// Findings as bytes, for ranks on processors of one kind.
enum FindingsBytes {
  static func written(_ all: [BatchFindings]) -> [UInt8] {
    var bytes: [UInt8] = []
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

  /// Reads what another rank has written.
  ///
  /// - Throws: `CommunicationError` where it cannot have written that.
  static func read(_ bytes: ArraySlice<UInt8>) throws(CommunicationError) -> [BatchFindings] {
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
        var elements = 1
        for _ in 0..<(try reader.count(atLeast: 8)) {
          let size = try reader.whole()
          let (product, overflows) = elements.multipliedReportingOverflow(by: size)
          guard size >= 0, !overflows else { throw Reader.refusal }
          dimensions.append(size)
          elements = product
        }
        let shape = Shape(dimensions)
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
    guard reader.rest.isEmpty else { throw Reader.refusal }
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

    static let refusal = CommunicationError(
      .failed, "a rank sends what none of this version would send")

    mutating func whole() throws(CommunicationError) -> Int {
      let value = try array(1, filling: Int64(0))[0]
      guard let number = Int(exactly: value) else { throw Self.refusal }
      return number
    }

    /// How many things of some bytes at least follow.
    mutating func count(atLeast bytes: Int) throws(CommunicationError) -> Int {
      let count = try whole()
      guard count >= 0, count <= rest.count / bytes else { throw Self.refusal }
      return count
    }

    mutating func array<Number: BitwiseCopyable>(
      _ count: Int, filling zero: Number
    ) throws(CommunicationError) -> [Number] {
      let stride = MemoryLayout<Number>.stride
      guard count >= 0, count <= rest.count / stride else { throw Self.refusal }
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
