import NeuralNetworks
import Tensors
import VAEZoo

extension Workload {
  /// `vq-vae` with its defaults on 32×32×3 images, batch 32: 8×8 codes of 512 vectors of 64
  /// numbers, which learn by moving averages, Gaussian.
  static let quantized = Workload(
    name: "vqvae",
    summary: "32×32×3, 4×4 stride-2 convolutions, 8×8 codes of 512×64 with EMA, Gaussian, batch 32",
    size: WorkloadSize(batch: 32, side: 32), sideStep: 4,
    flops: { 6 * quantizedMultiplyAdds(side: $0) + 2 * codeDistances(side: $0) }
  ) { size in
    let (count, side) = (size.batch, size.side)
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: "vq-vae")
    recipe.data = DataDescription(
      height: side, width: side, channels: 3, range: .unit, rule: "bytes/255")
    try registry.apply([], to: &recipe)
    let random = RandomSource(seed: 0)
    let model = try registry.model(recipe, seed: 0)
    let batch = random.stream("batch").uniform([count, side, side, 3])
    try withoutTape {
      try model.prepare(
        firstBatches: [batch],
        context: Context(mode: .training, random: random, examples: (0..<count).map(UInt64.init)))
    }
    return .training(model, batch: batch)
  }

  /// Multiply-adds of one example's forward pass, with 32×32 pixels:
  ///
  /// - 4×4 of stride 2: 16² · 16 · 3 · 64 = 786,432 and 8² · 16 · 64 · 128 = 8,388,608.
  /// - 3×3 of 128: 64 · 9 · 128² = 9,437,184.
  /// - Each of two residual blocks: 64 · (9 · 128 · 32 + 32 · 128) = 2,621,440.
  /// - 1×1 to 64: 64 · 128 · 64 = 524,288.
  /// - Back, 3×3 from 64: 64 · 9 · 64 · 128 = 4,718,592, two blocks as above, and transposed
  ///   convolutions, which multiply each of their input pixels by the whole kernel: 64 · 16 · 128 ·
  ///   64 = 8,388,608 and 256 · 16 · 64 · 3 = 786,432.
  ///
  /// Encoder 24,379,392 and decoder 19,136,512, together 43,515,904; times 32 examples, two
  /// operations, three passes: 8.355 · 10⁹. The distances come to this once, without a backward
  /// pass: 32 · 64 · 512 · 64 · 2 = 0.134 · 10⁹. Together 8.489 · 10⁹.
  private static func quantizedMultiplyAdds(side: Int) -> Int {
    let (half, quarter) = ((side / 2) * (side / 2), (side / 4) * (side / 4))
    let convolutions = half * 16 * 3 * 64 + quarter * 16 * 64 * 128
    let blocks = 2 * quarter * (9 * 128 * 32 + 32 * 128)
    let encoder = convolutions + quarter * 9 * 128 * 128 + blocks + quarter * 128 * 64
    let decoder = quarter * 9 * 64 * 128 + blocks + convolutions
    return encoder + decoder
  }

  /// Multiply-adds of one example's distances: with 32×32 pixels 64 points, 512 codes, 64 numbers.
  private static func codeDistances(side: Int) -> Int { (side / 4) * (side / 4) * 512 * 64 }
}
