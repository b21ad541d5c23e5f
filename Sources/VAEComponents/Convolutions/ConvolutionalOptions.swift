import Messages
import NeuralNetworks
import Tensors
import VAERecipes

/// The hyper-parameters that convolutional encoders and decoders share.
struct ConvolutionalOptions: HyperparameterSet {
  /// In the order of computation.
  @Setting(
    count: 1...12, each: 1...4096,
    help:
      "channels of each convolution, in the order of computation; each changes the size by 2, "
      + "but only as often as leads to a grid of codes")
  var channels = [32, 64, 128]
  /// Of every layer but the head.
  @Setting var activation = Activation.leakyReLU(slope: 0.1)
  @Setting(help: "what comes between a convolution and its activation")
  var normalization = ConvolutionalNormalization.batch
  @Setting(0...16, help: "residual blocks at each size") var blocks = 0
}

/// The hyper-parameters of a convolutional decoder.
struct ConvolutionalDecoderOptions: HyperparameterSet {
  var network = ConvolutionalOptions(channels: [128, 64, 32])
  @Setting(
    help:
      "how images are doubled; all but transposed leave no checkerboard behind (a constant image stays constant)"
  )
  var upsampling = Doubling.Method.transposed
  @Setting(
    help:
      "what gives the image: the last layer (single), or every size, enlarged and added up (multiscale)"
  )
  var output = Output.single

  /// What gives the image.
  enum Output: String, SettingChoice {
    /// The last layer.
    case single
    /// Every size.
    case multiscale
  }

  init() {}

  init(_ network: ConvolutionalOptions, output: Output = .single) {
    self.network = network
    self.output = output
  }

  init(channels: [Int], blocks: Int) {
    network = ConvolutionalOptions(channels: channels, blocks: blocks)
  }
}

extension BuildContext {
  /// How many of a convolutional part's layers change the size for a grid of codes.
  ///
  /// - Throws: `RecipeError` where there are not as many layers as it takes.
  func halvings(toCodesBy channels: [Int], of role: Role) throws(RecipeError) -> Int {
    let (grid, pyramid) = try codeGrid(for: "a convolutional \(role)")
    let halvings = pyramid.sizes.count - 1
    guard halvings <= channels.count else {
      throw RecipeError(
        .invalid,
        "a convolutional \(role) of \(channels.count) layers cannot reach \(grid.height)×\(grid.width) codes, which are "
          + "\(halvings) halvings from the image: give \(role).channels at least \(halvings) numbers, or choose a "
          + "smaller \(.setting("prior.levels"))")
    }
    return halvings
  }
}
