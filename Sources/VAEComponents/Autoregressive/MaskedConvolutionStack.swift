import NeuralNetworks
import Tensors

/// The plain PixelCNN of van den Oord et al. (2016a): masked convolutions with rectifiers, one
/// after another, and a 1×1 convolution to the outputs.
///
/// Its field has a blind spot above and to the right of each pixel, which `GatedPixelCNN` has not;
/// it is the network that every implementation has, and so the one to compare speed with.
public final class MaskedConvolutionStack: PixelNetwork {
  /// Numbers a position that come in.
  public let inputs: Int
  /// Numbers a position that go out.
  public let outputs: Int
  /// Groups of channels inside a position.
  public let groups: Int
  let layers: [MaskedConvolution]
  let head: MaskedDense

  /// A stack with fresh weights.
  ///
  /// - Parameters:
  ///   - inputs: numbers a position that come in.
  ///   - outputs: numbers a position that go out.
  ///   - channels: features after each masked convolution.
  ///   - kernels: the odd field of each masked convolution; the first hides the position itself
  ///     (mask A), the others see what is known of it (mask B).
  ///   - groups: of channels inside a position.
  ///   - random: where the fresh weights come from.
  public init(
    inputs: Int, outputs: Int, channels: Int = 64, kernels: [Int] = [7, 3, 3, 3, 3, 3, 3, 3],
    groups: Int = 1, random: RandomSource
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.groups = groups
    let order = ChannelGroups(count: groups)
    layers = kernels.enumerated().map { index, kernel in
      MaskedConvolution(
        inputs: index == 0 ? inputs : channels, outputs: channels, kernel: kernel,
        groups: order, index == 0 ? .earlier : .upToItself, random: random.child("\(index)"))
    }
    head = MaskedDense(
      inputs: kernels.isEmpty ? inputs : channels, outputs: outputs, groups: order,
      random: random.child("head"))
  }

  /// The masked convolutions by number, and the head.
  public var members: Members {
    var members = Members(numbered: layers)
    members.entries.append((name: "head", member: .module(head)))
    return members
  }

  /// The biases of the head become the given values.
  public func begin(at outputs: Tensor) {
    head.bias.value = outputs
  }

  /// `[height, width, outputs]`
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var features: Shape? = input
    for (number, layer) in layers.enumerated() {
      features = try trace.pass(features, through: layer, "\(number)")
    }
    return try trace.pass(features, through: head, "head")
  }

  /// The outputs at every position, `[N, height, width, outputs]`; there is no condition.
  public func callAsFunction(
    _ input: Tensor, condition: Tensor?, _ context: Context
  ) -> Tensor {
    ensure(condition == nil, "a plain stack of masked convolutions takes no condition")
    return head(layers.reduce(input) { $1($0, context) }, context)
  }
}

/// A masked convolution with a rectifier: of a k×k kernel the ⌈k/2⌉ rows down to the position's own.
/// Of that row the taps to the right are not computed; of its own tap, what the order of channels
/// hides is multiplied by zero.
final class MaskedConvolution: Layer {
  /// `[outputs, inputs, ⌈kernel/2⌉, kernel]`
  let weights: Parameter
  let bias: Parameter
  let kernel: Int
  let sight: ChannelGroups.Sight
  private let mask: Constant
  private let groups: ChannelGroups

  init(
    inputs: Int, outputs: Int, kernel: Int, groups: ChannelGroups, _ sight: ChannelGroups.Sight,
    random: RandomSource
  ) {
    ensure(kernel % 2 == 1, "a masked kernel has a centre, \(kernel) has none")
    let rows = kernel / 2 + 1
    let fanIn = inputs * (kernel * kernel / 2 + (sight == .earlier ? 0 : 1))
    weights = Parameter(
      [outputs, inputs, rows, kernel], .heUniform, fanIn: fanIn, fanOut: outputs,
      random: random.stream("weights"))
    bias = Parameter([outputs], isDecayed: false) { .zeros([outputs]) }
    self.kernel = kernel
    self.sight = sight
    self.groups = groups
    let lead = rows * kernel - kernel / 2 - 1
    mask = Constant {
      Tensor.concatenated(
        [
          .ones([outputs, inputs, lead]),
          groups.mask(inputs: inputs, outputs: outputs, sight).transposed()
            .reshaped(to: [outputs, inputs, 1]),
          .zeros([outputs, inputs, kernel / 2]),
        ], axis: 2
      ).reshaped(to: [outputs, inputs, rows, kernel])
    }
  }

  var members: Members {
    ["weights": .parameter(weights), "bias": .parameter(bias)]
  }

  /// The size stays.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(weights.shape[1], with: weights.shape[0])
  }

  /// The weights with zeros where nothing must be seen.
  var visibleWeights: Tensor {
    weights.tensor * mask.value
  }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    // With one group a position is seen as a whole or not at all, and there is nothing to multiply.
    let isWhole = groups.count == 1
    return input.rasterConvolution(
      weights: isWhole ? weights.tensor : visibleWeights, bias: bias.tensor,
      seesOwnPosition: !isWhole || sight == .upToItself, activation: .relu)
  }
}
