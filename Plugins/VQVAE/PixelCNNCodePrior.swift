import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// A gated PixelCNN over the grid of codes, p(codes) = Π p(cᵢ | c₁ … cᵢ₋₁) in raster order: the prior that
/// takes the uniform one's place once the autoencoder is trained (van den Oord et al. 2017, section
/// 3.3). It lowers the rate, since few grids of codes are likely, and draws new grids.
///
/// A code enters the network as a learnt vector of its own rather than as that of the codebook, which
/// was made to be decoded, not to be predicted from.
public final class PixelCNNCodePrior: QuantizingPrior {
  /// What turns vectors into codes.
  public let quantizer: VectorQuantizer
  private let embedding: Parameter
  private let network: GatedPixelCNN

  /// A prior over the codes of a quantiser.
  ///
  /// - Parameters:
  ///   - quantizer: which the codes are of.
  ///   - sizes: of the network, whose inputs are the numbers that stand for a code and whose
  ///     outputs are the logits of all codes.
  ///   - random: where the fresh weights come from.
  public init(_ quantizer: VectorQuantizer, sizes: GatedPixelCNN.Sizes, random: RandomSource) {
    ensure(
      sizes.outputs == quantizer.grid.codeCount,
      "\(sizes.outputs) outputs do not say what is next of \(quantizer.grid.codeCount) codes")
    self.quantizer = quantizer
    let shape: Shape = [quantizer.grid.codeCount, sizes.inputs]
    embedding = Parameter(shape) { random.stream("embedding").normal(shape) }
    network = GatedPixelCNN(sizes, random: random.child("network"))
  }

  /// The codebook, and the network with its vectors for codes.
  public var members: Members {
    [
      "codebook": .module(quantizer.codebook),
      "network": .module(CodeNetwork(embedding: embedding, pixels: network)),
    ]
  }

  /// The vectors of the codes.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let grid = quantizer.grid
    _ = try trace.pass(
      [grid.height, grid.width, network.inputs], through: network, "network.pixels")
    return latents.decoderInputShape
  }

  /// −Σ log p(cᵢ | c₁ … cᵢ₋₁) in nats, `[N]`.
  public func rate(of codes: Tensor, _ context: Context) -> Tensor {
    let logits = network(embedding.tensor.gathering(codes), condition: nil, context)
    return -.categoricalLogDensity(codes, logits: logits)
  }

  /// Grids drawn code by code (ancestral sampling), with cached activations.
  ///
  /// - Parameters:
  ///   - temperature: what the logits are divided by; at zero the likeliest code is taken.
  ///   - context: why the call is made, and where random numbers come from.
  public func sampleCodes(temperature: Float, _ context: Context) -> Tensor {
    let (grid, count) = (quantizer.grid, context.examples.count)
    let uniform = context.stream("prior").uniform(
      context.examples, shape: [grid.height, grid.width]
    ).floats
    let sharpness = 1 / max(temperature, Self.lowestTemperature)
    var codes = [Int32](repeating: 0, count: count * grid.count)
    network.run(rowCount: count, height: grid.height, width: grid.width) { step in
      let place = step.row * grid.width + step.column
      let drawn = (step.outputs * sharpness).softmax().inverseCumulative(
        at: Tensor((0..<count).map { uniform[$0 * grid.count + place] }))
      drawn.withIndices { drawn in
        for (row, code) in drawn.enumerated() { codes[row * grid.count + place] = code }
      }
      return embedding.value.gathering(drawn)
    }
    return Tensor(indices: codes, shape: [count, grid.height, grid.width])
  }

  private static let lowestTemperature: Float = 1e-4
}

/// The trained part, under one name.
private final class CodeNetwork: Module {
  let members: Members

  init(embedding: Parameter, pixels: GatedPixelCNN) {
    members = ["embedding": .parameter(embedding), "pixels": .module(pixels)]
  }
}

extension PixelCNNCodePrior {
  /// The hyper-parameters of `pixelcnn-codes`.
  struct Options: HyperparameterSet {
    var quantizer = VectorQuantizer.Options()
    @Setting(1...65536, help: "numbers that stand for a code in the network") var embedding = 32
    var network = GatedPixelCNN.Options(channels: 64)
    @Setting(1...4096, help: "features before the logits") var head = 128
  }
}

extension Component where Part == any Prior {
  /// The recipe component `pixelcnn-codes`.
  static var pixelCNNCodes: Component {
    Component(
      role: .prior, name: "pixelcnn-codes",
      summary: "a grid of codes from a learnt codebook, each predicted from those before it",
      options: PixelCNNCodePrior.Options()
    ) { options, build in
      let quantizer = VectorQuantizer(options.quantizer, build)
      let sizes = GatedPixelCNN.Sizes(
        inputs: options.embedding, outputs: quantizer.grid.codeCount, head: options.head,
        options.network)
      try sizes.checkKernel(of: .prior)
      return PixelCNNCodePrior(quantizer, sizes: sizes, random: build.random)
    }
  }
}
