import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// All K codes alike at every position of the grid: a rate of height · width · log K nats whatever
/// the codes are (van den Oord et al. 2017, section 3.1).
public final class UniformCodePrior: QuantizingPrior {
  /// What turns vectors into codes.
  public let quantizer: VectorQuantizer

  /// A uniform prior over the codes of a quantiser.
  public init(_ quantizer: VectorQuantizer) {
    self.quantizer = quantizer
  }

  /// All codes are alike at any temperature.
  public var usesTemperature: Bool { false }

  /// The codebook.
  public var members: Members { ["codebook": .module(quantizer.codebook)] }

  /// height · width · log K, `[N]`.
  public func rate(of codes: Tensor, _ context: Context) -> Tensor {
    let grid = quantizer.grid
    return Tensor(
      repeating: Float(grid.count) * log(Float(grid.codeCount)), shape: [codes.shape[0]])
  }

  /// Codes of equal probability; a temperature means nothing to them.
  public func sampleCodes(temperature: Float, _ context: Context) -> Tensor {
    let grid = quantizer.grid
    let uniform = context.stream("prior").uniform(
      context.examples, shape: [grid.height, grid.width])
    // Rounding can bring a number just below one to K.
    let numbers = uniform.floats.map {
      Int32(min(grid.codeCount - 1, Int($0 * Float(grid.codeCount))))
    }
    return Tensor(indices: numbers, shape: uniform.shape)
  }
}

extension Component where Part == any Prior {
  /// The recipe component `uniform-codes`.
  static var uniformCodes: Component {
    Component(
      role: .prior, name: "uniform-codes",
      summary: "a grid of codes from a learnt codebook, all of equal probability",
      options: VectorQuantizer.Options()
    ) { options, build in UniformCodePrior(VectorQuantizer(options, build)) }
  }
}
