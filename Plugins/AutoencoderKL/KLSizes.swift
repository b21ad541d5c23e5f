import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// The sizes of one half of an autoencoder of latent diffusion.
struct KLSizes {
  /// Channels at each size, from the image's to the map's.
  let channels: [Int]
  /// Residual blocks at each size.
  let blocks: Int
  /// Groups of every normalisation.
  let groups: Int
  /// Whether attention follows each block of a size, from the image's to the map's.
  let attention: [Bool]
  /// Whether attention stands between the two blocks in the middle.
  let hasMiddleAttention: Bool
  /// Whether a 1×1 convolution stands next to the latents.
  let hasLatentConvolution: Bool
  /// The places and channels of the latents, units or the vectors of codes.
  let map: LatentMap
  /// Whether the latents are codes.
  let isOfCodes: Bool

  /// What the normalisations add to variances.
  static let epsilon: Float = 1e-6

  /// Pixels along a side that a place stands for.
  var pixelsPerPlace: Int { 1 << (channels.count - 1) }
  /// Channels at the map's size.
  var deepest: Int { channels[channels.count - 1] }

  /// A block that may change the number of channels.
  func block(_ inputs: Int, _ outputs: Int, _ random: RandomSource) -> ResidualBlock {
    ResidualBlock(
      channels: inputs, outputs: outputs, hidden: outputs, activation: .silu,
      normalization: .groups(groups), epsilon: Self.epsilon, random: random)
  }

  /// Attention over images of a number of channels.
  func attention(_ channels: Int, _ random: RandomSource) -> SpatialAttention {
    SpatialAttention(channels: channels, groups: groups, epsilon: Self.epsilon, random: random)
  }

}

/// The hyper-parameters of either half.
struct KLOptions: HyperparameterSet {
  @Setting(
    count: 1...9, each: 1...4096,
    help: "channels at each size, in the order of computation; one number more than prior.levels")
  var levelChannels = [128, 256, 512, 512]
  @Setting(1...64, help: "residual blocks at each size") var blocks = 2
  @Setting(1...4096, help: "groups of every normalisation, a divisor of all level_channels")
  var normGroups = 32
  @Setting(
    count: 1...9, each: 0...1,
    help: "1 for a size whose blocks are followed by attention, in the same order")
  var attention = [0, 0, 0, 0]
  @Setting(help: "attention between the two blocks in the middle") var middleAttention = true
  @Setting(help: "a 1x1 convolution next to the latents: quant_conv and post_quant_conv")
  var latentConvolution = true

  init() {}

  init(levelChannels: [Int], blocks: Int) {
    (self.levelChannels, self.blocks) = (levelChannels, blocks)
  }
}

extension KLSizes {
  /// The sizes that a recipe states.
  ///
  /// - Parameter isReversed: whether its lists begin at the map, as the decoder's do.
  init(
    _ options: KLOptions, _ build: BuildContext, isReversed: Bool
  ) throws(RecipeError) {
    let role = isReversed ? "decoder" : "encoder"
    let (channels, attention) = (options.levelChannels, options.attention)
    let groups = options.normGroups
    var problems: [Message] = []
    if let odd = channels.first(where: { !$0.isMultiple(of: groups) }) {
      problems.append(
        "\(role).norm_groups is \(groups), which does not divide the \(odd) of \(role).level_channels; choose a divisor by "
          + "\(.setting("norm_groups", "NUMBER"))"
      )
    }
    var hasOtherSizes = channels.count != attention.count
    if hasOtherSizes {
      problems.append(
        "\(role).attention has \(Count.of(attention.count, "number")), but \(role).level_channels \(channels.count)"
      )
    }
    var map: LatentMap?
    do throws(RecipeError) {
      map = try build.latentPlaces(
        for: "\(role) kl", levels: channels.count - 1, setting: "\(role).level_channels")
    } catch {
      problems.append(error.message)
      hasOtherSizes = hasOtherSizes || build.latents.map != nil || build.latents.codes != nil
    }
    // The map and both halves change together: who learns of one misfit after the other tries five times.
    if hasOtherSizes {
      let count = Count.of(channels.count, "number")
      problems.append(
        "for \(Count.of(channels.count, "size")) choose \(.setting("prior.levels", "\(channels.count - 1)")), and give level_channels and attention "
          + "\(count) each, in the encoder and in the decoder")
    }
    guard problems.isEmpty, let map else {
      throw RecipeError(.invalid, problems.dropFirst().reduce(problems[0]) { $0 + "; " + $1 })
    }
    let flags = attention.map { $0 == 1 }
    self.init(
      channels: isReversed ? channels.reversed() : channels, blocks: options.blocks,
      groups: groups, attention: isReversed ? flags.reversed() : flags,
      hasMiddleAttention: options.middleAttention,
      hasLatentConvolution: options.latentConvolution,
      map: map, isOfCodes: build.latents.codes != nil)
  }
}
