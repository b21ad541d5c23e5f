import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A normalising flow as a prior: z = eᶜ ⊙ f(ε) + b of standard normal numbers ε, with f a flow of networks
/// that are learnt (Chen et al. 2017, "Variational Lossy Autoencoder", section 3.2; Dinh et al. 2017;
/// Papamakarios et al. 2017).
///
/// log p(z) = log N(ε; 0, I) − log|det ∂f/∂ε| − Σ c at ε = f⁻¹((z − b) ⊙ e⁻ᶜ). A fresh one is N(0, I): networks and
/// b and c begin at zero. There is no closed form of KL(q ‖ p); the rate is log q − log p at the draw.
public final class FlowPrior: DensityPrior, ReparameterizedPrior, LatentStartingPrior {
  /// The families of flows, by what is cheap.
  public enum Family: String, SettingChoice {
    /// Affine couplings: draws and densities take a pass for each step.
    case realnvp
    /// Masked autoregressive: densities take a pass for each step, draws one for each step and unit.
    case maf
    /// Inverse autoregressive: draws take a pass for each step, densities, and so training, one for each step and
    /// unit.
    case iaf
  }

  /// b, `[units]`.
  public let shift: Parameter
  /// c, `[units]`.
  public let logScale: Parameter
  private let flow: any Flow

  /// A fresh flow.
  ///
  /// - Parameters:
  ///   - units: of the latents.
  ///   - family: of the flow.
  ///   - steps: of the flow.
  ///   - hidden: sizes of the hidden layers of its networks.
  ///   - random: where the first weights come from.
  public init(units: Int, family: Family, steps: Int, hidden: [Int], random: RandomSource) {
    ensure(
      units > 0 && steps > 0, "\(steps) steps of a flow over \(units) units are no prior")
    shift = Parameter([units], isDecayed: false) { .zeros([units]) }
    logScale = Parameter([units], isDecayed: false) { .zeros([units]) }
    let sizes = ConditionerSizes(units: units, context: 0, hidden: hidden)
    let random = random.child("flow")
    flow =
      switch family {
      case .realnvp: CouplingFlow(sizes, steps: steps, random: random)
      case .maf: MaskedAutoregressiveFlow(sizes, steps: steps, quick: .prices, random: random)
      case .iaf: MaskedAutoregressiveFlow(sizes, steps: steps, quick: .draws, random: random)
      }
  }

  /// The networks of the flow, and shift and scale.
  public var members: Members {
    [
      "flow": .module(flow), "shift": .parameter(shift), "log_scale": .parameter(logScale),
    ]
  }

  /// One layer.
  public var latents: LatentSpace { .units(shift.shape[0]) }

  /// The latents; the flow's networks see these.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass([shift.shape[0]], through: flow, "flow")
  }

  /// N(0, I), transformed, for each of the context's examples.
  public func distribution(_ context: Context) -> any Distribution {
    let count = context.examples.count
    return TransformedDistribution(
      StandardNormal(exampleCount: count, units: shift.shape[0]), bijectors(context))
  }

  /// There is no closed form.
  public func divergence(of posterior: any Distribution, _ context: Context) -> Divergence? { nil }

  private func bijectors(_ context: Context) -> [any Bijector] {
    flow.bijectors(.zeros([context.examples.count, 0]), context) as [any Bijector]
      + [ElementwiseAffine(shift: shift.tensor, logScale: logScale.tensor.clamped(to: -20...20))]
  }

  /// The latents that the flow makes of some numbers.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw {
    draw(of: noise.map { bijectors(context).reduce($0) { $1.forward($0).value } }, context)
  }

  /// The numbers of which the flow makes some latents.
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] {
    latents.map { z in
      bijectors(context).reversed().reduce(z) { point, bijector in
        guard let step = bijector.inverse(point) else {
          fatalError("the bijectors of a prior have inverses")
        }
        return step.z
      }
    }
  }

  /// Shift and scale become mean and deviation of the draws, so that the flow begins at their size.
  public func begin(at draws: Tensor) {
    let moments = ColumnMoments(of: draws)
    (shift.value, logScale.value) = (moments.mean, moments.logDeviation)
  }
}

extension FlowPrior {
  /// The hyper-parameters of `flow`.
  struct Options: HyperparameterSet {
    var units = LatentUnits()
    @Setting(
      help:
        "the flow: of maf a density takes one pass a step and a draw one for each unit, of iaf the other way round, of "
        + "realnvp both take one")
    var flow = Family.maf
    @Setting(1...64, help: "steps of the flow") var flowSteps = 4
    @Setting(count: 1...8, each: 1...65536, help: "hidden layers of the networks in the flow")
    var flowHidden = [256]
  }
}

extension Component where Part == any Prior {
  /// The recipe component `flow`.
  public static var flow: Component {
    Component(
      role: .prior, name: "flow", summary: "standard normal numbers that a learnt flow transforms",
      options: FlowPrior.Options()
    ) { options, build in
      FlowPrior(
        units: options.units.latent, family: options.flow, steps: options.flowSteps,
        hidden: options.flowHidden, random: build.random)
    }
  }
}
