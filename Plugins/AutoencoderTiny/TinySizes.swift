import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// The sizes of one half of a tiny autoencoder.
struct TinySizes {
  /// What mixes the channels of the blocks at the size of the map.
  struct Mixing {
    /// Channels inside.
    let channels: Int
    /// Groups of their normalisation.
    let groups: Int
  }

  /// Channels of all convolutions between the first and the last.
  let channels: Int
  /// Blocks at each size, from the image's to the map's.
  let blocks: [Int]
  /// What mixes channels, where anything does.
  let mixing: Mixing?
  /// The places and channels of the latents.
  let map: LatentMap

  /// How often the image is halved.
  var levels: Int { blocks.count - 1 }
  /// Pixels along a side that a place stands for.
  var pixelsPerPlace: Int { 1 << levels }

  /// The blocks at a level, 0 being the image's size.
  func blocks(at level: Int, _ random: RandomSource) -> [any Layer] {
    (0..<blocks[level]).map { number in
      TinyBlock(
        channels: channels, mixing: level == levels ? mixing : nil,
        random: random.child("level\(level)block\(number)"))
    }
  }

}

/// The hyper-parameters of either half.
struct TinyOptions: HyperparameterSet {
  @Setting(1...4096, help: "channels of all convolutions between the first and the last")
  var channels = 64
  @Setting(
    count: 1...9, each: 0...64,
    help: "blocks at each size, in the order of computation; one number more than prior.levels")
  var blocks = [1, 3, 3, 3]
  @Setting(
    0...16384,
    help: "channels inside the normalised 1x1 branch of blocks at the map's size, 0 for none")
  var mixingChannels = 0
  @Setting(
    1...4096, help: "groups of that branch's normalisation, a divisor of its channels")
  var mixingGroups = 4

  init() {}

  init(blocks: [Int]) { self.blocks = blocks }
}

extension TinySizes {
  /// The sizes that a recipe states.
  ///
  /// - Parameter isReversed: whether the list of blocks begins at the map, as the decoder's does.
  init(
    _ options: TinyOptions, _ build: BuildContext, isReversed: Bool
  ) throws(RecipeError) {
    let role = isReversed ? "decoder" : "encoder"
    let blocks = options.blocks
    let (inner, groups) = (options.mixingChannels, options.mixingGroups)
    guard inner.isMultiple(of: groups) else {
      throw RecipeError(
        .invalid,
        "\(role).mixing_groups is \(groups), which does not divide mixing_channels, \(inner)")
    }
    self.init(
      channels: options.channels, blocks: isReversed ? blocks.reversed() : blocks,
      mixing: inner > 0 ? Mixing(channels: inner, groups: groups) : nil,
      map: try build.latentMap(
        for: "\(role) tiny", levels: blocks.count - 1, setting: "\(role).blocks"))
  }
}
