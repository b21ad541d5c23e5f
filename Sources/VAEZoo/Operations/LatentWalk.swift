import Glibc
import Tensors

/// Images along one way through latent space.
public struct LatentWalk {
  /// What changes on the way, a line each, such as "unit 3" and "1.24 nats".
  public let label: [String]
  /// The images, `[steps, height, width, channels]`.
  public let images: Tensor
}

/// How to get from one point of latent space to another.
public enum LatentPath: Sendable {
  /// On a great circle, in coordinates in which the prior is standard normal: at every point the
  /// distance from the origin lies between those of the ends, where a straight line would cut
  /// through a region in which the prior hardly ever draws (K. Shoemake, "Animating rotation with
  /// quaternion curves", SIGGRAPH 1985; T. White, "Sampling Generative Networks", 2016).
  case spherical
  /// On a straight line.
  case linear

  /// The points at given shares of a way, `[shares.count, …]`; `from` and `to` are one point each.
  package func points(from: Tensor, to: Tensor, shares: [Double]) -> Tensor {
    let (a, b) = (from.floats.map(Double.init), to.floats.map(Double.init))
    let shape = Shape([shares.count] + from.shape.removingFirst.dimensions)
    let weights = shares.map { self == .linear ? Self.line($0) : Self.circle($0, a, b) }
    let values = weights.flatMap { weight in
      zip(a, b).map { Float(weight.from * $0 + weight.to * $1) }
    }
    return Tensor(values, shape: shape)
  }

  private typealias Weights = (from: Double, to: Double)

  private static func line(_ share: Double) -> Weights { (1 - share, share) }

  /// sin((1 − t) Ω) / sin Ω and sin(t Ω) / sin Ω, Ω being the angle between the points. Without one
  /// (a point at the origin), or where it names no circle, the way is straight.
  private static func circle(_ share: Double, _ a: [Double], _ b: [Double]) -> Weights {
    let norms = (length(a) * length(b)).squareRoot()
    guard norms > 0 else { return line(share) }
    let cosine = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / norms
    let angle = acos(min(1, max(-1, cosine)))
    let sine = sin(angle)
    guard sine > 1e-6 else { return line(share) }
    return (sin((1 - share) * angle) / sine, sin(share * angle) / sine)
  }

  /// The squared length.
  private static func length(_ a: [Double]) -> Double { a.reduce(0) { $0 + $1 * $1 } }
}
