import Glibc
import Tensors

/// How to get from one point of latent space to another.
public enum LatentPath: Sendable {
  /// On an arc about the origin, in coordinates in which the prior is standard normal: the direction
  /// turns at a constant speed on the great circle between those of the ends (K. Shoemake,
  /// "Animating rotation with quaternion curves", SIGGRAPH 1985), and the length goes from that of
  /// one end to that of the other in proportion. So every point is as far from the origin as its
  /// ends are, where a straight line would cut through a region in which the prior hardly ever
  /// draws (T. White, "Sampling Generative Networks", 2016).
  case spherical
  /// On a straight line.
  case linear

  /// The points at given shares of a way, `[shares.count, …]`; `from` and `to` are one point each.
  package func points(from: Tensor, to: Tensor, shares: [Double]) -> Tensor {
    let (a, b) = (from.floats.map(Double.init), to.floats.map(Double.init))
    let arc = self == .spherical ? Arc(from: a, to: b) : nil
    let values = shares.flatMap { arc?.point($0) ?? Self.between(a, b, share: $0) }
    return Tensor(
      values.map { Float($0) },
      shape: Shape([shares.count] + from.shape.removingFirst.dimensions))
  }

  private static func between(_ a: [Double], _ b: [Double], share: Double) -> [Double] {
    zip(a, b).map { from, to in from + share * (to - from) }
  }

  /// A way on which direction and length change evenly.
  private struct Arc {
    /// The direction of the first end, and one orthogonal to it towards which it turns.
    private let start: [Double]
    private let side: [Double]
    /// The angle between the ends.
    private let angle: Double
    private let lengths: (from: Double, to: Double)

    /// An arc; nil where an end has no direction, being the origin.
    init?(from: [Double], to: [Double]) {
      lengths = (Self.length(from), Self.length(to))
      guard lengths.from > 0, lengths.to > 0 else { return nil }
      let (fromLength, toLength) = lengths
      let start = from.map { $0 / fromLength }
      self.start = start
      let end = to.map { $0 / toLength }
      let across = Self.rest(of: end, beside: start)
      let size = Self.length(across)
      angle = atan2(size, Self.product(start, end))
      if size > 1e-9 {
        side = across.map { $0 / size }
      } else {
        // Ends of opposite directions have no circle of their own: it leads along the axis that is
        // least like them. (Those of one direction never leave it.) Of one coordinate there is no
        // side, and the way leads through the origin.
        let least = start.indices.min { abs(start[$0]) < abs(start[$1]) } ?? 0
        let axis = Self.rest(of: start.indices.map { $0 == least ? 1 : 0 }, beside: start)
        let size = Self.length(axis)
        side = axis.map { size > 1e-9 ? $0 / size : 0 }
      }
    }

    func point(_ share: Double) -> [Double] {
      let length = (1 - share) * lengths.from + share * lengths.to
      let (along, across) = (cos(share * angle) * length, sin(share * angle) * length)
      return zip(start, side).map { along * $0 + across * $1 }
    }

    /// What a vector has beside a direction.
    private static func rest(of vector: [Double], beside direction: [Double]) -> [Double] {
      let share = product(vector, direction)
      return zip(vector, direction).map { $0 - share * $1 }
    }

    private static func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func length(_ a: [Double]) -> Double { product(a, a).squareRoot() }
  }
}
