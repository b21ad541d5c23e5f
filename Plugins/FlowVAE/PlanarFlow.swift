import NeuralNetworks
import Tensors
import VAEComponents
import VAECore

/// Planar flow: f(z) = z + û tanh(wᵀz + b) (Rezende & Mohamed 2015, equation 10).
///
/// û = u + (m(wᵀu) − wᵀu) w / ‖w‖² with an m above −1 keeps wᵀû above −1, so that f is invertible (appendix
/// A.1). The paper's m(x) = −1 + softplus(x) is not 0 at 0, so that û has a part of length |m(0)| / ‖w‖, without
/// bound as w vanishes; m(x) = −1 + softplus(x + log(e − 1)) is, and ‖û − u‖ is at most ‖u‖. The inverse has no
/// closed form.
final class PlanarFlow: Flow {
  private let units: Int
  private let steps: Int

  init(units: Int, steps: Int) {
    (self.units, self.steps) = (units, steps)
  }

  var members: Members { [:] }
  /// w, u and b of each step.
  var numbers: Int { steps * (2 * units + 1) }

  func bijectors(_ numbers: Tensor, _ context: Context) -> [PlanarStep] {
    numbers.split(sizes: Array(repeating: 2 * units + 1, count: steps)).map { step in
      let parts = step.split(sizes: [units, units, 1])
      return PlanarStep(w: parts[0], u: parts[1], b: parts[2])
    }
  }
}

/// A step of a planar flow for the examples of a batch.
package struct PlanarStep: Bijector {
  /// `[N, units]`
  let w: Tensor
  /// `[N, units]`
  let u: Tensor
  /// `[N, 1]`
  let b: Tensor

  package init(w: Tensor, u: Tensor, b: Tensor) {
    (self.w, self.u, self.b) = (w, u, b)
  }

  /// log|det| = log(1 + (1 − tanh²) wᵀû).
  package func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let draws = z.shape[0] / w.shape[0]
    let product = (w * u).sum(axis: 1, keepingAxis: true)
    // softplus(log(e − 1)) = 1.
    let kept = (product + 0.541_324_85).softplus() - 1
    // Where w is zero the fraction is zero too, and the step moves z by u tanh(b).
    let norm = w.squared().sum(axis: 1, keepingAxis: true) + 1e-12
    let direction = (u + w * ((kept - product) / norm)).tiled(draws)
    let slope = (z * w.tiled(draws)).sum(axis: 1, keepingAxis: true) + b.tiled(draws)
    let bend = slope.tanh()
    let along = (w.tiled(draws) * direction).sum(axis: 1, keepingAxis: true)
    let stretch = (1 - bend.squared()) * along + 1
    return (z + direction * bend, stretch.logarithmOfVolume.reshaped(to: [z.shape[0]]))
  }

  package func stoppingGradient() -> any Bijector {
    PlanarStep(w: w.detached(), u: u.detached(), b: b.detached())
  }
}

extension Tensor {
  /// The logarithm of a factor of volume, which is positive in exact arithmetic.
  var logarithmOfVolume: Tensor { clamped(to: 1e-7...1e30).log() }
}
