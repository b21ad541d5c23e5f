import NeuralNetworks
import Tensors
import VAECore

/// A prior over the codes of a codebook: all but the probabilities themselves.
///
/// A conforming type states its `quantizer`, names `quantizer.codebook` as the member `codebook`,
/// prices codes and draws them; drawing from a posterior, the grid and the start of the codebook
/// follow.
public protocol QuantizingPrior: CodePrior {
  /// What turns vectors into codes.
  var quantizer: VectorQuantizer { get }

  /// Codes drawn from the prior, one grid for each of the context's examples: an index tensor
  /// `[N, height, width]`.
  func sampleCodes(temperature: Float, _ context: Context) -> Tensor
}

extension QuantizingPrior {
  /// The grid of codes.
  public var latents: LatentSpace { .codes(quantizer.grid) }

  /// Those of the codebook.
  public func nearestCodes(to points: Tensor) -> Tensor {
    let rows = points.detached().reshaped(to: [points.count / points.shape[-1], points.shape[-1]])
    return Tensor(
      indices: quantizer.codebook.nearest(to: rows),
      shape: Shape(points.shape.dimensions.dropLast()))
  }

  /// Those of the codebook.
  public func vectors(of codes: Tensor) -> Tensor {
    quantizer.codebook.vectors(of: codes).detached()
  }

  /// The nearest codes with their rate. The code is certain, so that log q is zero and all draws
  /// for an example are the same.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    guard let posterior = posterior as? PointPosterior else {
      fatalError("a prior over codes takes the points of an encoder built for codes")
    }
    let quantization = quantizer.quantize(posterior.points, context)
    let rate = rate(of: quantization.codes, context).tiled(request.samples)
    let vectors = quantization.vectors.tiled(request.samples)
    let gate = request.stopsPosterior ? GradientGate() : nil
    var layer = LatentLayer(
      sample: gate?.applied(to: vectors) ?? vectors, rate: rate,
      codes: quantization.codes.repeatedIndices(request.samples))
    if request.usesSampledRate {
      layer.logPosterior = .zeros(rate.shape)
      layer.logPrior = -rate
    }
    layer.gate = gate
    return LatentDraw(
      layers: [layer], rowCount: vectors.shape[0],
      auxiliary: quantization.auxiliary.mapValues { $0.tiled(request.samples) })
  }

  /// Codes from the prior with their vectors.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    draw(of: [sampleCodes(temperature: temperature, context)], context)
  }

  /// Given codes, an index tensor `[N, height, width]`, or given vectors,
  /// `[N, height, width, D]`, which stay as they are.
  public func draw(of latents: [Tensor], _ context: Context) -> LatentDraw {
    guard let given = latents.first else { return LatentDraw(layers: [], rowCount: 0) }
    let areCodes = given.elementType == .int32
    let layer = LatentLayer(
      sample: areCodes ? quantizer.codebook.vectors(of: given).detached() : given,
      rate: .zeros([given.shape[0]]), codes: areCodes ? given : nil)
    return LatentDraw(layers: [layer], rowCount: given.shape[0])
  }

  /// Lets the codebook begin at the clusters of what the encoder says about the first batches.
  public func prepare(
    firstBatches: [Tensor], encodedBy encoder: any Encoder, context: Context
  ) throws {
    quantizer.codebook.start(
      batches: firstBatches.count,
      points: { number in
        guard
          let posterior = encoder.encode(
            firstBatches[number], context.ofBatch(number, among: firstBatches)) as? PointPosterior
        else {
          fatalError("a prior over codes takes the points of an encoder built for codes")
        }
        let points = posterior.points
        return points.reshaped(to: [points.count / points.shape[-1], points.shape[-1]])
      }, random: context.random)
  }
}

extension Tensor {
  /// An index tensor repeated along its first axis: `[N, …]` becomes `[times · N, …]`.
  fileprivate func repeatedIndices(_ times: Int) -> Tensor {
    guard times != 1 else { return self }
    let once = indices
    return Tensor(
      indices: (0..<times).flatMap { _ in once },
      shape: Shape([times * shape[0]] + shape.dimensions.dropFirst()))
  }
}
