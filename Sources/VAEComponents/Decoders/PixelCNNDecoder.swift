import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A gated PixelCNN over the pixels of an image, conditioned at every gate on the latents where
/// there are any: p(x|z) = Π p(xᵢ | x₁ … xᵢ₋₁, z) (van den Oord et al. 2016b; with latents,
/// PixelVAE, Gulrajani et al. 2017).
///
/// Where the likelihood does not couple the channels of a pixel itself, the network conditions each
/// on those before it.
public final class PixelCNNDecoder: AutoregressiveDecoder {
  /// How latents reach the gates.
  public enum Conditioning: String, SettingChoice {
    /// The same bias for all pixels: one linear map of a vector of latents for each gate.
    case bias
    /// Features of each pixel, by transposed convolutions from the latents.
    case map
  }

  private let network: any PixelNetwork
  private let map: ConditionMap?
  private let isConditional: Bool
  private let size: (height: Int, width: Int)
  private let channels: Int

  /// A decoder for images of the data's size.
  ///
  /// - Parameters:
  ///   - sizes: of the network; its inputs, outputs, groups and condition follow from `build`.
  ///   - conditioning: how latents reach the gates.
  ///   - conditionChannels: features a pixel for `map`.
  ///   - build: the data, latents and likelihood that it is made for.
  /// - Throws: `RecipeError` where the data have no extent, or the latents do not fit the
  ///   conditioning.
  public init(
    _ sizes: GatedPixelCNN.Sizes, conditioning: Conditioning, conditionChannels: Int,
    _ build: BuildContext
  ) throws(RecipeError) {
    let data = build.data
    var sizes = sizes
    sizes.groups = build.couplesChannels ? 1 : data.channels
    sizes.inputs = data.channels
    sizes.outputs = build.parametersPerPixel
    try Self.check(sizes, build)
    let latents = build.latents.decoderInputShape
    isConditional = !build.latents.isEmpty
    size = (data.height, data.width)
    channels = data.channels
    switch (isConditional, conditioning) {
    case (false, _):
      sizes.condition = 0
      map = nil
    case (true, .map):
      sizes.condition = conditionChannels
      map = try ConditionMap(
        from: latents, height: data.height, width: data.width, channels: conditionChannels,
        random: build.random.child("condition"))
    case (true, .bias):
      guard latents.rank == 1 else {
        throw RecipeError(
          .invalid,
          "a pixelcnn decoder conditioned by biases needs a vector of latents, but the prior has "
            + "\(build.latents.phrase) of shape \(latents); choose "
            + "\(.setting("decoder.condition", "map"))")
      }
      sizes.condition = latents[0]
      map = nil
    }
    network = GatedPixelCNN(sizes, random: build.random.child("network"))
  }

  /// A decoder without latents around a network of the given kind, for images of `channels` numbers
  /// a pixel.
  public init(_ network: any PixelNetwork, height: Int, width: Int, channels: Int) {
    self.network = network
    map = nil
    isConditional = false
    size = (height, width)
    self.channels = channels
  }

  private static func check(
    _ sizes: GatedPixelCNN.Sizes, _ build: BuildContext
  ) throws(RecipeError) {
    guard build.data.height > 1, build.data.width > 1 else {
      // A perceptron needs something to begin with.
      let latents: Message =
        build.latents.isEmpty
        ? ", and for the latents that it needs \(.setting("prior.name", "standard-normal")) and \(.setting("encoder.name", "mlp"))"
        : ""
      throw RecipeError(
        .invalid,
        "a pixelcnn decoder needs images, but these data are \(build.data.height)×"
          + "\(build.data.width): a PixelCNN decoder without a spatial output has no neighbours to "
          + "look at; choose \(.setting("decoder.name", "mlp"))\(latents)"
      )
    }
    try sizes.checkKernel(of: .decoder)
    guard sizes.channels >= sizes.groups, sizes.head >= sizes.groups else {
      throw RecipeError(
        .invalid,
        "a pixelcnn decoder of \(sizes.channels) channels and a head of \(sizes.head) cannot order "
          + "the \(sizes.groups) channels of these data; choose at least as many of each")
    }
  }

  /// The network, and the way from latents to pixels where there is one.
  public var members: Members {
    var members: Members = ["network": .module(network)]
    if let map { members.entries.append((name: "condition", member: .module(map))) }
    return members
  }

  /// The biases of the last layer become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    network.begin(at: parameters.mean(axis: 0).mean(axis: 0))
  }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    if let map { _ = try trace.pass(input, through: map, "condition") }
    return try trace.pass([size.height, size.width, channels], through: network, "network")
  }

  /// The parameters of every pixel given those before it in `target`, which must be there.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    guard let target else {
      fatalError("an autoregressive decoder needs the data, or is asked to sample them")
    }
    let output = network(target, condition: condition(of: draw, context), context)
    return output.tiled(draw.rowCount / output.shape[0])
  }

  /// Images drawn pixel by pixel, with cached activations.
  public func sample(
    _ draw: LatentDraw, from likelihood: any Likelihood, _ context: Context
  ) -> Tensor {
    withoutTape {
      let (height, width, count) = (size.height, size.width, draw.rowCount)
      let noise = likelihood.noise([height, width, channels], context)
      let numbers = noise.shape[3]
      let byPixel = noise.permuted([1, 2, 0, 3]).reshaped(to: [
        height * width, count, 1, 1, numbers,
      ])
      var pixels: [Tensor] = []
      network.run(
        rowCount: count, height: height, width: width, condition: condition(of: draw, context)
      ) { step in
        let index = step.row * width + step.column
        let pixel = likelihood.sample(
          step.outputs.reshaped(to: [count, 1, 1, step.outputs.shape[1]]),
          noise: byPixel.rows(index..<index + 1).reshaped(to: [count, 1, 1, numbers]))
        let flat = pixel.reshaped(to: [count, channels])
        if step.group == network.groups - 1 { pixels.append(flat) }
        return flat
      }
      return Tensor.concatenated(pixels.map { $0.reshaped(to: [count, 1, channels]) }, axis: 1)
        .reshaped(to: [count, height, width, channels])
    }
  }

  private func condition(of draw: LatentDraw, _ context: Context) -> Tensor? {
    guard isConditional else { return nil }
    let latents = draw.decoderInput
    return map.map { $0(latents, context) } ?? latents
  }
}

extension PixelCNNDecoder {
  /// The hyper-parameters of `pixelcnn`.
  struct Options: HyperparameterSet {
    var network = GatedPixelCNN.Options()
    @Setting(1...4096, help: "features before the parameters") var head = 64
    @Setting(help: "how latents reach the gates: one bias for all pixels, or a map of features")
    var condition = Conditioning.map
    @Setting(1...4096, help: "features a pixel of the map") var conditionChannels = 32
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `pixelcnn`.
  public static var pixelCNN: Component {
    Component(
      role: .decoder, name: "pixelcnn",
      summary: "a gated PixelCNN, conditioned on the latents at every gate where there are any",
      options: PixelCNNDecoder.Options()
    ) { options, build in
      try PixelCNNDecoder(
        GatedPixelCNN.Sizes(inputs: 1, outputs: 1, head: options.head, options.network),
        conditioning: options.condition, conditionChannels: options.conditionChannels, build)
    }
  }
}
