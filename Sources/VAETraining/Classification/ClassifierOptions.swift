import NeuralNetworks
import Tensors
import VAERecipes

/// How a classifier is made and trained: the settings of `vae-zoo classifier`.
public struct ClassifierOptions: HyperparameterSet, Equatable {
  /// Passes over the training examples.
  @Setting(1...100_000, help: "passes over the training examples") public var epochs = 10
  /// Examples an update.
  @Setting(2...65536, help: "examples an update") public var batchSize = 128
  /// The largest learning rate of AdamW, which rises for a tenth of the updates and falls along half a
  /// cosine then.
  @Setting(
    1e-9...1e3,
    help:
      "largest learning rate; it rises for a tenth of the updates, and falls along half a cosine")
  public var learningRate = 2e-3
  /// AdamW's pull of weights to zero.
  @Setting(0...1e3, help: "pull of weights to zero, decoupled") public var weightDecay = 0.05
  /// Channels of the first convolution; later ones have twice and four times as many.
  @Setting(
    1...512, help: "channels of the first convolution; later ones have up to four times as many")
  public var width = 32
  /// Units of the layer before the classes, whose values are the features of an image.
  @Setting(1...4096, help: "units of the layer before the classes, the features of an image")
  public var features = 128
  /// How far a training image is shifted at most, as a share of its sides; drawn at every use.
  @Setting(0...0.5, help: "largest shift of a training image, as a share of its sides")
  public var shift = 0.1
  /// Whether training images are mirrored, each with probability one half at every use.
  @Setting(
    help: "mirror half of the training images, where left and right say nothing of the class")
  public var mirror = false
  /// The seed of weights, order and changes of images.
  @Setting(0...Int.max, help: "seed of weights, order, changes of images") public var seed = 0
  /// What products and convolutions multiply in updates.
  @Setting(
    help: "what products and convolutions multiply in updates; weights and sums stay float32")
  public var precision = Precision.float32

  /// The defaults.
  public init() {}
}

extension ClassifierOptions {
  /// The schedule of the learning rate for a number of updates.
  func schedule(updates: Int) -> Schedule {
    let rise = updates / 10
    let fall = Schedule.cosine(total: max(1, updates - rise), floor: 0.01)
    return rise > 0 ? .warmUp(updates: rise, then: fall) : fall
  }
}
