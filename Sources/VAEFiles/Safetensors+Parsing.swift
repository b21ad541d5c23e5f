import Messages

extension Safetensors {
  /// The longest header that is read, in bytes: the format's own limit.
  static let headerLimit = 100_000_000
  /// What a header may take: a tensor's entry has about ten values.
  static let headerLimits = JSON.Limits(bytes: headerLimit, values: 1 << 24)

  /// A file from its bytes, which are not copied.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - path: where it came from, for errors.
  /// - Throws: `SafetensorsError` for a header that is too long, not JSON or not of the format's
  ///   form, for tensors whose type is unknown, or whose shape, size and place do not fit each
  ///   other or the file, and for checksums that do not fit.
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
        throw SafetensorsError(path, "tensor \(PlainText.quoted(name)) \(error.text)")
      }
    }
    try Self.checkCoverage(of: header.upperBound..<bytes.count, by: entries, path)
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    self.init(entries: entries, metadata: content.metadata, bytes: bytes, path: path)
    try breakSeal(header: header)
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
        path,
        "the header claims \(length) bytes, beyond the limit of \(headerLimit), so it is no safetensors file"
      )
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
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: text, source: path, limits: headerLimits)
    } catch {
      throw SafetensorsError(path, "the header \(error.reason)")
    }
    do throws(HeaderProblem) {
      return try Header(json.object ?? [:])
    } catch {
      throw SafetensorsError(path, error.text)
    }
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
      let name = PlainText.quoted(entry.name)
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
private struct Header {
  var tensors: [(name: String, tensor: TensorHeader)] = []
  var metadata: [String: String] = [:]

  init(_ object: JSON.Object) throws(HeaderProblem) {
    for member in object.members {
      if member.name == Safetensors.metadataName {
        metadata = try Self.metadata(member.value)
      } else {
        do throws(HeaderProblem) {
          tensors.append((member.name, try TensorHeader(member.value)))
        } catch {
          throw HeaderProblem(
            text: "tensor \(PlainText.quoted(member.name)) \(error.text)")
        }
      }
    }
  }

  private static func metadata(_ json: JSON) throws(HeaderProblem) -> [String: String] {
    guard let texts = json.object else {
      throw HeaderProblem(text: "\(Safetensors.metadataName) is not an object")
    }
    var metadata: [String: String] = [:]
    for member in texts.members {
      guard let text = member.value.text else {
        let name = PlainText.quoted(member.name)
        throw HeaderProblem(text: "\(name) in \(Safetensors.metadataName) is not a string")
      }
      metadata[member.name] = text
    }
    return metadata
  }
}

/// A tensor's entry in the header as it stands in the file.
private struct TensorHeader {
  let typeName: String
  let shape: [Int]
  let offsets: [Int]

  init(_ json: JSON) throws(HeaderProblem) {
    guard let members = json.object else {
      throw HeaderProblem(text: "is not an object in the header")
    }
    func needing<Value>(
      _ name: String, _ form: String, _ value: (JSON) -> Value?
    ) throws(HeaderProblem) -> Value {
      guard let value = members[name].flatMap(value) else {
        throw HeaderProblem(text: "needs \(name) to be \(form)")
      }
      return value
    }
    typeName = try needing("dtype", "a string", \.text)
    shape = try needing("shape", "a list of whole numbers", \.integers)
    offsets = try needing("data_offsets", "two whole numbers", \.integers)
  }

  func type() throws(HeaderProblem) -> Safetensors.ElementType {
    guard let type = Safetensors.ElementType(rawValue: typeName) else {
      throw HeaderProblem(text: "has the unknown type \(PlainText.quoted(typeName))")
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

extension JSON {
  /// The whole numbers of a list that has nothing else, nil for another value.
  fileprivate var integers: [Int]? {
    guard let values = array else { return nil }
    let integers = values.compactMap(\.integer)
    return integers.count == values.count ? integers : nil
  }
}
