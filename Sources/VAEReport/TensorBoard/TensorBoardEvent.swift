/// An entry of a TensorBoard file: the message `tensorflow.Event` in the wire format of protocol
/// buffers (tensorflow/core/util/event.proto), framed as a record.
public struct TensorBoardEvent: Equatable, Sendable {
  /// What an entry says.
  public enum Content: Equatable, Sendable {
    /// The format of the file, which its first entry states.
    case fileVersion(String)
    /// A session begins at the event's step: what an earlier one wrote of this and later steps no
    /// longer holds.
    case sessionStart
    /// Numbers by tag.
    case scalars([Scalar])
  }

  /// A number with its tag.
  public struct Scalar: Equatable, Sendable {
    /// The name; what stands before a slash makes groups.
    public let tag: String
    /// The value.
    public let value: Float

    /// A tagged number.
    public init(_ tag: String, _ value: Double) {
      self.tag = tag
      self.value = Float(value)
    }
  }

  /// Seconds since 1970.
  public let time: Double
  /// The step that it is about.
  public let step: Int
  /// What it says.
  public let content: Content

  /// An entry.
  public init(time: Double, step: Int, _ content: Content) {
    self.time = time
    self.step = step
    self.content = content
  }

  /// The entry as it stands in a file: length and message, each followed by its masked check.
  public var record: [UInt8] {
    let message = message
    let length = Self.littleEndian(UInt64(message.count))
    return length + Self.littleEndian(CRC32C.masked(length)) + message
      + Self.littleEndian(CRC32C.masked(message))
  }

  private var message: [UInt8] {
    var bytes = Self.key(1, .fixed64) + Self.littleEndian(time.bitPattern)
    if step != 0 { bytes += Self.key(2, .varint) + Self.varint(UInt64(bitPattern: Int64(step))) }
    switch content {
    case .fileVersion(let text): bytes += Self.field(3, Array(text.utf8))
    case .sessionStart:
      // SessionLog.status = START
      bytes += Self.field(7, Self.key(1, .varint) + Self.varint(1))
    case .scalars(let scalars):
      bytes += Self.field(
        5,
        scalars.flatMap { scalar in
          Self.field(
            1,
            Self.field(1, Array(scalar.tag.utf8)) + Self.key(2, .fixed32)
              + Self.littleEndian(scalar.value.bitPattern))
        })
    }
    return bytes
  }

  // MARK: The wire format

  private enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
  }

  private static func key(_ number: UInt64, _ type: WireType) -> [UInt8] {
    varint(number << 3 | type.rawValue)
  }

  private static func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
    key(number, .bytes) + varint(UInt64(content.count)) + content
  }

  /// Seven bits a byte, the lowest first.
  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
