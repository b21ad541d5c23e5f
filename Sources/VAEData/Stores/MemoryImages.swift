import Tensors
import VAECore

/// Images in memory that belongs to somebody else, and that is read in place.
///
/// The memory must stay valid and unchanged as long as the store and what was drawn from it by
/// `view` are in use.
public struct MemoryImages: ExampleStore, @unchecked Sendable {
  /// The type of the elements.
  public enum Element: Sendable {
    /// 32-bit floating point.
    case float32
    /// 64-bit floating point, rounded when drawn; of a table when its columns have been standardized.
    case float64
    /// Bytes.
    case uint8
  }

  /// The number of images.
  public let count: Int
  /// The size of each.
  public let shape: ImageShape
  /// The type of the elements.
  public let element: Element
  /// What bytes are divided by when they are drawn: 255, or 1 for those that are 0 and 1.
  public var divisor: Float = 255
  /// The sizes of the array that the images are of, by which messages name its values; those of four axes unless somebody
  /// says otherwise.
  public var sizes: [Int]

  /// The same with bytes as they are.
  public func keepingBytes() -> any ExampleStore {
    var images = self
    images.divisor = 1
    return images
  }

  private let start: UnsafeRawPointer
  private let strides: [Int]

  /// Images at an address.
  ///
  /// - Parameters:
  ///   - start: of the first element.
  ///   - count: of images.
  ///   - shape: of each.
  ///   - strides: the distances in elements between neighbours in the four axes.
  ///   - element: the type of the numbers.
  public init(
    at start: UnsafeRawPointer, count: Int, shape: ImageShape, strides: [Int], element: Element
  ) {
    ensure(strides.count == 4, "images have four axes, not \(strides.count)")
    self.start = start
    self.count = count
    self.shape = shape
    self.strides = strides
    self.element = element
    sizes = [count, shape.height, shape.width, shape.channels]
  }

  /// Whether the images lie one after the other as models see them.
  public var isDenseFloat32: Bool {
    element == .float32 && Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0
      && hasDenseImages && (count == 1 || strides[0] == shape.count)
  }

  /// Whether the numbers of each image lie one after the other.
  private var hasDenseImages: Bool {
    let sizes = [shape.height, shape.width, shape.channels]
    let dense = [shape.width * shape.channels, shape.channels, 1]
    return zip(sizes, zip(strides.dropFirst(), dense))
      .allSatisfy { size, pair in size == 1 || pair.0 == pair.1 }
  }

  /// Gathers images.
  public func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let isDense = hasDenseImages
    forEachExample(indices, in: destination) { index, image in
      if isDense && copy(index, into: image) { return }
      switch element {
      case .float32: gather(index, as: Float.self, into: image) { $0 }
      case .float64: gather(index, as: Double.self, into: image) { Float($0) }
      case .uint8: gather(index, as: UInt8.self, into: image) { Float($0) / divisor }
      }
    }
  }

  /// Gathers images in double precision.
  public func writeDoubles(
    _ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>
  ) {
    forEachExample(indices, in: destination) { index, image in
      switch element {
      case .float32: gather(index, as: Float.self, into: image) { Double($0) }
      case .float64: gather(index, as: Double.self, into: image) { $0 }
      case .uint8: gather(index, as: UInt8.self, into: image) { Double(Float($0) / divisor) }
      }
    }
  }

  /// Copies an image whose numbers lie one after the other. Not one of doubles, which `gather`
  /// rounds.
  private func copy(_ index: Int, into image: UnsafeMutableBufferPointer<Float>) -> Bool {
    switch element {
    case .float32:
      let size = MemoryLayout<Float>.size
      UnsafeMutableRawBufferPointer(image).copyMemory(
        from: UnsafeRawBufferPointer(
          start: start + index * strides[0] * size, count: shape.count * size))
    case .float64:
      return false
    case .uint8:
      let first = (start + index * strides[0]).assumingMemoryBound(to: UInt8.self)
      Engine.widen(
        UnsafeBufferPointer(start: first, count: shape.count), dividingBy: divisor, into: image)
    }
    return true
  }

  @inline(__always)
  private func gather<Number: BitwiseCopyable, Value>(
    _ index: Int, as type: Number.Type, into image: UnsafeMutableBufferPointer<Value>,
    _ value: (Number) -> Value
  ) {
    var position = 0
    for row in 0..<shape.height {
      for column in 0..<shape.width {
        var offset = index * strides[0] + row * strides[1] + column * strides[2]
        for _ in 0..<shape.channels {
          // The memory of others may be aligned to bytes.
          image[position] = value(
            start.loadUnaligned(
              fromByteOffset: offset * MemoryLayout<Number>.size, as: Number.self))
          position += 1
          offset += strides[3]
        }
      }
    }
  }

  /// The images in place, where they are dense 32-bit floats.
  public func view(_ range: Range<Int>) -> Tensor? {
    guard isDenseFloat32 else { return nil }
    return Tensor(
      borrowing: start.assumingMemoryBound(to: Float.self) + range.lowerBound * shape.count,
      shape: [range.count, shape.height, shape.width, shape.channels])
  }
}

extension MemoryImages {
  /// What one pass over the values as they are stored finds; it ends at one that is infinite.
  ///
  /// - Parameter name: what messages call the images.
  func scanned(name: String) -> ScannedValues {
    let sizes = ArraySizes(sizes)
    guard element == .uint8 else {
      var scan = ValueScan(areVectors: shape.height == 1 && shape.channels == 1)
      forEachImage {
        scan.add($0); return scan.firstEndless == nil
      }
      return ScannedValues(name: name, sizes: sizes, kind: .floats(scan))
    }
    var scan = ByteScan()
    let isDense = hasDenseImages
    var buffer = [UInt8](repeating: 0, count: isDense ? 0 : shape.count)
    for index in 0..<count {
      if isDense {
        let first = (start + index * strides[0]).assumingMemoryBound(to: UInt8.self)
        scan.add(UnsafeBufferPointer(start: first, count: shape.count))
      } else {
        buffer.withUnsafeMutableBufferPointer { image in
          gather(index, as: UInt8.self, into: image) { $0 }
        }
        buffer.withUnsafeBufferPointer { scan.add($0) }
      }
    }
    return ScannedValues(name: name, sizes: sizes, kind: .bytes(scan))
  }

  /// Calls a closure with each image as it is drawn, until it returns false.
  private func forEachImage(_ body: (UnsafeBufferPointer<Float>) -> Bool) {
    var buffer = [Float](repeating: 0, count: isDenseFloat32 ? 0 : shape.count)
    for index in 0..<count {
      let goesOn: Bool
      if let image = view(index..<index + 1) {
        goesOn = image.withFloats(body)
      } else {
        buffer.withUnsafeMutableBufferPointer { write([index], into: $0) }
        goesOn = buffer.withUnsafeBufferPointer(body)
      }
      guard goesOn else { return }
    }
  }

  /// Where the values lie as they are drawn for a model.
  ///
  /// - Parameters:
  ///   - name: what messages call the images.
  ///   - rule: of the model's training data.
  /// - Returns: the range, and the first float between zero and one that is none of the 256 levels
  ///   k/255, with its place, such as "images[3, 10, 4, 0] is 0.5"; nil where all are; and the first that
  ///   is NaN, likewise.
  /// - Throws: `DataError` of kind `unusable` where one is infinite.
  package func values(
    name: String, rule: String?
  ) throws(DataError) -> (range: ValueRange, unquantized: String?, missing: String?) {
    let scanned = scanned(name: name)
    if case .bytes(let scan) = scanned.kind {
      let isDivided = rule != ValueRule.binary.rawValue
      let miss = isDivided ? scan.firstBetween : scan.firstAboveOne
      return (miss == nil ? .binary : isDivided ? .unit : .real, nil, nil)
    }
    let reading = try ValueReading(of: [scanned], wanted: nil)
    return (reading.range, reading.unquantizedValue, reading.missingValue)
  }
}
