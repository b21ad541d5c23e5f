import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// pixel_weight · distortion + feature_weight · D · d(Φ(x), Φ(x̂)) + rate_weight · rate, with x̂ the mean of p(x|z), D the
/// numbers of an image, and d the distance of its features in a frozen network Φ (Hou et al. 2017, whose loss has
/// no distortion; Zhang et al. 2018 for features of length one).
///
/// The distance is no density: what records and evaluations report as `elbo` is the plain bound of the same
/// networks, and the distance stands beside it, as `feature_distance`.
public final class PerceptualObjective: Objective {
  /// The network; no parameter of it is trained.
  public let network: FrozenNetworkFile
  /// How its features are compared.
  public let comparison: FeatureComparison
  /// The weight of −log p(x|z).
  public let pixelWeight: Float
  /// The weight of the features' distance, times the numbers of an image.
  public let featureWeight: Float
  /// The weight of the rate.
  public let rateWeight: Float

  /// An objective with a network that is opened before the first update.
  public init(
    _ network: FrozenNetworkFile, _ comparison: FeatureComparison, pixelWeight: Float,
    featureWeight: Float, rateWeight: Float
  ) {
    self.network = network
    self.comparison = comparison
    self.pixelWeight = pixelWeight
    self.featureWeight = featureWeight
    self.rateWeight = rateWeight
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// One draw, and the network.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.networks = [network]
    requirements.needsDecodedMeans = true
    requirements.needsWholeImages = true
    return requirements
  }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let distance = comparison(
          pass.features(of: .data, in: network), pass.features(of: .decodedMean, in: network)
        ).mean()
        let size = Float(pass.batch.shape.removingFirst.count)
        var value = distance * (featureWeight * size) + evaluation.rate.mean() * rateWeight
        if pixelWeight > 0 {
          value = value + evaluation.distortion.mean() * pixelWeight
        } else if let fit = pass.distortionOfLikelihoodAlone {
          // Zero, with the gradient that fits the likelihood's own numbers to the errors.
          value = value + (fit - fit.detached())
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
    var file = FrozenNetworkOptions()
    @Setting(
      limit: 4096,
      help: "layers of the network whose features are compared, with commas between them")
    var layers = "relu1_1,relu2_2,relu3_2"
    @Setting(limit: 4096, help: "weight of each of these layers, with commas; empty for one each")
    var layerWeights = ""
    @Setting(
      help:
        "normalized: features of length one at each place; squared: as they are, half the mean square"
    )
    var comparison = FeatureComparison.Measure.normalized
    @Setting(0...1e9, help: "weight of the features' distance, times the numbers of an image")
    var featureWeight = 1.0
    @Setting(0...1e6, help: "weight of the distortion −log p(x|z); 0 for features alone")
    var pixelWeight = 1.0
    @Setting(0...1e6, help: "weight of the rate in the loss") var rateWeight = 1.0

    /// The names of the layers.
    func names() throws(RecipeError) -> [String] {
      let names = layers.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard !names.contains(""), Set(names).count == names.count else {
        throw RecipeError(
          .invalid,
          "the layers of the perceptual objective are different names with commas between them, not \(PlainText.quoted(layers)); "
            + "set \(.setting("objective.layers", "relu1_1,relu2_2"))")
      }
      return names
    }

    /// The weights of so many layers.
    func weights(_ count: Int) throws(RecipeError) -> [Float] {
      guard !layerWeights.isEmpty else { return Array(repeating: 1, count: count) }
      let weights = layerWeights.split(separator: ",", omittingEmptySubsequences: false).map {
        Float($0)
      }
      let known = weights.compactMap { $0 }
      guard known.count == weights.count, known.count == count,
        known.allSatisfy({ $0.isFinite && $0 >= 0 })
      else {
        throw RecipeError(
          .invalid,
          "\(.setting("objective.layer_weights", layerWeights)) is not a number from 0 for each of "
            + "\(Count.of(count, "layer")), with commas between them")
      }
      return known
    }
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
      let names = try options.names()
      return PerceptualObjective(
        try options.file.file(layers: names, build),
        FeatureComparison(options.comparison, weights: try options.weights(names.count)),
        pixelWeight: Float(options.pixelWeight), featureWeight: Float(options.featureWeight),
        rateWeight: Float(options.rateWeight))
    }
  }
}
