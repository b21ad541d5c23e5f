import NeuralNetworks
import Tensors
import VAEZoo

extension Workload {
  /// 28×28×1 through a 7×7 convolution with mask A and seven 3×3 with mask B, 64 features and ReLU
  /// each, and a 1×1 head; Bernoulli, batch 64.
  static let pixelCNN = Workload(
    name: "pixelcnn",
    summary: "28×28, 7×7 mask A and seven 3×3 mask B of 64, Bernoulli, batch 64",
    size: WorkloadSize(batch: 64, side: 28),
    flops: { 6 * pixelCNNMultiplyAdds(pixels: $0 * $0) }
  ) { size in
    let batch = RandomSource(seed: 0).stream("batch")
      .uniform([size.batch, size.side, size.side, 1]).isAbove(0.87)
    return .training(pixelCNNModel(side: size.side), batch: batch)
  }

  /// 16 images drawn pixel by pixel with that network; a step is all 16.
  static let pixelCNNSample = Workload(
    name: "pixelcnn-sample", summary: "16 images drawn pixel by pixel with the network of pixelcnn",
    trains: false, size: WorkloadSize(batch: 16, side: 28),
    flops: { 2 * pixelCNNMultiplyAdds(pixels: $0 * $0) }
  ) { size in
    .drawing(pixelCNNModel(side: size.side), count: size.batch)
  }

  private static func pixelCNNModel(side: Int) -> Model {
    let network = MaskedConvolutionStack(
      inputs: 1, outputs: 1, channels: 64, kernels: [7, 3, 3, 3, 3, 3, 3, 3],
      random: RandomSource(seed: 0).child("decoder"))
    return Model(
      encoder: EmptyEncoder(), prior: EmptyPrior(),
      decoder: PixelCNNDecoder(network, height: side, width: side, channels: 1),
      likelihood: BernoulliLikelihood())
  }

  /// Multiply-adds of one image's forward pass, live taps only.
  ///
  /// - 7×7 with mask A: 3 · 7 + 3 = 24 taps, 24 · 1 · 64 = 1,536 a pixel.
  /// - 3×3 with mask B: 3 + 2 = 5 taps, 5 · 64 · 64 = 20,480 a pixel and layer, seven layers.
  /// - Head: 64.
  ///
  /// Together 144,960 a pixel, times 784 pixels: 113.6 million. A training step of 64 images makes
  /// 43.6 · 10⁹ operations, a draw of 16 images 3.6 · 10⁹.
  private static func pixelCNNMultiplyAdds(pixels: Int) -> Int {
    pixels * (24 * 64 + 7 * 5 * 64 * 64 + 64)
  }
}
