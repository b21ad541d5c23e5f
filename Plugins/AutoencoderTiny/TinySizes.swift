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

  /// The shapes of all weights, the data side having `dataChannels` numbers a pixel.
  func weightShapes(dataChannels: Int) -> [[Int]] {
    let count = blocks.reduce(0, +)
    var shapes = [
      [9, dataChannels, channels], [9, channels, map.channels],
      [9, levels + 3 * count, channels, channels],
    ]
    if let mixing { shapes.append([2, blocks[levels], channels, mixing.channels]) }
    return shapes
  }
}

extension TinySizes {
  /// The hyper-parameters of either half.
  ///
  /// - Parameters:
  ///   - blocks: the default of their number at each size, in the order in which the half computes.
  ///   - order: that order in words.
  static func hyperparameters(blocks: [Int], order: String) -> [Hyperparameter] {
    [
      Hyperparameter(
        "channels", .integer(1...4096), default: .integer(64),
        help: "channels of all convolutions between the first and the last"),
      Hyperparameter(
        "blocks", .integers(count: 1...9, each: 0...64), default: .integers(blocks),
        help: "blocks at each size, \(order); one number more than prior.levels"),
      Hyperparameter(
        "mixing_channels", .integer(0...16384), default: .integer(0),
        help: "channels inside the normalised 1x1 branch of blocks at the map's size, 0 for none"),
      Hyperparameter(
        "mixing_groups", .integer(1...4096), default: .integer(4),
        help: "groups of that branch's normalisation, a divisor of its channels"),
    ]
  }

  /// The sizes that a recipe states.
  ///
  /// - Parameter isReversed: whether the list of blocks begins at the map, as the decoder's does.
  init(
    _ values: Hyperparameters, _ build: BuildContext, isReversed: Bool
  ) throws(RecipeError) {
    let role = isReversed ? "decoder" : "encoder"
    let blocks = values.integers("blocks")
    let (inner, groups) = (values.integer("mixing_channels"), values.integer("mixing_groups"))
    guard inner.isMultiple(of: groups) else {
      throw RecipeError(
        .invalid,
        "\(role).mixing_groups is \(groups), which does not divide mixing_channels, \(inner)")
    }
    self.init(
      channels: values.integer("channels"), blocks: isReversed ? blocks.reversed() : blocks,
      mixing: inner > 0 ? Mixing(channels: inner, groups: groups) : nil,
      map: try build.latentMap(
        for: "\(role) tiny", levels: blocks.count - 1, setting: "\(role).blocks"))
  }
}
