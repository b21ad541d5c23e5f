/// A safetensors file: named arrays behind a JSON header, as NumPy, PyTorch and JAX read it.
///
/// Eight bytes give the header's length (little-endian), the header gives each tensor's type, shape
/// and place, and the data follow without holes.
public struct Safetensors: Sendable {
  /// The type of a tensor's elements.
  public enum ElementType: String, Sendable, CaseIterable {
    /// 16-bit brain floating point.
    case bfloat16 = "BF16"
    /// 32-bit floating point.
    case float32 = "F32"
    /// 64-bit floating point.
    case float64 = "F64"
    /// 32-bit signed integer.
    case int32 = "I32"
    /// 64-bit signed integer.
    case int64 = "I64"
    /// Byte.
    case uint8 = "U8"

    /// Bytes an element takes.
    public var byteCount: Int {
      switch self {
      case .uint8: 1
      case .bfloat16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  /// One tensor's place in the file.
  public struct Entry: Sendable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ElementType
    /// The axis sizes.
    public let shape: [Int]
    /// Where its bytes are in `data`.
    let range: Range<Int>
  }

  /// The tensors, by name.
  public private(set) var entries: [Entry]
  /// Strings by name.
  public var metadata: [String: String] = [:]
  /// Where the file came from, for errors.
  public let path: String
  private(set) var data: [UInt8]

  init(entries: [Entry], metadata: [String: String], data: [UInt8], path: String) {
    self.entries = entries
    self.metadata = metadata
    self.data = data
    self.path = path
  }

  /// An empty file in memory.
  public init(path: String = "tensors in memory") {
    self.init(entries: [], metadata: [:], data: [], path: path)
  }

  /// Adds 32-bit floats under a name that is not in use.
  public mutating func add(_ name: String, shape: [Int], floats: UnsafeBufferPointer<Float>) {
    precondition(!entries.contains { $0.name == name }, "two tensors are named \(name)")
    let start = data.count
    data.append(contentsOf: UnsafeRawBufferPointer(floats))
    entries.append(Entry(name: name, type: .float32, shape: shape, range: start..<data.count))
  }

  /// The tensor of a name, nil where there is none.
  public func entry(_ name: String) -> Entry? {
    entries.first { $0.name == name }
  }
}

/// What is wrong with a safetensors file.
public struct SafetensorsError: Error, Equatable, CustomStringConvertible {
  /// File, tensor, and what is wrong.
  public let message: String

  /// The message.
  public var description: String { message }
}
