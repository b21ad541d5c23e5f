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
  /// The places and channels of the latents.
  let map: LatentMap

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

  /// The shapes of all weights, the data side having `dataChannels` numbers a pixel and the latent side
  /// `latentChannels` a place.
  func weightShapes(dataChannels: Int, latentChannels: Int) -> [[Int]] {
    var shapes = [
      [9, dataChannels, channels[0]], [9, deepest, latentChannels], [36, deepest, deepest],
      [latentChannels, latentChannels],
    ]
    if hasMiddleAttention { shapes.append([4, deepest, deepest]) }
    for (level, width) in channels.enumerated() {
      let widest = max(
        width, channels[max(0, level - 1)], channels[min(level + 1, channels.count - 1)])
      shapes.append([19, max(1, blocks), widest, width])
      if attention[level] { shapes.append([4, blocks, width, width]) }
    }
    return shapes
  }
}

extension KLSizes {
  /// The hyper-parameters of either half.
  ///
  /// - Parameters:
  ///   - channels: their default, in the order in which the half computes.
  ///   - blocks: the default of the blocks at each size.
  ///   - order: the order in words.
  static func hyperparameters(channels: [Int], blocks: Int, order: String) -> [Hyperparameter] {
    [
      Hyperparameter(
        "level_channels", .integers(count: 1...9, each: 1...4096), default: .integers(channels),
        help: "channels at each size, \(order); one number more than prior.levels"),
      Hyperparameter(
        "blocks", .integer(1...64), default: .integer(blocks),
        help: "residual blocks at each size"),
      Hyperparameter(
        "norm_groups", .integer(1...4096), default: .integer(32),
        help: "groups of every normalisation, a divisor of all level_channels"),
      Hyperparameter(
        "attention", .integers(count: 1...9, each: 0...1),
        default: .integers(channels.map { _ in 0 }),
        help: "1 for a size whose blocks are followed by attention, in the same order"),
      Hyperparameter(
        "middle_attention", .flag, default: .flag(true),
        help: "attention between the two blocks in the middle"),
      Hyperparameter(
        "latent_convolution", .flag, default: .flag(true),
        help: "a 1x1 convolution next to the latents: quant_conv and post_quant_conv"),
    ]
  }

  /// The sizes that a recipe states.
  ///
  /// - Parameter isReversed: whether its lists begin at the map, as the decoder's do.
  init(
    _ values: Hyperparameters, _ build: BuildContext, isReversed: Bool
  ) throws(RecipeError) {
    let role = isReversed ? "decoder" : "encoder"
    let (channels, attention) = (values.integers("level_channels"), values.integers("attention"))
    guard channels.count == attention.count else {
      throw RecipeError(
        .invalid,
        "\(role).attention has \(Count.of(attention.count, "number")), but \(role).level_channels \(channels.count); give one for "
          + "each size")
    }
    let groups = values.integer("norm_groups")
    if let odd = channels.first(where: { !$0.isMultiple(of: groups) }) {
      throw RecipeError(
        .invalid,
        "\(role).norm_groups is \(groups), which does not divide the \(odd) of \(role).level_channels"
      )
    }
    let flags = attention.map { $0 == 1 }
    self.init(
      channels: isReversed ? channels.reversed() : channels, blocks: values.integer("blocks"),
      groups: groups, attention: isReversed ? flags.reversed() : flags,
      hasMiddleAttention: values.flag("middle_attention"),
      hasLatentConvolution: values.flag("latent_convolution"),
      map: try build.latentMap(
        for: "\(role) kl", levels: channels.count - 1, setting: "\(role).level_channels"))
  }
}
