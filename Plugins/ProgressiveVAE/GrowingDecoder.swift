import NeuralNetworks
import Tensors
import VAECore

/// A decoder that begins with small images and grows upwards: a dense layer to the smallest size, and at each further one
/// every pixel repeated in a block of 2×2 and two convolutions; from every size a 1×1 convolution to the likelihood's
/// parameters.
///
/// While a size is new, its parameters are blended with those of the size before it,
/// (1 − a) · exitₙ₋₁ + a · exitₙ (Karras et al. 2018, figure 2). What is smaller than the image is repeated up to its
/// size: the likelihood is one of whole images at all times, and the bound a bound.
public final class GrowingDecoder: Decoder {
  let growth: Growth
  private let entry: Dense
  private let steps: [GrowingStep]
  private let exits: [Conv2D]

  /// A decoder of a number of latents.
  init(
    latent: Int, outputs: Int, _ growth: Growth, _ options: GrowingStep.Options,
    random: RandomSource
  ) {
    self.growth = growth
    let channels = growth.channels
    entry = Dense(
      inputs: latent, outputs: growth.sizes[0].height * growth.sizes[0].width * channels[0],
      random: random.child("entry"))
    steps = channels.indices.map { number in
      GrowingStep(
        inputs: channels[max(0, number - 1)], outputs: channels[number], options,
        random: random.child("step\(number)"))
    }
    exits = channels.enumerated().map { number, inputs in
      Conv2D(
        inputs: inputs, outputs: outputs, kernel: 1, padding: .none,
        random: random.child("exit\(number)"))
    }
  }

  /// How far it has grown; the entry; steps and exits, those of the smallest size first.
  public var members: Members {
    [
      "growth": .module(growth), "entry": .module(entry),
      "steps": .module(ModuleGroup(numbered: steps)),
      "exits": .module(ModuleGroup(numbered: exits)),
    ]
  }

  /// The biases of every exit become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    for exit in exits { exit.bias?.value = parameters.mean(axis: 0).mean(axis: 0) }
  }

  /// Those of the exit at the size that it has reached.
  public var lastWeights: Parameter? { exits[growth.present.top].weights }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    _ = try trace.pass([input.count], through: entry, "entry")
    var last: Shape?
    for (number, size) in growth.sizes.enumerated() {
      let features = try trace.pass(
        [size.height, size.width, growth.channels[max(0, number - 1)]], through: steps[number],
        "steps.\(number)")
      last = try trace.pass(features, through: exits[number], "exits.\(number)")
    }
    return last
  }

  /// The parameters of whole images, from what the network has grown to.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let (top, share) = growth.present
    let (sizes, first) = (growth.sizes, growth.sizes[0])
    var state = entry(draw.decoderInput.flattened(), context)
      .reshaped(to: [draw.rowCount, first.height, first.width, growth.channels[0]])
    state = steps[0](state, context)
    var before = state
    for number in 0..<top {
      before = state
      state = steps[number + 1](state.repeated(to: sizes[number + 1]), context)
    }
    let image = blended(
      exits[max(0, top - 1)](before, context).repeated(to: sizes[top]), exits[top](state, context),
      share: share)
    return sizes[(top + 1)...].reduce(image) { $0.repeated(to: $1) }
  }
}
