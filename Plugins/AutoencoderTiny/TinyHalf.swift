import VAEFiles
import VAERecipes

/// The sizes of one half of a TAESD: convolutions with blocks between them, with the one table of what its
/// tensors are called.
struct TinyHalf {
  enum Kind: String {
    case encoder, decoder
  }

  /// What the tensors of a half are called.
  struct Names {
    /// What stands before the numbers of layers.
    let prefix: String
    /// The number of the first layer with weights.
    let first: Int
  }

  let kind: Kind
  /// Blocks at each size, in the order in which the half computes.
  let blocks: [Int]
  let channels: Int
  let latentChannels: Int
  let imageChannels: Int
  /// Channels of the branch that mixes them in the blocks at the map's size, 0 for none.
  let mixingChannels: Int

  /// The half's settings in a recipe.
  var settings: [(key: String, value: String)] {
    [
      (key: "\(kind.rawValue).channels", value: "\(channels)"),
      (
        key: "\(kind.rawValue).blocks",
        value: blocks.map(String.init).joined(separator: ",")
      ),
      (key: "\(kind.rawValue).mixing_channels", value: "\(mixingChannels)"),
    ]
  }

  /// The tensors of a model, and where a file has them.
  func tensors(file: Int, _ names: Names) -> [WeightPlace] {
    var list: [WeightPlace] = []
    let half = kind.rawValue
    let isDecoder = kind == .decoder
    // The first layer of the decoder is its clamp, and that of its ReLU is none here.
    var own = isDecoder ? 1 : 0
    var theirs: Int { own == (isDecoder ? 1 : 0) ? names.first : own + names.first }
    func add(_ path: String, _ name: String) {
      list.append(WeightPlace(path: "\(half).\(path)", file: file, name: names.prefix + name))
    }
    func convolution(_ path: String, hasBias: Bool) {
      add("\(path).weights", "\(theirs).weight")
      if hasBias { add("\(path).bias", "\(theirs).bias") }
      own += 1
    }
    func block(isMixing: Bool) {
      let path = "layers.\(own)"
      for part in 0..<3 {
        add("\(path).convolutions.\(part).weights", "\(theirs).conv.\(2 * part).weight")
        add("\(path).convolutions.\(part).bias", "\(theirs).conv.\(2 * part).bias")
      }
      if isMixing {
        add("\(path).mixing.0.weights", "\(theirs).pool.0.weight")
        add("\(path).mixing.1.scale", "\(theirs).pool.1.weight")
        add("\(path).mixing.1.shift", "\(theirs).pool.1.bias")
        add("\(path).mixing.2.weights", "\(theirs).pool.3.weight")
      }
      own += 1
    }
    convolution("layers.\(own)", hasBias: true)
    for (level, count) in blocks.enumerated() {
      let isAtMap = level == (isDecoder ? 0 : blocks.count - 1)
      for _ in 0..<count { block(isMixing: isAtMap && mixingChannels > 0) }
      guard level + 1 < blocks.count else { break }
      // The decoder enlarges before a convolution.
      if isDecoder { own += 1 }
      convolution("layers.\(own)", hasBias: false)
    }
    convolution(isDecoder ? "head" : "layers.\(own)", hasBias: true)
    return list
  }
}
