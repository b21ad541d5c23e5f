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
    /// 64-bit floating point, rounded when drawn.
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
    precondition(strides.count == 4, "images have four axes, not \(strides.count)")
    self.start = start
    self.count = count
    self.shape = shape
    self.strides = strides
    self.element = element
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
  private func gather<Number: BitwiseCopyable>(
    _ index: Int, as type: Number.Type, into image: UnsafeMutableBufferPointer<Float>,
    _ value: (Number) -> Float
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
  /// Where the values lie as they are drawn.
  ///
  /// - Throws: `DataError` of kind `unusable` where one is infinite or not a number.
  package func valueRange(name: String) throws(DataError) -> ValueRange {
    if element == .uint8 && divisor != 1 { return .unit }
    var scan = ValueScan()
    let endless = firstImage { values in
      scan.add(values)
      return scan.range == nil ? 0 : nil
    }
    if let endless {
      throw DataError(
        .unusable,
        "\(name) hold an infinity or a NaN in image \(endless.index); every value must be finite")
    }
    return scan.range ?? .real
  }

  /// The first float that is none of the 256 levels k/255, with its place, such as "images[3, 10, 4,
  /// 0] is 0.5"; nil where all are. It is asked of values between zero and one.
  package func firstUnquantizedFloat(name: String) -> String? {
    guard element != .uint8 else { return nil }
    var value: Float = 0
    let found = firstImage { values in
      let place = ByteLevels.firstMiss(in: values)
      if let place { value = values[place] }
      return place
    }
    return found.map { index, place in
      let sizes = ArraySizes([count, shape.height, shape.width, shape.channels])
      return "\(name)\(sizes.index(of: index * shape.count + place)) is \(value)"
    }
  }

  /// The first image, with a place in it, for which a question about its values as they are drawn
  /// has an answer.
  private func firstImage(
    where answer: (UnsafeBufferPointer<Float>) -> Int?
  ) -> (index: Int, place: Int)? {
    var buffer = [Float](repeating: 0, count: isDenseFloat32 ? 0 : shape.count)
    for index in 0..<count {
      let found: Int?
      if let image = view(index..<index + 1) {
        found = image.withFloats(answer)
      } else {
        buffer.withUnsafeMutableBufferPointer { write([index], into: $0) }
        found = buffer.withUnsafeBufferPointer(answer)
      }
      if let found { return (index, found) }
    }
    return nil
  }

  /// The largest byte, zero for other elements.
  package var largestByte: UInt8 {
    guard element == .uint8 else { return 0 }
    var copy = self
    copy.divisor = 1
    var largest: Float = 0
    var buffer = [Float](repeating: 0, count: shape.count)
    for index in 0..<count where largest <= 1 {
      buffer.withUnsafeMutableBufferPointer { copy.write([index], into: $0) }
      largest = buffer.reduce(largest, max)
    }
    return UInt8(largest)
  }
}
