import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// What an encoder ends in whose posterior is a Gaussian that goes through a flow: mean and
/// log-variance of z_0, then what the flow depends on.
///
/// Planar, radial and Sylvester flows have all of their parameters from the encoder, so that each
/// example has a flow of its own. Autoregressive flows and couplings have networks of their own,
/// which see a context h of the example (Kingma et al. 2016, algorithm 1).
package final class FlowHead: PosteriorHead {
  /// The families of flows.
  package enum Family: String, SettingChoice {
    case planar, radial, iaf, sylvester, realnvp
  }

  private let units: Int
  private let flow: any Flow

  private static let sylvesterLimit = 2048

  /// - Throws: `RecipeError` where the latents are not one layer of units, or the flow would not
  ///   fit in memory.
  package init(_ options: Options, _ build: BuildContext) throws(RecipeError) {
    guard let units = build.latents.units else {
      throw RecipeError(
        .invalid,
        "\(build.part) proposes a flow over one layer of latent units, but the prior has \(build.latents.phrase)"
      )
    }
    self.units = units
    let steps = options.flowSteps
    let sizes = ConditionerSizes(
      units: units, context: options.flowContext, hidden: options.flowHidden)
    let random = build.random.child("flow")
    switch options.flow {
    case .planar: flow = PlanarFlow(units: units, steps: steps)
    case .radial: flow = RadialFlow(units: units, steps: steps)
    case .sylvester:
      // The encoder gives units² numbers for each matrix, and the masks have as many.
      guard units <= Self.sylvesterLimit else {
        throw RecipeError(
          .invalid,
          "\(build.part): a sylvester flow of \(units) units has matrices of \(units)×\(units); it takes at most "
            + "\(Self.sylvesterLimit) units: choose a smaller \(.setting("prior.latent")) or \(.setting("encoder.flow", "iaf"))"
        )
      }
      flow = SylvesterFlow(units: units, steps: steps, reflections: options.reflections)
    case .iaf:
      flow = InverseAutoregressiveFlow(sizes, steps: steps, random: random)
    case .realnvp:
      flow = CouplingFlow(sizes, steps: steps, random: random)
    }
  }

  /// The networks of the flow, where it has some.
  package var members: Members { flow.members }

  /// Means, log-variances, and what the flow depends on.
  package var shape: Shape { [2 * units + flow.numbers] }

  /// No moments in closed form.
  package var traits: PosteriorTraits {
    PosteriorTraits(
      pricesAnyPoint: flow.hasInverse, hasMoments: false,
      pricingRemedy: "\(.setting("encoder.flow", Family.realnvp.rawValue))")
  }

  /// The Gaussian of z_0, transformed.
  package func posterior(_ output: Tensor, _ context: Context) -> any Posterior {
    let parts = output.split(sizes: [2 * units, flow.numbers])
    return TransformedDistribution(
      DiagonalGaussian(head: parts[0]), flow.bijectors(parts[1], context))
  }
}

extension FlowHead {
  /// The hyper-parameters of the flow, beside those of the network.
  package struct Options: HyperparameterSet {
    @Setting(help: "the family of the flow that the posterior's draws go through")
    package var flow = Family.iaf
    @Setting(1...64, help: "steps of the flow") package var flowSteps = 2
    @Setting(
      count: 1...8, each: 1...65536, help: "hidden layers of the networks in iaf and realnvp")
    package var flowHidden = [320]
    @Setting(
      1...65536, help: "numbers of the context that the encoder gives to iaf and realnvp")
    package var flowContext = 64
    @Setting(
      1...64, help: "Householder reflections whose product is the orthogonal matrix of sylvester")
    package var reflections = 8

    package init() {}
  }
}
