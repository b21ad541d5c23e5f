import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// Replaces the vectors of an encoder by codes: the part that every prior over a codebook shares.
///
/// Two terms go beside the bound (van den Oord et al. 2017, equation 3). The authors take means
/// over all elements and divide the squared error of the data by its variance σ²; here distortion
/// is the sum over D_x data elements of half of that, so that both terms are multiplied by D_x / 2:
///
/// - commitment: β · (D_x / 2) · mean (z − stop(e))², which draws the encoder to its codes;
/// - codebook: (D_x / 2) · mean (stop(z) − e)², which draws the codes to the encoder, where they
///   are trained by gradient.
///
/// The means are over the height · width · D elements of an example.
public struct VectorQuantizer {
  /// The vectors with their moving averages; a prior names it `codebook` among its members.
  public let codebook: Codebook
  /// The sizes of the grid of codes.
  public let grid: CodeGrid
  /// β, the weight of the commitment term.
  public let commitment: Float
  /// D_x, the numbers of one data example.
  public let dataElements: Int

  /// What became of a batch.
  public struct Quantization {
    /// The numbers of the codes, an index tensor `[N, height, width]`.
    public let codes: Tensor
    /// Their vectors, `[N, height, width, D]`. The gradient passes to the encoder as if nothing had
    /// been replaced (straight-through).
    public let vectors: Tensor
    /// The terms beside the bound, `[N]` each, by name.
    public let auxiliary: [String: Tensor]
  }

  /// A quantiser with a codebook of its own.
  public init(codebook: Codebook, grid: CodeGrid, commitment: Float, dataElements: Int) {
    self.codebook = codebook
    self.grid = grid
    self.commitment = commitment
    self.dataElements = dataElements
  }

  /// What the encoder's output becomes.
  ///
  /// In training the codebook keeps what it saw, for its moving averages; nothing changes before
  /// `afterUpdate`.
  ///
  /// - Parameters:
  ///   - points: `[N, height, width, D]`.
  ///   - context: why the call is made, and where random numbers come from.
  public func quantize(_ points: Tensor, _ context: Context) -> Quantization {
    let count = points.shape[0]
    ensure(
      points.shape == [count, grid.height, grid.width, grid.vectorSize],
      "a grid of \(grid.height)×\(grid.width) vectors of \(grid.vectorSize) cannot take points of "
        + "shape \(points.shape)")
    let constant = points.detached()
    let flat = constant.reshaped(to: [count * grid.count, grid.vectorSize])
    let numbers = codebook.nearest(to: flat)
    if context.mode == .training {
      codebook.observe(flat, codes: numbers, step: context.step, shard: context.shard)
    }
    let codes = Tensor(indices: numbers, shape: [count, grid.height, grid.width])
    let chosen = codebook.vectors(of: codes)

    // Half of the data's elements for each element of the code.
    let weight = Float(dataElements) / Float(2 * grid.count * grid.vectorSize)
    var auxiliary = [
      "commitment": Tensor.squaredError(chosen.detached(), mean: points) * (commitment * weight)
    ]
    if chosen.isTracked || codebook.update == .gradient {
      auxiliary["codebook"] = Tensor.squaredError(constant, mean: chosen) * weight
    }
    // z − stop(z) is exactly zero, so that the decoder sees the very vectors of the codebook.
    let passed = points.isTracked ? chosen.detached() + (points - constant) : chosen.detached()
    return Quantization(codes: codes, vectors: passed, auxiliary: auxiliary)
  }
}

// MARK: - In recipes

extension VectorQuantizer {
  /// The hyper-parameters of a prior over codes, which all such priors share, so that a later stage
  /// keeps them.
  public struct Options: HyperparameterSet {
    /// K.
    @Setting(2...1 << 24, help: "vectors in the codebook, K") public var codes = 512
    /// D.
    @Setting(1...65536, help: "numbers in each vector, D") public var codeSize = 64
    /// From the image to the grid.
    @Setting(0...12, help: "times that the image is halved, rounding up, to the grid of codes")
    public var levels = 2
    /// β.
    @Setting(0...1e6, help: "weight of the term that draws the encoder to its codes")
    public var commitment = 0.25
    /// How the codebook learns.
    @Setting(
      help: "how the codebook learns: by moving averages of what it stands for, or by gradient")
    public var update = Codebook.Update.ema
    /// γ.
    @Setting(0...0.999_999, help: "weight of the past in the codebook's moving averages")
    public var decay = 0.99
    /// The share of the mean.
    @Setting(
      0...1,
      help:
        "a code used less than this share of the mean begins anew at an encoder output; 0 never")
    public var restartThreshold = 0.01

    /// The defaults.
    public init() {}
  }

  /// A quantiser with fresh vectors.
  public init(_ options: Options, _ build: BuildContext) {
    let top = Pyramid(
      height: build.data.height, width: build.data.width, levels: options.levels
    ).top
    let grid = CodeGrid(
      height: top.height, width: top.width, codeCount: options.codes,
      vectorSize: options.codeSize)
    self.init(
      codebook: Codebook(
        codeCount: grid.codeCount, vectorSize: grid.vectorSize,
        update: options.update,
        decay: Float(options.decay),
        restartThreshold: Float(options.restartThreshold),
        random: build.random.child("codebook")),
      grid: grid, commitment: Float(options.commitment),
      dataElements: build.data.elements)
  }
}
