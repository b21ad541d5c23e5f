import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles
import VAERecipes

/// The metrics that there are, in the order in which results name them.
public struct MetricRegistry: Sendable {
  /// The metrics in order.
  public let metrics: [any Metric.Type]

  /// A registry of some metrics.
  public init(_ metrics: [any Metric.Type]) {
    self.metrics = metrics
  }

  /// Those of the zoo.
  public static let standard = MetricRegistry([
    ELBOMetric.self,
    RateMetric.self,
    DistortionMetric.self,
    HiddenDistortionMetric.self,
    NLLMetric.self,
    BitsPerDimMetric.self,
    ActiveUnitsMetric.self,
    RatePerUnitMetric.self,
    RatePerLayerMetric.self,
    ELBOPerClassMetric.self,
    AggregatePosteriorMetric.self,
    RateDecompositionMetric.self,
    CodebookPerplexityMetric.self,
    CodebookUsageMetric.self,
    PSNRMetric.self,
    SSIMMetric.self,
    MSSSIMMetric.self,
    SharpnessMetric.self,
    MIGMetric.self,
    FactorVAEScoreMetric.self,
    DCIMetric.self,
    FeatureDistanceMetric.self,
    LPIPSMetric.self,
    FrechetDistanceMetric.self,
    PrecisionRecallMetric.self,
    ClassifierConfidenceMetric.self,
  ])

  /// What they are, in order.
  public var descriptors: [MetricDescriptor] { metrics.map { $0.descriptor } }

  /// The metrics that are measured unasked on an occasion.
  public func metrics(at occasion: MetricDescriptor.Occasions) -> [any Metric.Type] {
    metrics.filter { $0.descriptor.occasions.isSuperset(of: occasion) }
  }

  /// Those of them that a model can have, as far as that is known before anything is measured.
  package func metrics(
    at occasion: MetricDescriptor.Occasions, of model: Model
  ) -> [any Metric.Type] {
    let setting = MetricSetting(
      model: model, examples: nil, exampleCount: 1, random: RandomSource(seed: 0))
    return metrics(at: occasion).filter {
      $0.descriptor.needs.allSatisfy { !$0.isOfModel || $0.isMet(by: setting) }
    }
  }

  /// The numbers of those metrics.
  public func numbers(at occasion: MetricDescriptor.Occasions) -> [MetricDescriptor.Number] {
    metrics(at: occasion).flatMap { $0.descriptor.numbers }
  }

  /// The names in a list with commas between them, empty ones too; none in an empty list.
  public static func names(in list: String) -> [String] {
    list.split(separator: ",", omittingEmptySubsequences: list.isEmpty).map(String.init)
  }

  /// Some metrics by their names, in the order of the registry.
  ///
  /// - Throws: `MetricError` for a name that there is not, and where there is no name at all.
  public func metrics(named names: [String]) throws(MetricError) -> [any Metric.Type] {
    let known = descriptors.map(\.name)
    guard !names.isEmpty else {
      throw MetricError(.unknown, "no metric is named; there are: \(known.joined(separator: ", "))")
    }
    guard !names.contains("") else {
      throw MetricError(
        .unknown,
        "one of the names of metrics, \(names.joined(separator: ",")), is empty; leave out the comma too many"
      )
    }
    if let wrong = names.first(where: { !known.contains($0) }) {
      // A number of a metric that gives several leads to it.
      let owner = descriptors.first { $0.numbers.contains { $0.name == wrong } }?.name
      let near = owner ?? Suggestion.nearest(to: wrong, in: known)
      throw MetricError(
        .unknown,
        "there is no metric \(wrong); \(near.map { "did you mean \($0)? " } ?? "")there are: "
          + "\(known.joined(separator: ", "))")
    }
    return metrics.filter { names.contains($0.descriptor.name) }
  }

  /// The metrics that suit a model, whatever the data know of its examples.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - shape: of an image.
  public func descriptors(suiting model: Model, shape: Shape) -> [MetricDescriptor] {
    withoutTape {
      let setting = MetricSetting(
        model: model, examples: nil, exampleCount: 1, random: RandomSource(seed: 0))
      let context = Context(
        mode: .evaluation, random: setting.random, examples: [0],
        condition: model.condition.map { $0.inTurn(1) ?? .zeros([1, $0.width]) })
      var request = DrawRequest()
      request.wantsUnitRates = true
      let blank = Tensor.zeros(Shape([1] + shape.dimensions))
      let posterior = Self.gaussian(of: model) ?? model.encoder.encode(blank, context)
      let draw = model.prior.draw(from: posterior, request, context)
      let evaluation = Evaluation(
        batch: blank, posterior: posterior, draw: draw, parameters: .zeros([draw.rowCount, 0]),
        logDensity: .zeros([draw.rowCount]), samples: 1)
      let sample = MetricSample(evaluation, context)
      return descriptors.filter {
        $0.needs.allSatisfy { need in
          !need.isOfModel || (need.isMet(by: setting) && need.isMet(by: sample))
        }
      }
    }
  }

  /// A Gaussian like those that the encoder proposes, which no network is needed for; nil where it proposes
  /// something else, or may.
  private static func gaussian(of model: Model) -> (any Posterior)? {
    guard let units = model.prior.latents.units, model.encoder.posteriorTraits.hasMoments,
      !(model.encoder is any FalliblePart)
    else { return nil }
    return DiagonalGaussian(mean: .zeros([1, units]), logVariance: .zeros([1, units]))
  }

  /// The metrics as JSON, as `metrics` lists them.
  public var json: JSON { .array(descriptors.map(\.json)) }
}

extension MetricDescriptor {
  /// The descriptor as JSON.
  var json: JSON {
    .object([
      "name": .text(name), "unit": .text(unit), "direction": .text(direction.rawValue),
      "needs": .array(needs.map { .text($0.rawValue) }),
      "numbers": .array(numbers.map { .text($0.name) }), "standard_error": .bool(hasStandardError),
      "help": .text(help),
    ])
  }
}
