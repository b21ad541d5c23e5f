import Glibc
import VAECore

extension StandardNormal {
  /// The number below which a share of the distribution lies: Φ⁻¹(p), p between 0 and 1.
  ///
  /// Φ(z) = ½ erfc(−z / √2) is inverted by bisection, down to the precision of the numbers.
  package static func quantile(_ probability: Double) -> Double {
    var (low, high) = (-40.0, 40.0)
    for _ in 0..<64 {
      let middle = (low + high) / 2
      if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
