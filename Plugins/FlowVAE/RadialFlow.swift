import NeuralNetworks
import Tensors
import VAEComponents
import VAECore

/// Radial flow: f(z) = z + β̂ h(r) (z − c) with r = ‖z − c‖ and h = 1 / (α + r) (Rezende & Mohamed 2015,
/// equation 14).
///
/// α = softplus(a) and β̂ = −α + softplus(β) keep f invertible (appendix A.2). Its inverse needs a root.
final class RadialFlow: Flow {
  private let units: Int
  private let steps: Int

  init(units: Int, steps: Int) {
    (self.units, self.steps) = (units, steps)
  }

  var members: Members { [:] }
  /// c, a and β of each step.
  var numbers: Int { steps * (units + 2) }

  func bijectors(_ numbers: Tensor, _ context: Context) -> [RadialStep] {
    numbers.split(sizes: Array(repeating: units + 2, count: steps)).map { step in
      let parts = step.split(sizes: [units, 1, 1])
      return RadialStep(center: parts[0], alpha: parts[1], beta: parts[2])
    }
  }
}

/// A step of a radial flow for the examples of a batch.
struct RadialStep: Bijector {
  /// c, `[N, units]`
  let center: Tensor
  /// a, before softplus, `[N, 1]`
  let alpha: Tensor
  /// β, `[N, 1]`
  let beta: Tensor

  /// log|det| = (d − 1) log(1 + β̂ h) + log(1 + β̂ h − β̂ r h²).
  func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let draws = z.shape[0] / center.shape[0]
    let positive = alpha.softplus()
    let strength = (beta.softplus() - positive).tiled(draws)
    let distance = z - center.tiled(draws)
    let radius = (distance.squared().sum(axis: 1, keepingAxis: true) + 1e-12).squareRoot()
    let h = (positive.tiled(draws) + radius).reciprocal()
    let around = strength * h + 1
    let along = around - strength * radius * h.squared()
    let determinant =
      around.logarithmOfVolume * Float(z.shape[1] - 1) + along.logarithmOfVolume
    return (z + strength * h * distance, determinant.reshaped(to: [z.shape[0]]))
  }

  func stoppingGradient() -> any Bijector {
    RadialStep(center: center.detached(), alpha: alpha.detached(), beta: beta.detached())
  }
}
