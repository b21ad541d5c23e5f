import Tensors
import VAECore

/// What a measurement is of.
public struct MetricSetting {
  /// The model.
  public let model: Model
  /// The examples; nil for those of a batch in training.
  public let examples: Examples?
  /// How many examples are measured.
  public let exampleCount: Int
  /// Draws an example for importance weighting, nil for none.
  public let importanceSamples: Int?
  /// An open frozen network that looks at images, nil for none.
  public let network: FrozenNetworkFile?
  /// Where random numbers of a metric come from, each from a child of its own.
  public let random: RandomSource

  /// A measurement.
  public init(
    model: Model, examples: Examples?, exampleCount: Int, importanceSamples: Int? = nil,
    network: FrozenNetworkFile? = nil, random: RandomSource
  ) {
    self.model = model
    self.examples = examples
    self.exampleCount = exampleCount
    self.importanceSamples = importanceSamples
    self.network = network
    self.random = random
  }

  /// How many bits the values of an example take; nil where they have no code of finite length.
  var codeLength: CodeLength? {
    // A value that is missing takes no bits, and no example has the same number of others.
    guard examples?.takesMasks != true else { return nil }
    return examples.flatMap { CodeLength(of: $0, isDiscrete: model.likelihood.isDiscrete) }
  }
}
