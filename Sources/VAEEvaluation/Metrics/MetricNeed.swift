import Messages
import VAECore
import VAERecipes

/// What a metric cannot be measured without.
public enum MetricNeed: String, CaseIterable, Sendable {
  /// The factors that generated the examples.
  case factors
  /// Values that are hidden from the model although the data have them.
  case hiddenValues = "hidden_values"
  /// A model that is told which values are missing.
  case masks
  /// The examples' labels.
  case labels
  /// A label that the model is told.
  case toldLabel = "told_label"
  /// Two examples at least.
  case severalExamples = "several_examples"
  /// Importance-weighted draws for each example.
  case importanceSamples = "importance_samples"
  /// A frozen network that looks at images.
  case network
  /// A frozen network that is a classifier.
  case classifier
  /// A frozen network with heads of LPIPS.
  case heads
  /// A probability of values, or a density of dequantized bytes.
  case discreteValues = "discrete_values"
  /// Latents that are codes of a codebook.
  case codes
  /// Several stochastic layers.
  case severalLayers = "several_layers"
  /// A prior that is a transformation of N(0, I).
  case reparameterizedPrior = "reparameterized_prior"
  /// A prior over one layer that prices any point, the same for all examples.
  case pricingPrior = "pricing_prior"
  /// A rate that is a sum over latent units, not more of them than can be listed.
  case unitRates = "unit_rates"
  /// Posteriors over one layer of units, not more numbers of all examples than can be held together.
  case heldPosteriors = "held_posteriors"
  /// A posterior with means.
  case posteriorMeans = "posterior_means"
  /// A posterior with one vector of means.
  case posteriorVector = "posterior_vector"
  /// A posterior with variances.
  case posteriorVariances = "posterior_variances"
  /// Whole images that come back from latents.
  case reconstructions
  /// Images in which a window of 11×11 pixels fits.
  case windows
}

extension MetricNeed {
  /// What it is, and who may lack it.
  private var words: (phrase: String, owner: Owner, remedy: Message) {
    switch self {
    case .factors:
      (
        "the generating factors of the examples", .data,
        "data with factors such as shapes:32"
      )
    case .hiddenValues:
      ("values that are hidden from the model", .data, "data with an array such as test_hidden")
    case .masks:
      (
        "a model that is told which values are missing", .model,
        "a model such as " + .modelsOfMissingValues
      )
    case .labels: ("the labels of the examples", .data, "data with labels")
    case .toldLabel: ("a label that the model is told", .model, "a model such as conditional-vae")
    case .severalExamples: ("two examples at least", .data, "more examples")
    case .importanceSamples:
      ("draws for each example", .option, "give \(.importanceSamples) a number of them")
    case .network:
      (
        "a frozen network that looks at the images", .option,
        "give \(.network) its file, such as one that `vae-zoo classifier` makes"
      )
    case .classifier:
      (
        "a frozen network that is a classifier", .option,
        "give \(.network) a file such as `vae-zoo classifier` makes"
      )
    case .heads:
      (
        "a frozen network with the heads of LPIPS", .option,
        "give \(.network) a file with their tensors lin0.model.1.weight, …"
      )
    case .discreteValues:
      (
        "a likelihood of discrete values or dequantized bytes", .model,
        "a model trained with \(.setting("likelihood", "categorical")) or \(.setting("training.dequantize", "uniform"))"
      )
    case .codes: ("latents that are codes", .model, "a model such as vq-vae")
    case .severalLayers: ("several stochastic layers", .model, "a model such as ladder-vae")
    case .reparameterizedPrior:
      ("a prior that is a transformation of N(0, I)", .model, "a model with such a prior")
    case .pricingPrior:
      (
        "a prior over one layer that prices any point, the same for all examples", .model,
        "a model such as gaussian-vae"
      )
    case .unitRates:
      (
        "a rate that is a sum over latent units, \(Count.text(RatePerUnitMetric.unitLimit)) at most",
        .model,
        "a model such as gaussian-vae"
      )
    case .heldPosteriors:
      (
        "posteriors of one layer of units, \(Count.text(RateDecompositionMetric.numberLimit)) units of all examples "
          + "together at most", .data, "fewer examples, or a model with fewer units"
      )
    case .posteriorMeans: ("a posterior with means", .model, "a model such as gaussian-vae")
    case .posteriorVector:
      ("a posterior with one vector of means", .model, "a model such as gaussian-vae")
    case .posteriorVariances:
      ("a posterior with variances", .model, "a model such as gaussian-vae")
    case .reconstructions:
      ("whole images that come back from latents", .model, "a model such as gaussian-vae")
    case .windows:
      (
        "images of at least \(StructuralSimilarity.windowSize)×\(StructuralSimilarity.windowSize) pixels",
        .data,
        "larger images"
      )
    }
  }

  private enum Owner { case data, model, option }

  /// What it is, in the middle of a sentence.
  public var phrase: String { words.phrase }

  /// Whether a model can have or lack it, rather than the data or the call.
  public var isOfModel: Bool { words.owner == .model }

  /// The refusal of a metric that was asked for without this being there.
  func refusal(of metric: String, _ setting: MetricSetting) -> MetricError {
    if setting.model.takesMasks, self == .discreteValues || self == .reconstructions {
      return MetricError(
        .unsuitable,
        "\(metric) is of whole images, but values of the data of this model may be missing; choose another metric"
      )
    }
    let (phrase, owner, remedy) = words
    let start = "\(metric) needs \(phrase)" as Message
    return switch owner {
    case .option: MetricError(.missingOption, start + "; " + remedy)
    case .data:
      MetricError(
        .unsuitable,
        start
          + ", which \(setting.examples.map { "the \($0.split.name) split" } ?? "the data") has not; "
          + "choose another metric, or " + remedy)
    case .model:
      MetricError(
        .unsuitable,
        start + ", which this model has not; choose another metric, or " + remedy)
    }
  }

  /// Whether it is there, as far as that is known before anything is measured.
  func isMet(by setting: MetricSetting) -> Bool {
    switch self {
    case .factors: setting.examples?.split.factors != nil
    case .hiddenValues: setting.examples?.split.hiddenStore != nil
    case .masks: setting.model.takesMasks
    case .labels: setting.examples?.split.labels != nil
    case .toldLabel: setting.model.condition?.kind == .label
    case .severalExamples: setting.exampleCount > 1
    case .importanceSamples: setting.importanceSamples != nil
    case .network: setting.network != nil
    case .classifier: setting.network?.classes != nil
    case .heads: setting.network?.hasHeads == true
    case .discreteValues:
      setting.examples == nil
        ? setting.model.likelihood.isDiscrete : setting.codeLength != nil
    case .codes: CodeUsage(setting.model.prior.latents) != nil
    case .severalLayers: setting.model.prior.latents.layerShapes.count > 1
    case .reparameterizedPrior: setting.model.prior is any ReparameterizedPrior
    case .pricingPrior:
      setting.model.prior is any PricingPrior && setting.model.prior.latents.units != nil
        && (setting.model.condition == nil || setting.model.prior is StandardNormalPrior)
    case .reconstructions:
      // An autoregressive decoder predicts pixels from the true ones before them.
      !(setting.model.decoder is any AutoregressiveDecoder)
        && !setting.model.prior.latents.isEmpty && !setting.model.takesMasks
    case .windows:
      setting.examples.map {
        StructuralSimilarity.scales(height: $0.split.shape.height, width: $0.split.shape.width) > 0
      } ?? false
    case .unitRates: setting.model.prior.latents.unitCount <= RatePerUnitMetric.unitLimit
    case .heldPosteriors:
      setting.model.prior.latents.units.map {
        $0 <= RateDecompositionMetric.numberLimit / max(1, setting.exampleCount)
      } ?? false
    case .posteriorMeans, .posteriorVector, .posteriorVariances: true
    }
  }

  /// Whether it is there, as the first batch shows.
  func isMet(by sample: MetricSample) -> Bool {
    let evaluation = sample.evaluation
    return switch self {
    case .unitRates: evaluation.draw.layers.contains { $0.unitRates != nil }
    case .posteriorMeans: evaluation.posterior.mean != nil
    case .posteriorVector: evaluation.posterior.mean?.rank == 2
    case .posteriorVariances: evaluation.posterior.variance != nil
    default: true
    }
  }
}
