import Messages
import VAECore
import VAERecipes

extension FeatureComparison.Measure: SettingChoice {}

extension FeatureTerm {
  /// The hyper-parameters of an objective that compares images by features.
  public struct Options: HyperparameterSet {
    /// The network.
    public var file = FrozenNetworkOptions()
    /// The names of layers.
    @Setting(
      limit: 4096,
      help:
        "layers of the network whose features are compared, with commas between them; empty for relu1_1,relu2_2,relu3_2, "
        + "and of lpips for those of its heads")
    public var layers = ""
    /// Their weights.
    @Setting(limit: 4096, help: "weight of each of these layers, with commas; empty for one each")
    public var layerWeights = ""
    /// How features are compared.
    @Setting(
      help:
        "normalized: features of length one at each place; lpips: these with the weights of the network's heads; squared: "
        + "as they are, half the mean square")
    public var comparison = FeatureComparison.Measure.normalized
    /// What the distance counts.
    @Setting(0...1e9, help: "weight of the features' distance, times the numbers of an image")
    public var featureWeight = 1.0

    /// No network.
    public init() {}

    /// No network, and another default of the weight.
    public init(featureWeight: Double) { self.featureWeight = featureWeight }

    private static let usualLayers = ["relu1_1", "relu2_2", "relu3_2"]

    /// The term.
    ///
    /// - Throws: `RecipeError` where no network is named, or the layers or their weights cannot be.
    public func term(_ build: BuildContext) throws(RecipeError) -> FeatureTerm {
      let weight = Float(featureWeight)
      guard comparison != .lpips else {
        guard layers.isEmpty, layerWeights.isEmpty else {
          let name = layers.isEmpty ? "layer_weights" : "layers"
          throw RecipeError(
            .invalid,
            "\(build.part) compares the layers of the network's heads, which have weights of their own; leave "
              + "\(.setting("objective.\(name)")) empty, or choose \(.setting("objective.comparison", "normalized"))"
          )
        }
        return FeatureTerm(
          try file.file(layers: [], usesHeads: true, build), FeatureComparison(.lpips),
          weight: weight)
      }
      let names = try names(build)
      return FeatureTerm(
        try file.file(layers: names, build),
        FeatureComparison(comparison, weights: try weights(names.count)), weight: weight)
    }

    /// The term; nil where no network is named.
    ///
    /// - Throws: `RecipeError` where none is named, but settings are given that only a network has.
    public func termIfNamed(_ build: BuildContext) throws(RecipeError) -> FeatureTerm? {
      guard file.network.isEmpty else { return try term(build) }
      let plain = Options()
      let idle: String? =
        if !file.networkSHA256.isEmpty {
          "network_sha256"
        } else if layers != plain.layers {
          "layers"
        } else if layerWeights != plain.layerWeights {
          "layer_weights"
        } else if comparison != plain.comparison {
          "comparison"
        } else if featureWeight != plain.featureWeight {
          "feature_weight"
        } else {
          nil
        }
      guard let idle else { return nil }
      throw RecipeError(
        .invalid,
        "\(build.part) has no frozen network, which \(.setting("objective.\(idle)")) is about; name one with "
          + "\(.setting("objective.network", "FILE"))")
    }

    /// The names of the layers.
    private func names(_ build: BuildContext) throws(RecipeError) -> [String] {
      guard !layers.isEmpty else { return Self.usualLayers }
      let names = layers.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard !names.contains(""), Set(names).count == names.count else {
        throw RecipeError(
          .invalid,
          "the layers of the \(build.part) are different names with commas between them, not \(PlainText.quoted(layers)); "
            + "set \(.setting("objective.layers", "relu1_1,relu2_2"))")
      }
      return names
    }

    /// The weights of so many layers.
    private func weights(_ count: Int) throws(RecipeError) -> [Float] {
      guard !layerWeights.isEmpty else { return [] }
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
