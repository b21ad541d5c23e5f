import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// pixel_weight · distortion + feature_weight · D · d(Φ(x), Φ(x̂)) + rate_weight · rate, with x̂ the mean of p(x|z), D the
/// numbers of an image, and d the distance of its features in a frozen network Φ (Hou et al. 2017, whose loss has
/// no distortion; Zhang et al. 2018 for features of length one, and for LPIPS).
///
/// The distance is no density: what records and evaluations report as `elbo` is the plain bound of the same
/// networks, and the distance stands beside it, as `feature_distance`.
public final class PerceptualObjective: Objective {
  /// The distance of features, with network and weight.
  public let features: FeatureTerm
  /// The weight of −log p(x|z).
  public let pixelWeight: Float
  /// The weight of the rate.
  public let rateWeight: Float

  /// An objective with a network that is opened before the first update.
  public init(_ features: FeatureTerm, pixelWeight: Float, rateWeight: Float) {
    self.features = features
    self.pixelWeight = pixelWeight
    self.rateWeight = rateWeight
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// One draw, and the network.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.networks = [features.network]
    requirements.needsDecodedMeans = true
    requirements.needsWholeImages = true
    return requirements
  }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let (distance, term) = features(pass)
        var value = term + evaluation.rate.mean() * rateWeight
        if pixelWeight > 0 {
          value = value + evaluation.distortion.mean() * pixelWeight
        } else if let fit = pass.distortionOfLikelihoodAlone {
          value = value + fit
        }
        var loss = Loss.withAuxiliary(value, evaluation)
        loss.terms.append((name: "feature_distance", value: distance))
        return loss
      }
    ]
  }

  /// A smaller weight of the rate.
  public func latentAdvice(step: Int, epochs: Double) -> LatentAdvice {
    .change([
      "a smaller \(.setting("objective.rate_weight"))", "a larger \(.setting("feature_weight"))",
    ])
  }
}

extension PerceptualObjective {
  /// The hyper-parameters of `perceptual`.
  struct Options: HyperparameterSet {
    /// The weight is the largest that cost no PSNR on CIFAR-10's validation split (README.md).
    var features = FeatureTerm.Options(featureWeight: 0.3)
    @Setting(0...1e6, help: "weight of the distortion −log p(x|z); 0 for features alone")
    var pixelWeight = 1.0
    @Setting(0...1e6, help: "weight of the rate in the loss") var rateWeight = 1.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `perceptual`.
  static var perceptual: Component {
    Component(
      role: .objective, name: "perceptual",
      summary:
        "rate_weight · rate + pixel_weight · distortion + feature_weight · distance of features in a frozen network, which is no bound",
      options: PerceptualObjective.Options()
    ) { options, build in
      PerceptualObjective(
        try options.features.term(build), pixelWeight: Float(options.pixelWeight),
        rateWeight: Float(options.rateWeight))
    }
  }
}
