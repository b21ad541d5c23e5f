import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

extension AdversarialLoss: SettingChoice {}
extension PatchDiscriminator.Normalization: SettingChoice {}

extension PatchDiscriminator {
  /// The hyper-parameters of an objective that has a discriminator of images.
  public struct Options: HyperparameterSet {
    /// Of the convolutions of stride 2.
    @Setting(
      count: 1...12, each: 1...4096,
      help:
        "channels of the discriminator's convolutions of stride 2, from the image on; small images use the first of "
        + "them alone"
    )
    public var discriminatorChannels = [64, 128, 256]
    /// What stands between a convolution and its rectifier.
    @Setting(
      help: "normalisation of the discriminator; spectral divides weights by their singular values")
    public var discriminatorNormalization = Normalization.spectral
    /// The learning rate of the discriminator's own Adam.
    @Setting(0...1e6, help: "learning rate of the discriminator, as a multiple of the model's")
    public var discriminatorRate = 1.0

    /// The defaults.
    public init() {}
  }

  /// The discriminator that options describe, for images of the data.
  public convenience init(_ options: Options, _ build: BuildContext) {
    self.init(
      image: [build.data.height, build.data.width, build.data.channels],
      channels: options.discriminatorChannels,
      normalization: options.discriminatorNormalization, isCentred: build.data.range != .real,
      random: build.random.child("discriminator"))
  }
}

extension BuildContext {
  /// Refuses what a discriminator of whole images cannot judge.
  ///
  /// - Throws: `RecipeError` where images are too small.
  public func checkImagesCanBeJudged() throws(RecipeError) {
    guard min(data.height, data.width) >= PatchDiscriminator.leastSide else {
      let least = PatchDiscriminator.leastSide
      throw RecipeError(
        .invalid,
        "\(part) has a discriminator that takes images of \(least)×\(least) pixels and more, but these have "
          + "\(data.height)×\(data.width); choose \(.setting("objective.name", "elbo"))")
    }
  }
}
