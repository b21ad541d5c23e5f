import NeuralNetworks
import Tensors

/// The gated PixelCNN of van den Oord et al. (2016b): a network whose output at a pixel depends on
/// the pixels before it in raster order, and, inside the pixel, on the channels before.
///
/// A first layer with a 7×7 field hides the pixel itself (type A), then follow gated layers with a
/// smaller one, and a head of two 1×1 convolutions. The vertical and horizontal stacks leave no
/// blind spot: see `GatedPixelLayer`. Nothing is normalised across pixels, which would leak. A
/// feature that is always one is appended to the input, so that the border of the image differs
/// from black.
///
/// What comes in is up to the caller: pixel values, or embedded codes of a grid.
public final class GatedPixelCNN: PixelNetwork {
  /// The sizes of a network.
  public struct Sizes: Hashable, Sendable {
    /// Numbers a position that come in.
    public var inputs: Int
    /// Numbers a position that go out.
    public var outputs: Int
    /// Features after each gate.
    public var channels: Int
    /// Gated layers after the first.
    public var layers: Int
    /// The field of each, odd.
    public var kernel: Int
    /// The field of the first, odd.
    public var firstKernel = 7
    /// Features between the two convolutions of the head.
    public var head: Int
    /// Numbers of the condition, zero for none.
    public var condition = 0
    /// Channels inside a position that are conditioned on each other, in order. Inputs and outputs
    /// lie channel by channel. One: a position is hidden or seen as a whole.
    public var groups = 1

    /// The sizes that options give; inputs and outputs must be multiples of the groups. Without another
    /// number the head has twice the features of a gate.
    public init(inputs: Int, outputs: Int, head: Int? = nil, _ options: Options = Options()) {
      (self.inputs, self.outputs) = (inputs, outputs)
      (channels, layers, kernel) = (options.channels, options.layers, options.kernel)
      self.head = head ?? 2 * options.channels
    }
  }

  /// The sizes.
  public let sizes: Sizes
  let layers: [GatedPixelLayer]
  let head: MaskedDense
  let last: MaskedDense

  /// A network with fresh weights.
  public init(_ sizes: Sizes, random: RandomSource) {
    let groups = sizes.groups
    ensure(
      groups > 0 && sizes.inputs.isMultiple(of: groups) && sizes.outputs.isMultiple(of: groups)
        && sizes.channels >= groups && sizes.head >= groups,
      "\(groups) groups do not fit the features of \(sizes)")
    ensure(
      sizes.kernel % 2 == 1 && sizes.firstKernel % 2 == 1 && sizes.firstKernel > 1,
      "the kernels of \(sizes) are not odd, or see nothing")
    self.sizes = sizes
    let order = ChannelGroups(count: groups)
    layers = (0...sizes.layers).map { index in
      GatedPixelLayer(
        GatedPixelLayer.Sizes(
          inputs: index == 0 ? sizes.inputs + 1 : sizes.channels, channels: sizes.channels,
          kernel: index == 0 ? sizes.firstKernel : sizes.kernel, condition: sizes.condition,
          groups: order),
        GatedPixelLayer.Place(isFirst: index == 0, isLast: index == sizes.layers),
        random: random.child("\(index)"))
    }
    head = MaskedDense(
      inputs: sizes.channels, outputs: sizes.head, groups: order, activation: .relu,
      random: random.child("head"))
    last = MaskedDense(
      inputs: sizes.head, outputs: sizes.outputs, groups: order, random: random.child("last"))
  }

  /// The layers by number, and the two parts of the head.
  public var members: Members {
    var members = Members(numbered: layers)
    members.entries += [
      (name: "head", member: .module(head)), (name: "last", member: .module(last)),
    ]
    return members
  }

  /// Numbers a position that come in.
  public var inputs: Int { sizes.inputs }
  /// Numbers a position that go out.
  public var outputs: Int { sizes.outputs }
  /// Groups of channels inside a position.
  public var groups: Int { sizes.groups }

  /// The biases of the head become the given values.
  public func begin(at outputs: Tensor) {
    last.bias.value = outputs
  }

  /// `[height, width, outputs]`
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var features: Shape? = try input.replacingLast(sizes.inputs, with: sizes.inputs + 1)
    for (number, layer) in layers.enumerated() {
      features = try trace.pass(features, through: layer, "\(number)")
    }
    return try trace.pass(trace.pass(features, through: head, "head"), through: last, "last")
  }

  /// The outputs at every position at once, `[K · N, height, width, outputs]`.
  ///
  /// - Parameters:
  ///   - input: `[N, height, width, inputs]`.
  ///   - condition: `[K · N, numbers]` for the whole image, or a map `[K · N, height, width,
  ///     numbers]`; row k · N + n belongs to example n. Whatever no condition reaches is computed
  ///     once per example.
  ///   - context: why the call is made, and where random numbers come from.
  public func callAsFunction(
    _ input: Tensor, condition: Tensor?, _ context: Context
  ) -> Tensor {
    ensure(
      input.rank == 4 && input.shape[3] == sizes.inputs,
      "a PixelCNN over \(sizes.inputs) numbers a position cannot take an input of \(input.shape)")
    let condition = condition.map(asMap)
    let seen = withOnes(input)
    var horizontal = seen
    var vertical: Tensor? = seen
    for layer in layers {
      guard let above = vertical else { break }
      (vertical, horizontal) = layer(
        vertical: above, horizontal: horizontal, condition: condition, context)
    }
    return last(head(horizontal.relu(), context), context)
  }

  /// The input with a feature that is always one.
  func withOnes(_ input: Tensor) -> Tensor {
    .concatenated([input, .ones(Shape(input.shape.dimensions.dropLast() + [1]))], axis: -1)
  }

  /// A condition with the axes of an image.
  func asMap(_ condition: Tensor) -> Tensor {
    ensure(
      condition.shape[-1] == sizes.condition,
      "a condition of shape \(condition.shape) where \(sizes.condition) numbers are expected")
    guard condition.rank == 2 else { return condition }
    return condition.reshaped(to: [condition.shape[0], 1, 1, condition.shape[1]])
  }
}
