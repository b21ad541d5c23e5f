import Tensors
import VAEFiles

/// Numbers with a shape, as a record keeps them.
public struct RecordedArray<Element: SafetensorsElement>: Sendable {
  /// The axis sizes.
  public let shape: [Int]
  /// Row-major.
  public let values: [Element]

  /// An array; the values are as many as the shape says.
  public init(_ values: [Element], shape: [Int]) {
    ensure(
      shape.reduce(1, *) == values.count, "\(values.count) values cannot have the shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// The number of rows.
  public var rows: Int { shape.first ?? 0 }
  /// The numbers in a row.
  public var columns: Int { shape.dropFirst().reduce(1, *) }
}

/// Images as a record keeps them: bytes where values lie between 0 and 1, else numbers.
public enum RecordedImages: Sendable {
  /// 255 times the values, rounded, `[N, height, width, channels]`.
  case bytes(RecordedArray<UInt8>)
  /// The values, `[N, height, width, channels]`.
  case floats(RecordedArray<Float>)

  /// `[N, height, width, channels]`
  public var shape: [Int] {
    switch self {
    case .bytes(let array): array.shape
    case .floats(let array): array.shape
    }
  }
}

// MARK: - In files

extension Safetensors {
  mutating func add<Element>(_ name: String, _ array: RecordedArray<Element>?) {
    if let array { add(name, shape: array.shape, array.values) }
  }

  mutating func add(_ name: String, _ images: RecordedImages?) {
    switch images {
    case .bytes(let array): add(name, array)
    case .floats(let array): add(name, array)
    case nil: break
    }
  }

  /// The array of a name, nil where there is none.
  ///
  /// - Throws: `SafetensorsError` where it has another type or number of axes.
  func array<Element>(
    _ name: String, axes: Int, of type: Element.Type = Element.self
  ) throws(SafetensorsError) -> RecordedArray<Element>? {
    guard let entry = entry(name) else { return nil }
    guard entry.shape.count == axes else {
      throw SafetensorsError(
        path,
        "tensor \(name) has \(entry.shape.count) axes, but a record has \(axes) there")
    }
    return RecordedArray(try values(name, shape: entry.shape), shape: entry.shape)
  }

  /// The images of a name, nil where there are none.
  ///
  /// - Throws: `SafetensorsError` where they are of no form that a record has.
  func images(_ name: String) throws(SafetensorsError) -> RecordedImages? {
    guard let entry = entry(name) else { return nil }
    if entry.type == .uint8 { return try array(name, axes: 4).map { .bytes($0) } }
    return try array(name, axes: 4).map { .floats($0) }
  }
}
