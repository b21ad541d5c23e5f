import Messages
import NeuralNetworks
import Tensors
import VAERecipes

/// What convolutional encoders and decoders share.
struct ConvolutionalOptions {
  /// Of each convolution, in the order of computation.
  let channels: [Int]
  /// Of every layer but the head.
  let activation: Activation
  /// Before each activation.
  let normalization: ConvolutionalNormalization
  /// At each size.
  let residualBlocks: Int

  /// The sizes of the weights for `BuildContext.checkSize`.
  ///
  /// - Parameter path: `channels` with what comes before the first or after the last.
  func weightSizes(along path: [Int]) -> [[Int]] {
    zip(path, path.dropFirst()).map { [$0, $1, 9] }
      + channels.map { [2 * residualBlocks, $0, $0, 9] }
  }
}

extension ConvolutionalOptions {
  /// The options that a recipe gives.
  init(_ values: Hyperparameters) throws {
    self.init(
      channels: values.integers("channels"), activation: try values.activation(),
      normalization: ConvolutionalNormalization(rawValue: values.text("normalization")) ?? .batch,
      residualBlocks: values.integer("blocks"))
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

extension Hyperparameter {
  /// The hyper-parameters that convolutional encoders and decoders share.
  static func convolutional(channels: [Int], blocks: Int) -> [Hyperparameter] {
    [
      Hyperparameter(
        "channels", .integers(count: 1...12, each: 1...4096), default: .integers(channels),
        help:
          "channels of each convolution, in the order of computation; each changes the size by 2, "
          + "but only as often as leads to a grid of codes"),
      .activation(default: "leaky_relu"),
      Hyperparameter(
        "normalization", .choice(ConvolutionalNormalization.allCases.map(\.rawValue)),
        default: .text("batch"), help: "what comes between a convolution and its activation"),
      Hyperparameter(
        "blocks", .integer(0...16), default: .integer(blocks),
        help: "residual blocks at each size"),
    ]
  }
}
