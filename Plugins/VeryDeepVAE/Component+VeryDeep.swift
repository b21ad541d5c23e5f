import Messages
import VAEComponents
import VAECore
import VAERecipes

extension TopDownPrior {
  /// The hyper-parameters of `very-deep`.
  struct Options: HyperparameterSet {
    @Setting(
      count: 1...12, each: 1...4096,
      help:
        "channels of the map that a block draws, by size, the image's own first; one number serves all"
    )
    var latent = [8]
    @Setting(
      count: 1...12, each: 1...4096,
      help:
        "channels of the residual paths, by size, the image's own first and never fewer than before; one number serves all"
    )
    var channels = [32, 64, 64, 64, 64, 64]
    @Setting(
      count: 1...12, each: 0...64,
      help:
        "blocks with a stochastic layer at each size, the image's own first; each size is half of the one before"
    )
    var blocksPerSize = [4, 4, 3, 2, 0, 1]
    @Setting(
      1...16,
      help:
        "a block's convolutions between its first and last have the path's channels divided by this"
    )
    var bottleneck = 2
    @Setting(0...65536, help: "sizes with a longer side than this have no bias of their own")
    var biasLimit = 64
  }
}

extension BottomUpEncoder {
  /// The hyper-parameters of `very-deep`.
  struct Options: HyperparameterSet {
    @Setting(
      count: 1...12, each: 0...64,
      help:
        "residual blocks at each size of the prior, the image's own first; one number serves all")
    var blocksPerSize = [2, 2, 2, 1, 0, 1]
  }
}

extension Component where Part == any Prior {
  /// The recipe component `very-deep`.
  static var veryDeep: Component {
    Component(
      role: .prior, name: "very-deep",
      summary: "a residual path from one pixel to the image with a stochastic layer in every block",
      options: TopDownPrior.Options()
    ) { options, build in
      let counts = options.blocksPerSize
      guard (counts.last ?? 0) > 0 else {
        throw RecipeError(
          .invalid,
          "prior.blocks_per_size ends with 0, but the path down begins with a block at its smallest size: let it end "
            + "with 1, or leave the last number out")
      }
      let channels = try options.channels.each(of: counts.count, named: "prior.channels")
      guard zip(channels, channels.dropFirst()).allSatisfy({ $0 <= $1 }) else {
        throw RecipeError(
          .invalid,
          "prior.channels become fewer towards smaller sizes, but the path down hands the first of its channels to the "
            + "next larger size; let no number be smaller than the one before it")
      }
      let pyramid = Pyramid(
        height: build.data.height, width: build.data.width, levels: counts.count - 1)
      return TopDownPrior(
        sizes: zip(pyramid.sizes, channels).map { size, channels in
          DeepSize(
            height: size.height, width: size.width, channels: channels,
            hidden: max(1, channels / options.bottleneck))
        }, counts: counts, latent: try options.latent.each(of: counts.count, named: "prior.latent"),
        biasLimit: options.biasLimit, random: build.random)
    }
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `very-deep`.
  static var veryDeep: Component {
    Component(
      role: .encoder, name: "very-deep",
      summary: "residual blocks at each size of the very-deep prior, which its posteriors see",
      options: BottomUpEncoder.Options()
    ) { options, build in
      let sizes = try build.deepSizes()
      return BottomUpEncoder(
        inputs: build.data.channels, sizes: sizes,
        counts: try options.blocksPerSize.each(of: sizes.count, named: "encoder.blocks_per_size"),
        random: build.random)
    }
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `very-deep`.
  static var veryDeep: Component {
    Component(
      role: .decoder, name: "very-deep",
      summary:
        "a 1×1 convolution from the end of the very-deep prior's path to the likelihood's parameters"
    ) { build in
      TopDownDecoder(
        channels: try build.deepSizes()[0].channels, outputs: build.parametersPerPixel,
        random: build.random)
    }
  }
}

extension BuildContext {
  /// The sizes of the path down that a part belongs to.
  fileprivate func deepSizes() throws(RecipeError) -> [DeepSize] {
    guard let prior = prior as? TopDownPrior else {
      throw RecipeError(
        .invalid,
        "\(part) works with the very-deep prior alone, but the prior has \(latents.phrase); choose "
          + "\(.setting("prior.name", "very-deep")) or another encoder and decoder")
    }
    return prior.sizes
  }
}
