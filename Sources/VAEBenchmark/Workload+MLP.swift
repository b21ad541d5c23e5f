import NeuralNetworks
import Tensors
import VAEZoo

extension Workload {
  /// 784-400-(20)-400-784 with ReLU and a Bernoulli likelihood, batch 128.
  ///
  /// Multiply-adds an example: 784·400 + 400·(2·20) + 20·400 + 400·784 = 651,200; times 128
  /// examples, two operations, three passes: 500.1 million.
  static let mlp = Workload(
    name: "mlp", summary: "784-400-(20)-400-784, ReLU, Bernoulli, batch 128",
    size: WorkloadSize(batch: 128, side: 28),
    flops: { 6 * ($0 * $0 * 400 + 400 * 2 * 20 + 20 * 400 + 400 * $0 * $0) }
  ) { size in
    let side = size.side
    let random = RandomSource(seed: 0)
    let model = Model(
      encoder: MLPEncoder(
        inputs: side * side, hidden: [400], latent: 20, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 20),
      decoder: MLPDecoder(
        latent: 20, hidden: [400], outputShape: [side, side, 1], random: random.child("decoder")),
      likelihood: BernoulliLikelihood())
    let batch = random.stream("batch").uniform([size.batch, side, side, 1]).isAbove(0.87)
    return .training(model, batch: batch)
  }
}
