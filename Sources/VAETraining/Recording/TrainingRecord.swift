import VAECore
import VAEFiles

/// What a model said about a few fixed examples at one step of its training: a file of `records/`
/// in the run folder.
///
/// The examples, the noise of their draws and that of the samples are the same at every step, so
/// that whatever differs between two records comes from the weights.
public struct TrainingRecord: Sendable {
  /// The number of updates made before.
  public var step: Int
  /// Passes over the training data made before, with the fraction of the present one.
  public var epochs: Double
  /// The bound's terms of the last update's batch, nil before the first update.
  public var batch: BoundTerms?
  /// The bound's terms of the fixed examples.
  public var heldOut: BoundTerms
  /// The mean rate of each stochastic layer, the one nearest to the data first.
  public var layerRates: [Double] = []
  /// The mean rate of each latent unit of each stochastic layer, empty where it is no sum over
  /// units.
  public var unitRates: [[Double]] = []
  /// The means of q(z|x), `[examples, units]`, where there are some.
  public var means: RecordedArray<Float>?
  /// The variances of q(z|x), `[examples, units]`, where there are some.
  public var variances: RecordedArray<Float>?
  /// Draws from q(z|x), `[examples, units]`, of each stochastic layer of real units that has no
  /// means: in a hierarchy they follow from the draws above. Nil for layers with too many units.
  public var draws: [RecordedArray<Float>?] = []
  /// Draws from the prior of each stochastic layer of real units, nil as above; none where the
  /// prior is the standard normal distribution.
  public var priorDraws: [RecordedArray<Float>?] = []
  /// How often the fixed examples use each code, where the latents are codes.
  public var codeCounts: [Int32]?
  /// The numbers of the codes of the pictured examples, `[N, height, width]`.
  public var codes: RecordedArray<Int32>?
  /// What the model makes of the pictured examples; nil without latents.
  public var reconstructions: RecordedImages?
  /// What it makes of draws from its prior.
  public var samples: RecordedImages?
  /// What it makes of latents that are swept one at a time; nil where there is nothing to sweep.
  public var traversals: RecordedTraversals?
  /// Whether it was read from a file with checksums, which then were right.
  var isSealed = false

  /// A record of numbers alone.
  public init(step: Int, epochs: Double, batch: BoundTerms?, heldOut: BoundTerms) {
    self.step = step
    self.epochs = epochs
    self.batch = batch
    self.heldOut = heldOut
  }
}

/// The fixed examples that all records of a run are about: `examples.safetensors` of `records/`.
public struct RecordedExamples: Sendable {
  /// The split that they are of.
  public var split: String
  /// Their places in the split; the pictured ones come first.
  public var indices: [Int64]
  /// The pictured ones as the model sees them.
  public var images: RecordedImages
  /// The class of each, where there are classes.
  public var labels: [Int32]?
  /// The names of the classes, where they have some: a label is a place among them.
  public var classNames: [String] = []
  /// The factors that generated each, `[examples, factors]`, where they are known.
  public var factors: RecordedArray<Int32>?
  /// The factors' names.
  public var factorNames: [String] = []
  /// Whether they were read from a file with checksums, which then were right.
  var isSealed = false

  /// Examples of a split.
  public init(split: String, indices: [Int64], images: RecordedImages) {
    self.split = split
    self.indices = indices
    self.images = images
  }
}
