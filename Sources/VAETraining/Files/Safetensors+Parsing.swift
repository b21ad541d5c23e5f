import FoundationEssentials

extension Safetensors {
  /// The largest header that is read, in bytes; the format's own limit.
  static let headerLimit = 100_000_000

  private struct Header: Decodable {
    struct Tensor: Decodable {
      let type: String
      let shape: [Int]
      let offsets: [Int]

      enum CodingKeys: String, CodingKey {
        case type = "dtype"
        case shape
        case offsets = "data_offsets"
      }
    }

    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    var tensors: [(name: String, tensor: Tensor)] = []
    var metadata: [String: String] = [:]

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        if key.stringValue == "__metadata__" {
          metadata = try container.decode([String: String].self, forKey: key)
        } else {
          tensors.append((key.stringValue, try container.decode(Tensor.self, forKey: key)))
        }
      }
    }
  }

  /// A file from its bytes.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - path: where it came from, for errors.
  /// - Throws: `SafetensorsError` for a header that is too long, not JSON or not of the format's
  ///   form, and for tensors whose type is unknown, or whose shape, size and place do not fit each
  ///   other or the file.
  public init(parsing bytes: [UInt8], path: String) throws {
    func fail(_ what: String) -> SafetensorsError {
      SafetensorsError(message: "\(path) is not a sound safetensors file: \(what)")
    }
    guard bytes.count >= 8 else {
      throw fail("it has \(bytes.count) bytes, fewer than the 8 of a length")
    }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    guard length <= UInt64(Self.headerLimit) else {
      throw fail("its header claims \(length) bytes, beyond the limit of \(Self.headerLimit)")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw fail("its header claims \(length) bytes, but only \(bytes.count - 8) follow")
    }
    let start = 8 + Int(length)
    guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else {
      throw fail("its header is not a JSON object")
    }
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<start]))
    } catch {
      throw fail("its header is not JSON of the format's form")
    }
    var entries: [Entry] = []
    for (name, tensor) in header.tensors {
      guard let type = ElementType(rawValue: tensor.type) else {
        throw fail("tensor \(name) has the unknown type \(tensor.type)")
      }
      guard let count = Self.product(tensor.shape),
        let size = Self.product([count, type.byteCount])
      else {
        throw fail("tensor \(name) has the impossible shape \(tensor.shape)")
      }
      guard tensor.offsets.count == 2, let low = tensor.offsets.first,
        let high = tensor.offsets.last, low >= 0, low <= high, high <= bytes.count - start
      else {
        throw fail(
          "tensor \(name) lies at \(tensor.offsets), outside of the \(bytes.count - start) bytes of "
            + "data")
      }
      guard high - low == size else {
        throw fail(
          "tensor \(name) of shape \(tensor.shape) takes \(size) bytes, but has \(high - low)")
      }
      entries.append(Entry(name: name, type: type, shape: tensor.shape, range: low..<high))
    }
    var end = 0
    let placed = entries.map(\.range.lowerBound)
    let order = entries.indices.sorted {
      (placed[$0], entries[$0].range.count) < (placed[$1], entries[$1].range.count)
    }
    for entry in order.map({ entries[$0] }) {
      guard entry.range.lowerBound == end else {
        throw fail(
          entry.range.lowerBound < end
            ? "tensor \(entry.name) overlaps another"
            : "there is a hole before tensor \(entry.name)")
      }
      end = entry.range.upperBound
    }
    guard end == bytes.count - start else {
      throw fail("\(bytes.count - start - end) bytes follow the last tensor")
    }
    self.init(
      entries: entries.sorted { $0.name < $1.name }, metadata: header.metadata,
      data: Array(bytes[start...]), path: path)
  }

  /// The product of sizes, nil where one is negative or it overflows.
  private static func product(_ sizes: [Int]) -> Int? {
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { return nil }
      product = next
    }
    return product
  }
}

// MARK: - Reading tensors

extension Safetensors {
  /// The floats of a tensor that must have the given shape.
  ///
  /// - Throws: `SafetensorsError` where there is none of that name, or one of another type or
  ///   shape.
  public func floats(_ name: String, shape: [Int]) throws -> [Float] {
    guard let entry = entry(name) else {
      throw SafetensorsError(message: "\(path) has no tensor \(name)")
    }
    guard entry.type == .float32 else {
      throw SafetensorsError(
        message: "\(path): tensor \(name) has type \(entry.type.rawValue), not F32")
    }
    guard entry.shape == shape else {
      throw SafetensorsError(
        message: "\(path): tensor \(name) has shape \(entry.shape), but \(shape) is needed")
    }
    return [Float](unsafeUninitializedCapacity: entry.range.count / 4) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).copyBytes(from: data[entry.range])
      count = entry.range.count / 4
    }
  }
}
