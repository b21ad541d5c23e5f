import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// q(z|x_observed): an encoder that sees zeros where values are missing, and beside them which are
/// (Nazábal et al. 2020; Mattei & Frellsen 2019).
///
/// The network is an ordinary encoder of larger examples: of the flattened image and its mask side by
/// side, or of the image with its mask as further channels. Where a context has no mask everything is
/// known.
public final class MaskedEncoder: Encoder {
  private let input: InputNormalization?
  private let network: any Encoder

  /// An encoder that is told which elements are known.
  ///
  /// - Parameters:
  ///   - network: takes `[N, 2 · inputs]` where `inputs` is given, else `[N, height, width, 2 ·
  ///     channels]`.
  ///   - inputs: elements of an image, where images are flattened; nil where they keep their places.
  public init(_ network: any Encoder, flattening inputs: Int?) {
    self.network = network
    input = inputs.map { InputNormalization(inputs: $0) }
  }

  /// What brings the input to scale, and the network.
  public var members: Members {
    var members: Members = ["network": .module(network)]
    if let input { members.entries.append((name: "input", member: .module(input))) }
    return members
  }

  /// Those of the network.
  public var posteriorTraits: PosteriorTraits { network.posteriorTraits }

  /// That of the network, which takes a mask beside each example.
  public func outputShape(for image: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(
      input == nil
        ? Shape(image.dimensions.dropLast() + [2 * image[-1]]) : [1, 1, 2 * image.count],
      through: network, "network")
  }

  /// What the network says about the known elements of each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    network.encode(joined(x, context.mask?.values ?? .ones(x.shape)), context)
  }

  /// Lets the normalisation look at the first batches, with the mean of each element where it is missing:
  /// what is known of an example then lies where it does without a mask, and what is missing at zero.
  public func prepare(firstBatches: [Tensor], context: Context) throws {
    guard let input else { return }
    let mean = context.meanOfKnown(firstBatches)
    input.prepare(
      firstBatches: firstBatches.indices.map { number in
        guard let mask = context.ofBatch(number, among: firstBatches).mask else {
          return firstBatches[number]
        }
        return firstBatches[number] + (1 - mask.values) * mean
      }, context: context)
  }

  private func joined(_ x: Tensor, _ mask: Tensor) -> Tensor {
    guard let input else {
      return .concatenated([x * mask, mask], axis: -1)
    }
    let mask = mask.flattened()
    return .concatenated([input(x.flattened()) * mask, mask], axis: 1)
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `masked-…`: another encoder that is told which elements are known.
  ///
  /// - Parameters:
  ///   - base: the encoder.
  ///   - flattens: whether it looks at flattened images, and not at their planes.
  package static func masked(_ base: Component, flattens: Bool) -> Component {
    Component(
      role: .encoder, name: "masked-\(base.name)",
      summary: "\(base.summary), told which values are missing "
        + (flattens ? "beside the pixels" : "as planes beside the channels"),
      declarations: base.hyperparameters, usesMask: true
    ) { values, build in
      let data = build.data
      var joint = build
      joint.data = DataDescription(
        height: flattens ? 1 : data.height, width: flattens ? 1 : data.width,
        channels: 2 * (flattens ? data.elements : data.channels), range: data.range,
        rule: data.rule)
      return MaskedEncoder(
        try base.make(values, joint), flattening: flattens ? data.elements : nil)
    }
  }
}
