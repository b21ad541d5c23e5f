/// A rotated rectangle or ellipse. A horizontal line crosses it in one interval, which has a closed
/// form.
///
/// Only operations that IEEE 754 rounds correctly are used, so that every machine gets the same
/// bits.
struct ConvexPart {
  private enum Outline {
    case rectangle, ellipse
  }

  /// A place, or a direction of length one; x to the right, y downwards.
  typealias Point = (x: Double, y: Double)

  private let outline: Outline
  private let center: Point
  /// Half the size along the direction, and across it.
  private let half: (along: Double, across: Double)
  private let direction: Point

  private init(_ outline: Outline, center: Point, half: (Double, Double), direction: Point) {
    self.outline = outline
    self.center = center
    self.half = half
    self.direction = direction
  }

  /// A square whose sides are parallel and orthogonal to a direction.
  static func square(center: Point, side: Double, direction: Point) -> ConvexPart {
    ConvexPart(.rectangle, center: center, half: (side / 2, side / 2), direction: direction)
  }

  /// An ellipse by its semi-axes along a direction and across it.
  static func ellipse(
    center: Point, along: Double, across: Double, direction: Point
  ) -> ConvexPart {
    ConvexPart(.ellipse, center: center, half: (along, across), direction: direction)
  }

  /// A disc.
  static func disc(center: Point, radius: Double) -> ConvexPart {
    ConvexPart(.ellipse, center: center, half: (radius, radius), direction: (1, 0))
  }

  /// From the highest point to the lowest.
  var verticalExtent: ClosedRange<Double> {
    let (a, b) = (half.along * direction.y, half.across * direction.x)
    let reach =
      switch outline {
      case .rectangle: abs(a) + abs(b)
      case .ellipse: (a * a + b * b).squareRoot()
      }
    return center.y - reach...center.y + reach
  }

  /// Where a horizontal line is inside, nil where it is nowhere.
  func interval(y: Double) -> ClosedRange<Double>? {
    let down = y - center.y
    let offsets =
      switch outline {
      case .rectangle: rectangleInterval(down)
      case .ellipse: ellipseInterval(down)
      }
    guard let (left, right) = offsets, left <= right else { return nil }
    return center.x + left...center.x + right
  }

  /// Both |x cos + y sin| ≤ a and |−x sin + y cos| ≤ b are intervals of x.
  private func rectangleInterval(_ y: Double) -> (Double, Double)? {
    guard let along = Self.slab(direction.x, y * direction.y, half.along),
      let across = Self.slab(-direction.y, y * direction.x, half.across)
    else {
      return nil
    }
    return (max(along.0, across.0), min(along.1, across.1))
  }

  /// The x of |slope · x + offset| ≤ half.
  private static func slab(
    _ slope: Double, _ offset: Double, _ half: Double
  ) -> (Double, Double)? {
    if slope == 0 { return abs(offset) <= half ? (-.infinity, .infinity) : nil }
    let (one, other) = ((-half - offset) / slope, (half - offset) / slope)
    return (min(one, other), max(one, other))
  }

  /// The roots of (x cos + y sin)² / a² + (−x sin + y cos)² / b² = 1 in x.
  private func ellipseInterval(_ y: Double) -> (Double, Double)? {
    let (cos, sin) = (direction.x, direction.y)
    let (p, q) = (1 / (half.along * half.along), 1 / (half.across * half.across))
    let square = cos * cos * p + sin * sin * q
    let mixed = cos * sin * (p - q) * y
    let constant = (sin * sin * p + cos * cos * q) * y * y - 1
    let discriminant = mixed * mixed - square * constant
    guard discriminant >= 0 else { return nil }
    let root = discriminant.squareRoot()
    return ((-mixed - root) / square, (-mixed + root) / square)
  }
}
