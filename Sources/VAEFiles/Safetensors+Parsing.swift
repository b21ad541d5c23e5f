import FoundationEssentials

extension Safetensors {
  /// The longest header that is read, in bytes: the format's own limit.
  static let headerLimit = 100_000_000

  /// A file from its bytes, which are not copied.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - path: where it came from, for errors.
  /// - Throws: `SafetensorsError` for a header that is too long, not JSON or not of the format's
  ///   form, and for tensors whose type is unknown, or whose shape, size and place do not fit each
  ///   other or the file.
  public init(parsing bytes: [UInt8], path: String) throws(SafetensorsError) {
    let header = try Self.headerRange(of: bytes, path)
    let content = try Self.decode(bytes[header], path)
    var entries: [Entry] = []
    for (name, tensor) in content.tensors {
      do throws(HeaderProblem) {
        let range = try tensor.range(within: bytes.count - header.upperBound)
        let (start, end) = (range.lowerBound, range.upperBound)
        entries.append(
          Entry(
            name: name, type: try tensor.type(), shape: tensor.shape,
            range: header.upperBound + start..<header.upperBound + end))
      } catch {
        throw SafetensorsError(path, "tensor \(SafetensorsError.quoting(name)) \(error.text)")
      }
    }
    try Self.checkCoverage(of: header.upperBound..<bytes.count, by: entries, path)
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    self.init(entries: entries, metadata: content.metadata, bytes: bytes, path: path)
  }

  /// Where the header lies, which the first eight bytes tell.
  private static func headerRange(
    of bytes: [UInt8], _ path: String
  ) throws(SafetensorsError) -> Range<Int> {
    guard bytes.count >= 8 else {
      throw SafetensorsError(
        path, "the file has \(bytes.count) bytes, fewer than the 8 that give a header's length")
    }
    let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(headerLimit) else {
      throw SafetensorsError(
        path, "the header claims \(length) bytes, beyond the limit of \(headerLimit)")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw SafetensorsError(
        path, "the header claims \(length) bytes, but only \(bytes.count - 8) follow")
    }
    return 8..<8 + Int(length)
  }

  private static func decode(
    _ text: ArraySlice<UInt8>, _ path: String
  ) throws(SafetensorsError) -> Header {
    guard text.first == UInt8(ascii: "{") else {
      throw SafetensorsError(path, "the header is not a JSON object")
    }
    // The decoder takes UTF-16 too, which UTF-8 passes for but for its zero bytes.
    guard String(validating: text, as: UTF8.self) != nil, !text.contains(0) else {
      throw SafetensorsError(path, "the header is not UTF-8 text")
    }
    let header: Header
    do {
      header = try JSON.decode(Header.self, from: text)
    } catch let problem as HeaderProblem {
      throw SafetensorsError(path, problem.text)
    } catch {
      throw SafetensorsError(path, "the header is not valid JSON, or nested too deeply")
    }
    if let name = RepeatedName.first(in: text) {
      throw SafetensorsError(
        path, "the header has the name \(SafetensorsError.quoting(name)) twice in one object")
    }
    return header
  }

  /// Tensors must fill the data without holes, and none may lie on another.
  private static func checkCoverage(
    of data: Range<Int>, by entries: [Entry], _ path: String
  ) throws(SafetensorsError) {
    var end = data.lowerBound
    let inOrder = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for entry in inOrder {
      let name = SafetensorsError.quoting(entry.name)
      guard entry.range.lowerBound >= end else {
        throw SafetensorsError(path, "tensor \(name) overlaps another")
      }
      guard entry.range.lowerBound == end else {
        throw SafetensorsError(
          path, "\(entry.range.lowerBound - end) bytes before tensor \(name) belong to no tensor")
      }
      end = entry.range.upperBound
    }
    guard end == data.upperBound else {
      throw SafetensorsError(path, "\(data.upperBound - end) bytes at the end belong to no tensor")
    }
  }
}

// MARK: - The header

/// What is wrong with a header; for a tensor, what completes a sentence that begins with its name.
private struct HeaderProblem: Error {
  let text: String
}

/// The header as it stands in the file; only its form has been checked.
private struct Header: Decodable {
  var tensors: [(name: String, tensor: TensorHeader)] = []
  var metadata: [String: String] = [:]

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Name.self)
    for member in members.allKeys {
      if member.stringValue == Safetensors.metadataName {
        metadata = try Self.metadata(members, member)
      } else {
        let name = member.stringValue
        do {
          tensors.append((name, try members.decode(TensorHeader.self, forKey: member)))
        } catch let problem as HeaderProblem {
          throw HeaderProblem(text: "tensor \(SafetensorsError.quoting(name)) \(problem.text)")
        }
      }
    }
  }

  private static func metadata(
    _ members: KeyedDecodingContainer<Name>, _ member: Name
  ) throws -> [String: String] {
    guard let texts = try? members.nestedContainer(keyedBy: Name.self, forKey: member) else {
      throw HeaderProblem(text: "\(Safetensors.metadataName) is not an object")
    }
    var metadata: [String: String] = [:]
    for key in texts.allKeys {
      guard let text = try? texts.decode(String.self, forKey: key) else {
        let name = SafetensorsError.quoting(key.stringValue)
        throw HeaderProblem(text: "\(name) in \(Safetensors.metadataName) is not a string")
      }
      metadata[key.stringValue] = text
    }
    return metadata
  }
}

/// A tensor's entry in the header as it stands in the file.
private struct TensorHeader: Decodable {
  let typeName: String
  let shape: [Int]
  let offsets: [Int]

  private enum Member: String, CodingKey {
    case dtype, shape
    case dataOffsets = "data_offsets"
  }

  init(from decoder: any Decoder) throws {
    guard let members = try? decoder.container(keyedBy: Member.self) else {
      throw HeaderProblem(text: "is not an object in the header")
    }
    func member<Value: Decodable>(_ member: Member, _ form: String) throws -> Value {
      guard let value = try? members.decode(Value.self, forKey: member) else {
        throw HeaderProblem(text: "needs \(member.rawValue) to be \(form)")
      }
      return value
    }
    typeName = try member(.dtype, "a string")
    shape = try member(.shape, "a list of whole numbers")
    offsets = try member(.dataOffsets, "two whole numbers")
  }

  func type() throws(HeaderProblem) -> Safetensors.ElementType {
    guard let type = Safetensors.ElementType(rawValue: typeName) else {
      throw HeaderProblem(text: "has the unknown type \(SafetensorsError.quoting(typeName))")
    }
    return type
  }

  /// Where the tensor lies in the data, checked against their size and its shape.
  func range(within size: Int) throws(HeaderProblem) -> Range<Int> {
    let type = try type()
    var needed = type.byteCount
    for axis in shape {
      let (product, overflows) = needed.multipliedReportingOverflow(by: axis)
      guard axis >= 0, !overflows else {
        throw HeaderProblem(text: "has the impossible shape \(SafetensorsError.listing(shape))")
      }
      needed = product
    }
    guard offsets.count == 2, let start = offsets.first, let end = offsets.last,
      0 <= start, start <= end, end <= size
    else {
      throw HeaderProblem(
        text: "lies at \(SafetensorsError.listing(offsets)), outside of the \(size) bytes of data")
    }
    guard end - start == needed else {
      throw HeaderProblem(
        text: "of shape \(SafetensorsError.listing(shape)) and type \(type.rawValue) takes "
          + "\(needed) bytes, but has \(end - start)")
    }
    return start..<end
  }
}
