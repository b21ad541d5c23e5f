import NeuralNetworks
import Tensors
import VAEZoo

extension Workload {
  private static let channels = [32, 64, 128, 256, 512]

  /// 64×64×3 images through five stride-2 convolutions to 128 latent units and back, with batch
  /// normalisation and leaky ReLU, a Gaussian likelihood around tanh, batch 64.
  static let convolutional = Workload(
    name: "conv",
    summary: "64×64×3, five stride-2 convolutions each way, latent 128, Gaussian, batch 64",
    size: WorkloadSize(batch: 64, side: 64), sideStep: 32,
    flops: { 6 * convolutionalMultiplyAdds(side: $0) }
  ) { size in
    let side = size.side
    let random = RandomSource(seed: 0)
    let model = Model(
      encoder: ConvolutionalEncoder(
        height: side, width: side, inputChannels: 3, channels: channels, latent: 128,
        activation: .leakyReLU(slope: 0.01), random: random.child("encoder")),
      prior: StandardNormalPrior(units: 128),
      decoder: ConvolutionalDecoder(
        latent: 128, channels: channels.reversed(), outputShape: [side, side, 3],
        activation: .leakyReLU(slope: 0.01), random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(1), link: .tanh))
    let batch = random.stream("batch").uniform([size.batch, side, side, 3]).scaled(by: 2, shift: -1)
    return .training(model, batch: batch)
  }

  /// Multiply-adds of one example's forward pass, with 64×64 pixels:
  ///
  /// - Encoder, kernel 9: Σ (64/2ⁱ)² · 9 · cᵢ₋₁ · cᵢ, with c = 3, 32, …, 512: 0.885 + 4 · 4.719 =
  ///   19.76 million.
  /// - Dense: 4 · 512 · 256 to mean and log-variance, 128 · 2048 back: 0.786 million.
  /// - Decoder: a transposed convolution multiplies each of its input pixels by the whole kernel,
  ///   so 512→256, …, 64→32 at 2², 4², 8², 16² make 4 · 4.719 million and 32→32 at 32² makes 9.437;
  ///   the head 64² · 9 · 32 · 3 = 3.539 million.
  ///
  /// Together 52.4 million; times 64 examples, two operations, three passes: 20.1 · 10⁹.
  private static func convolutionalMultiplyAdds(side: Int) -> Int {
    var total = 0
    var inputs = 3
    for (level, outputs) in channels.enumerated() {
      let size = (side / 2) >> level
      total += size * size * 9 * inputs * outputs
      inputs = outputs
    }
    let coarsest = (side / 32) * (side / 32)
    total += coarsest * 512 * 2 * 128 + 128 * coarsest * 512
    let down = Array(channels.reversed())
    for (level, outputs) in (down.dropFirst() + [32]).enumerated() {
      let size = (side / 32) << level
      total += size * size * 9 * down[level] * outputs
    }
    return total + side * side * 9 * 32 * 3
  }
}
