import NeuralNetworks
import Tensors
import VAECore

/// An encoder that begins with small images and grows downwards: from the size that it has reached, by convolutions and
/// means of 2×2 pixels, to the smallest one, and by a dense layer to the posterior.
///
/// While a size is new, what comes from it is blended with what the smaller image alone gives,
/// (1 − a) · entryₙ₋₁(x at half the size) + a · stepₙ(entryₙ(x)) (Karras et al. 2018, figure 2, for discriminators).
public final class GrowingEncoder: Encoder {
  let growth: Growth
  private let entries: [Conv2D]
  /// From each size to the one below it; the first keeps its size.
  private let steps: [GrowingStep]
  private let head: Dense
  private let posteriorHead: any PosteriorHead

  /// An encoder for images of a number of channels.
  init(
    inputs: Int, _ growth: Growth, head posteriorHead: any PosteriorHead,
    _ options: GrowingStep.Options, random: RandomSource
  ) {
    self.growth = growth
    self.posteriorHead = posteriorHead
    let channels = growth.channels
    entries = channels.enumerated().map { number, outputs in
      Conv2D(
        inputs: inputs, outputs: outputs, kernel: 1, padding: .none,
        activation: options.activation, random: random.child("entry\(number)"))
    }
    steps = channels.indices.map { number in
      GrowingStep(
        inputs: channels[number], outputs: channels[max(0, number - 1)], options,
        random: random.child("step\(number)"))
    }
    head = Dense(
      inputs: growth.sizes[0].height * growth.sizes[0].width * channels[0],
      outputs: posteriorHead.shape.count, random: random.child("head"))
  }

  /// How far it has grown; entries and steps, those of the smallest size first; the head and what the posterior learns.
  public var members: Members {
    [
      "growth": .module(growth), "entries": .module(ModuleGroup(numbered: entries)),
      "steps": .module(ModuleGroup(numbered: steps)),
      "head": .module(head), "posterior": .module(posteriorHead),
    ]
  }

  /// Those of what it ends in.
  public var posteriorTraits: PosteriorTraits { posteriorHead.traits }

  /// The numbers of the posterior.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var last: Shape?
    for (number, size) in growth.sizes.enumerated().reversed() {
      let features = try trace.pass(
        [size.height, size.width, input[-1]], through: entries[number], "entries.\(number)")
      last = try trace.pass(features, through: steps[number], "steps.\(number)")
    }
    return try trace.pass(last.map { [$0.count] }, through: head, "head")
  }

  /// The posterior of each example, from its image at the size that the network has reached.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let (top, share) = growth.present
    var images = [x]
    for size in growth.sizes.reversed().dropFirst() {
      images.append(images[images.count - 1].averaged(to: size))
    }
    images.reverse()
    var state = entries[top](images[top], context)
    for number in stride(from: top, to: 0, by: -1) {
      let below = growth.sizes[number - 1]
      let new = steps[number](state, context).averaged(to: below)
      state =
        number == top
        ? blended(entries[number - 1](images[number - 1], context), new, share: share) : new
    }
    state = steps[0](state, context)
    return posteriorHead.posterior(head(state.flattened(), context), context)
  }
}
