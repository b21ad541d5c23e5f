import Tensors

/// A safetensors file: named arrays behind a JSON header, as NumPy, PyTorch, JAX and Rust read it.
///
/// Eight bytes give the header's length (little-endian); the header gives each tensor's type, shape
/// and place, and strings by name under `__metadata__`; the data follow without holes. What the zoo
/// writes has checksums among these strings, which other readers pass over.
/// Source: the format's description at https://github.com/huggingface/safetensors.
public struct Safetensors: Sendable {
  /// The type of a tensor's elements, in the format's names. The order is that of the alignment
  /// they need.
  public enum ElementType: String, Sendable, CaseIterable {
    /// A byte that is 0 or 1.
    case boolean = "BOOL"
    /// 8-bit unsigned integer.
    case uint8 = "U8"
    /// 8-bit signed integer.
    case int8 = "I8"
    /// 16-bit signed integer.
    case int16 = "I16"
    /// 16-bit unsigned integer.
    case uint16 = "U16"
    /// 16-bit floating point.
    case float16 = "F16"
    /// 16-bit brain floating point.
    case bfloat16 = "BF16"
    /// 32-bit signed integer.
    case int32 = "I32"
    /// 32-bit unsigned integer.
    case uint32 = "U32"
    /// 32-bit floating point.
    case float32 = "F32"
    /// 64-bit floating point.
    case float64 = "F64"
    /// 64-bit signed integer.
    case int64 = "I64"
    /// 64-bit unsigned integer.
    case uint64 = "U64"

    /// Bytes an element takes.
    public var byteCount: Int {
      switch self {
      case .boolean, .uint8, .int8: 1
      case .int16, .uint16, .float16, .bfloat16: 2
      case .int32, .uint32, .float32: 4
      case .float64, .int64, .uint64: 8
      }
    }
  }

  /// One tensor.
  public struct Entry: Equatable, Sendable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ElementType
    /// The axis sizes; none for a scalar.
    public let shape: [Int]
    /// Where its bytes are in the file's `bytes`.
    let range: Range<Int>
  }

  /// The member of the header that holds strings instead of a tensor.
  static let metadataName = "__metadata__"

  /// The tensors: by name where they were read, in the order of their addition where not.
  public private(set) var entries: [Entry]
  /// Strings by name, without those that hold checksums.
  public var metadata: [String: String]
  /// Whether the file was read and had checksums, which then were right. Files of other programs and
  /// of versions before 0.2 have none.
  public internal(set) var isSealed = false
  /// Where the file came from, for errors.
  public let path: String
  /// What the entries' ranges are of: a whole file as it was read, or the added data.
  private(set) var bytes: [UInt8]
  private var indices: [String: Int]

  init(entries: [Entry], metadata: [String: String], bytes: [UInt8], path: String) {
    self.entries = entries
    self.metadata = metadata
    self.bytes = bytes
    self.path = path
    indices = Dictionary(
      entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// A file without tensors.
  ///
  /// - Parameter path: what errors call it.
  public init(path: String = "tensors in memory") {
    self.init(entries: [], metadata: [:], bytes: [], path: path)
  }

  /// The tensor of a name, nil where there is none.
  public func entry(_ name: String) -> Entry? {
    indices[name].map { entries[$0] }
  }

  /// Makes room for tensors that are about to be added, so that adding them takes no more memory.
  ///
  /// - Parameter count: of bytes, of all of them.
  /// - Returns: whether there was memory for that; where not, the fault is taken note of.
  package mutating func reserve(byteCount count: Int) -> Bool {
    guard Memory.mayTake(count, usesReserve: true) else { return false }
    bytes.reserveCapacity(bytes.count + count)
    return true
  }

  mutating func add(
    _ name: String, _ type: ElementType, shape: [Int], bytes new: UnsafeRawBufferPointer
  ) {
    ensure(
      indices[name] == nil && name != Self.metadataName, "the name \(name) is not free")
    ensure(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(type.byteCount, *) == new.count,
      "tensor \(name) of shape \(shape) and type \(type.rawValue) cannot take \(new.count) bytes")
    let start = bytes.count
    bytes.append(contentsOf: new)
    indices[name] = entries.count
    entries.append(Entry(name: name, type: type, shape: shape, range: start..<bytes.count))
  }
}
