import NeuralNetworks
import Tensors

/// What a decoder's smaller images say of the parameters of the whole one: before each doubling a 1×1 convolution of its own gives
/// parameters of that size, which are added to those of the sizes below and enlarged between pixels.
final class ScaleOutputs: Module {
  /// A doubling of an image.
  struct Enlargement {
    /// Channels before it.
    let channels: Int
    /// The size after it.
    let size: (height: Int, width: Int)

    init(channels: Int, to size: (height: Int, width: Int)) {
      (self.channels, self.size) = (channels, size)
    }
  }

  private let levels: [Sequential]
  /// Before each level that doubles the image, the size that it leads to.
  private let outputs: [(layer: Conv2D, size: (height: Int, width: Int))?]

  /// Outputs that begin at zero.
  ///
  /// - Parameters:
  ///   - levels: a decoder's layers, level by level; they are the decoder's own.
  ///   - enlargements: what each level does to the size, nil where it keeps it.
  ///   - outputs: parameters a pixel.
  ///   - random: where first weights come from.
  init(
    _ levels: [Sequential], _ enlargements: [Enlargement?], outputs: Int, random: RandomSource
  ) {
    self.levels = levels
    self.outputs = enlargements.enumerated().map { number, enlargement in
      enlargement.map {
        (
          Conv2D(
            inputs: $0.channels, outputs: outputs, kernel: 1, padding: .none, initializer: .zeros,
            random: random.child("\(number)")), $0.size
        )
      }
    }
  }

  /// The convolutions of smaller images, those of the smallest first.
  var members: Members { Members(numbered: outputs.compactMap { $0?.layer }) }

  /// The parameters of the whole image, from the smallest.
  ///
  /// - Parameters:
  ///   - small: `[rows, height, width, channels]`.
  ///   - head: what the last level ends in.
  ///   - context: of the pass.
  func callAsFunction(_ small: Tensor, head: Conv2D, _ context: Context) -> Tensor {
    var map = small
    var coarse: Tensor?
    for (level, output) in zip(levels, outputs) {
      if let output {
        let own = output.layer(map, context)
        coarse = (coarse.map { $0 + own } ?? own).upsampledBilinear(by: 2, 2)
          .cropped(to: output.size)
      }
      level.apply(to: &map, context)
    }
    let fine = head(map, context)
    return coarse.map { fine + $0 } ?? fine
  }

  /// The shape of the whole image's parameters.
  func outputShape(for small: Shape, head: Conv2D, _ trace: inout ShapeTrace) throws -> Shape? {
    var map: Shape? = small
    var (layer, scale) = (0, 0)
    for (level, output) in zip(levels, outputs) {
      if let output {
        _ = try trace.pass(map, through: output.layer, "scales.\(scale)")
        scale += 1
      }
      for next in level.layers {
        map = try trace.pass(map, through: next, "layers.\(layer)")
        layer += 1
      }
    }
    return try trace.pass(map, through: head, "head")
  }
}
