import NeuralNetworks
import Tensors
import VAECore

/// The deterministic path up of a very deep VAE: a 3×3 convolution, residual blocks at each size, and means of 2×2
/// places from one size to the next (Child 2021, section 4). What it holds at the end of each size is what the
/// posteriors of that size see of the image.
public final class BottomUpEncoder: Encoder {
  private let standardization = InputStandardization()
  private let entry: Conv2D
  private let sizes: [DeepSize]
  private let blocks: [[BottleneckBlock]]

  /// A path.
  ///
  /// - Parameters:
  ///   - inputs: channels of the images.
  ///   - sizes: the image's own first.
  ///   - counts: residual blocks at each of them.
  ///   - random: where first weights come from.
  init(inputs: Int, sizes: [DeepSize], counts: [Int], random: RandomSource) {
    ensure(
      sizes.count == counts.count && !sizes.isEmpty,
      "\(counts) are no blocks for \(sizes.count) sizes")
    self.sizes = sizes
    entry = .unbiasedAtFirst(
      inputs: inputs, outputs: sizes[0].channels, kernel: 3, random: random.child("entry"))
    let scale = 1 / Float(max(1, counts.reduce(0, +))).squareRoot()
    blocks = zip(sizes, counts).enumerated().map { number, size in
      (0..<size.1).map { index in
        BottleneckBlock(
          inputs: size.0.channels, hidden: size.0.hidden, outputs: size.0.channels,
          kernel: size.0.kernel, isResidual: true, lastScale: scale,
          random: random.child("size\(number)").child("\(index)"))
      }
    }
  }

  /// The standardisation of the images, the first convolution, and the blocks by size, the image's own first.
  public var members: Members {
    [
      "standardization": .module(standardization), "entry": .module(entry),
      "sizes": .module(Sequential(blocks.map { Sequential($0) })),
    ]
  }

  /// The numbers of all maps.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    _ = try trace.pass(input, through: entry, "entry")
    for (number, size) in sizes.enumerated() {
      _ = try trace.pass(size.shape, through: Sequential(blocks[number]), "sizes.\(number)")
    }
    return [sizes.reduce(0) { $0 + $1.shape.count }]
  }

  /// The maps of all sizes.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    var state = entry(standardization(x), context)
    var maps: [Tensor] = []
    for (number, size) in sizes.enumerated() {
      if number > 0 { state = state.shrunk(to: size) }
      state = blocks[number].reduce(state) { $1($0, context) }
      maps.append(state)
    }
    return BottomUpMaps(maps)
  }
}
