/// One of the generated figures as a geometric object: a combination of the five factors.
///
/// Lengths are in 64ths of the frame's side; the frame's origin is its upper left corner. After
/// dSprites (Matthey, Higgins, Hassabis, Lerchner 2017), with the difference that the rotation
/// spans the angle after which a shape looks as before: 90° for the square, 180° for the ellipse,
/// 360° for the heart. So no two combinations mean the same figure. Where pixels cannot tell small
/// differences of angle or scale, pictures are equal all the same: 11 of 73,728 at 64x64, 2,389 at
/// 32x32.
struct ShapeFigure {
  /// Name and number of values of each factor, the slowest first.
  static let factors = [
    (name: "shape", size: 3), (name: "scale", size: 6), (name: "rotation", size: 16),
    (name: "x", size: 16), (name: "y", size: 16),
  ]

  /// The number of combinations.
  static let count = 73_728

  /// The side of the frame.
  static let frame = 64.0

  private let parts: [ConvexPart]

  /// The figure of a combination in `0..<count`.
  ///
  /// Shapes are square, ellipse and heart; scales 0.5 to 1 in steps of a tenth; rotations
  /// sixteenths of the shape's own period, clockwise; the figure's centre goes from 14 to 50.15 in
  /// steps of 2.41, both ways. At scale 1 no shape reaches further than 12 from its centre.
  init(combination: Int) {
    let values = Self.values(of: combination)
    let scale = Double(5 + values.scale) / 10
    let center = (x: Self.place(values.x), y: Self.place(values.y))
    switch values.shape {
    case 0:
      parts = [
        .square(center: center, side: 16.7 * scale, direction: Self.direction(values.rotation))
      ]
    case 1:
      parts = [
        .ellipse(
          center: center, along: 12 * scale, across: 7 * scale,
          direction: Self.direction(2 * values.rotation))
      ]
    default:
      parts = Self.heart(center: center, side: 13 * scale, turn: 4 * values.rotation)
    }
  }

  /// A square that stands on a corner, and a disc on each of its upper sides.
  ///
  /// - Parameters:
  ///   - center: around which it turns, a fifth of the side above the square's own.
  ///   - side: of the square.
  ///   - turn: in 64ths of a full turn.
  private static func heart(
    center: ConvexPart.Point, side: Double, turn: Int
  ) -> [ConvexPart] {
    let axis = direction(turn)
    func place(_ x: Double, _ y: Double) -> ConvexPart.Point {
      (
        center.x + side * (x * axis.x - y * axis.y), center.y + side * (x * axis.y + y * axis.x)
      )
    }
    let quarterDiagonal = 0.125.squareRoot()
    return [
      .square(center: place(0, 0.2), side: side, direction: direction(turn + 8)),
      .disc(center: place(-quarterDiagonal, 0.2 - quarterDiagonal), radius: side / 2),
      .disc(center: place(quarterDiagonal, 0.2 - quarterDiagonal), radius: side / 2),
    ]
  }

  private static func values(
    of combination: Int
  ) -> (shape: Int, scale: Int, rotation: Int, x: Int, y: Int) {
    var rest = combination
    func take(_ size: Int) -> Int {
      defer { rest /= size }
      return rest % size
    }
    let (y, x, rotation, scale) = (take(16), take(16), take(16), take(6))
    return (rest, scale, rotation, x, y)
  }

  private static func place(_ value: Int) -> Double { 14 + 2.41 * Double(value) }

  /// cos(2πk/64) for k = 0 to 16: literals, because a library's last bit may differ by machine.
  private static let cosines: [Double] = [
    1.0, 0.9951847266721969, 0.9807852804032304, 0.9569403357322088,
    0.9238795325112867, 0.881921264348355, 0.8314696123025452, 0.773010453362737,
    0.7071067811865476, 0.6343932841636455, 0.5555702330196022, 0.47139673682599764,
    0.3826834323650898, 0.2902846772544624, 0.19509032201612828, 0.0980171403295606,
    0.0,
  ]

  /// The direction after a clockwise turn of so many 64ths of a full one.
  private static func direction(_ turn: Int) -> ConvexPart.Point {
    let step = turn % 16
    let (cos, sin) = (cosines[step], cosines[16 - step])
    switch turn / 16 % 4 {
    case 0: return (cos, sin)
    case 1: return (-sin, cos)
    case 2: return (-cos, -sin)
    default: return (sin, -cos)
    }
  }
}

// MARK: - Pixels

extension ShapeFigure {
  /// The rows, of a picture of `resolution` by `resolution` pixels, in which pixels may be set.
  func rows(resolution: Int) -> Range<Int> {
    var (first, last) = (resolution, -1)
    for part in parts {
      let (top, bottom) = Self.pixels(part.verticalExtent, resolution: resolution)
      first = min(first, top)
      last = max(last, bottom)
    }
    return first..<max(first, last + 1)
  }

  /// The pixels of a row whose centres are inside, the leftmost in the lowest bit.
  ///
  /// - Parameters:
  ///   - row: in `0..<resolution`.
  ///   - resolution: at most 64.
  func mask(row: Int, resolution: Int) -> UInt64 {
    let y = (Double(row) + 0.5) * (Self.frame / Double(resolution))
    var mask: UInt64 = 0
    for part in parts {
      guard let interval = part.interval(y: y) else { continue }
      let (first, last) = Self.pixels(interval, resolution: resolution)
      guard first <= last else { continue }
      mask |= (UInt64.max << UInt64(first)) & (UInt64.max >> UInt64(63 - last))
    }
    return mask
  }

  /// The first and the last pixel whose centre lies in an interval; the last is before the first
  /// where there is none.
  private static func pixels(
    _ interval: ClosedRange<Double>, resolution: Int
  ) -> (first: Int, last: Int) {
    let pixel = frame / Double(resolution)
    let first = (interval.lowerBound / pixel - 0.5).rounded(.up)
    let last = (interval.upperBound / pixel - 0.5).rounded(.down)
    let limit = Double(resolution - 1)
    return (Int(max(0, min(first, limit))), Int(max(0, min(last, limit))))
  }
}
