import Messages
import NeuralNetworks
import Tensors
import VAERecipes

/// Turns latents into a map of features for every pixel, for a PixelCNN to be conditioned on:
/// stride-2 transposed convolutions from the latents' size to the image's.
///
/// Latents with a height and width must have a size that halving the image, rounding up, passes
/// through; a vector first becomes a small image by a dense layer.
final class ConditionMap: Module {
  private let entry: any Layer
  private let entryShape: Shape
  private let layers: Sequential

  /// A network to `[height, width, channels]`.
  ///
  /// - Parameters:
  ///   - inputShape: `[units]` or `[height, width, numbers]`.
  /// - Throws: `RecipeError` where the latents' size is none of the image's halves.
  init(
    from inputShape: Shape, height: Int, width: Int, channels: Int, random: RandomSource
  ) throws(RecipeError) {
    let pyramid = try Self.pyramid(from: inputShape, height: height, width: width)
    entryShape = [pyramid.top.height, pyramid.top.width, channels]
    if inputShape.rank == 1 {
      entry = Dense(
        inputs: inputShape[0], outputs: entryShape.count, activation: .relu,
        random: random.child("entry"))
    } else {
      entry = Conv2D(
        inputs: inputShape[2], outputs: channels, kernel: 3, padding: Padding(1),
        activation: .relu, random: random.child("entry"))
    }
    layers = Sequential(
      (0..<pyramid.sizes.count - 1).reversed().map { level in
        TransposedConv2D(
          inputs: channels, outputs: channels, kernel: 3, stride: 2, padding: Padding(1),
          outputPadding: pyramid.outputPadding(to: level), activation: .relu,
          random: random.child("\(level)"))
      })
  }

  var members: Members {
    ["entry": .module(entry), "layers": .module(layers)]
  }

  /// `[height, width, channels]`
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let small = try trace.pass(input, through: entry, "entry").map { _ in entryShape }
    return try trace.pass(small, through: layers, "layers")
  }

  /// `[N, height, width, channels]` for latents `[N, …]`.
  func callAsFunction(_ latents: Tensor, _ context: Context) -> Tensor {
    let small = entry(latents, context).reshaped(
      to: Shape([latents.shape[0]] + entryShape.dimensions))
    return layers(small, context)
  }

  /// The sizes from the image to what the latents become first.
  private static func pyramid(
    from inputShape: Shape, height: Int, width: Int
  ) throws(RecipeError) -> Pyramid {
    guard inputShape.rank == 3 else { return Pyramid(height: height, width: width, levels: 2) }
    var sizes = ["\(height)×\(width)"]
    for levels in 0...20 {
      let pyramid = Pyramid(height: height, width: width, levels: levels)
      if pyramid.top == (inputShape[0], inputShape[1]) { return pyramid }
      if levels > 0 { sizes.append("\(pyramid.top.height)×\(pyramid.top.width)") }
      if pyramid.top == (1, 1) { break }
    }
    throw RecipeError(
      .invalid,
      "a pixelcnn decoder of \(height)×\(width) images cannot be conditioned on latents of "
        + "\(inputShape[0])×\(inputShape[1]): halving the image gives \(sizes.joined(separator: ", "))"
    )
  }
}
