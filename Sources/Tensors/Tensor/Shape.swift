import CVectorKernels

/// The sizes of a tensor's axes, outermost first; the last axis is contiguous in memory.
///
/// Images are `[batch, height, width, channels]`, vectors `[batch, features]`, scalars `[]`.
///
/// ```swift
/// let images: Shape = [128, 28, 28, 1]
/// print(images.count, images.rank, images[-1], images.removingFirst)  // 100352 4 1 [28, 28, 1]
/// ```
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Axes that a shape may have. Whoever takes shapes from outside refuses more; here they are a
  /// programming error.
  public static let maximalRank = Int(VK_MAX_RANK)

  /// The size of each axis.
  public let dimensions: [Int]
  /// The number of elements, the product of all sizes; 1 for a scalar, and `Int.max` for more than
  /// that, of which there can be no tensor.
  public let count: Int

  /// A shape from at most `maximalRank` axis sizes, none of them negative.
  public init(_ dimensions: [Int]) {
    ensure(
      dimensions.count <= Self.maximalRank,
      "a shape has at most \(Self.maximalRank) axes, not the \(dimensions.count) of \(dimensions)")
    var count = 1
    for size in dimensions {
      ensure(size >= 0, "a shape has a negative size: \(dimensions)")
      let (product, isBeyond) = count.multipliedReportingOverflow(by: size)
      count = isBeyond ? .max : product
    }
    self.dimensions = dimensions
    self.count = count
  }

  /// A shape written as an array literal.
  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The size of an axis; a negative axis counts from the last, as in `shape[-1]`.
  public subscript(axis: Int) -> Int {
    dimensions[normalized(axis: axis)]
  }

  /// The distance in elements between neighbours along each axis.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      strides[axis] = step
      step *= dimensions[axis]
    }
    return strides
  }

  /// The axes as text, such as `[128, 784]`.
  public var description: String { dimensions.description }

  /// An axis counted from the front: -1 becomes `rank - 1`.
  func normalized(axis: Int) -> Int {
    let normal = axis < 0 ? axis + rank : axis
    ensure(normal >= 0 && normal < rank, "axis \(axis) is outside a shape \(self)")
    return normal
  }

  /// This shape with one axis's size replaced.
  public func replacing(axis: Int, with size: Int) -> Shape {
    var dimensions = dimensions
    dimensions[normalized(axis: axis)] = size
    return Shape(dimensions)
  }

  /// This shape without one axis.
  func removing(axis: Int) -> Shape {
    var dimensions = dimensions
    dimensions.remove(at: normalized(axis: axis))
    return Shape(dimensions)
  }

  /// This shape without its first axis: one example's.
  public var removingFirst: Shape { removing(axis: 0) }

  /// The product of the sizes of a range of axes.
  func count(_ axes: Range<Int>) -> Int {
    dimensions[axes].reduce(1, *)
  }

  /// The shape that two shapes broadcast to by NumPy's rule, or nil where they do not fit.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    let rank = max(a.rank, b.rank)
    var dimensions = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let sizeA = axis < rank - a.rank ? 1 : a.dimensions[axis - (rank - a.rank)]
      let sizeB = axis < rank - b.rank ? 1 : b.dimensions[axis - (rank - b.rank)]
      guard sizeA == sizeB || sizeA == 1 || sizeB == 1 else { return nil }
      dimensions[axis] = sizeA == 1 ? sizeB : sizeA
    }
    return Shape(dimensions)
  }

  /// Element strides for reading a tensor of this shape as if it had the shape `target`: zero on
  /// axes that are broadcast.
  func broadcastStrides(to target: Shape) -> [Int64] {
    let own = strides
    let lead = target.rank - rank
    return (0..<target.rank).map { axis in
      guard axis >= lead, dimensions[axis - lead] != 1 else { return 0 }
      return Int64(own[axis - lead])
    }
  }
}
