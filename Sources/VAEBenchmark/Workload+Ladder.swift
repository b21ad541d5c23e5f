import NeuralNetworks
import Tensors
import VAEZoo

extension Workload {
  /// The ladder of `ladder-vae`'s defaults on 784 binary pixels, batch 256: latents of 64, 32, 16,
  /// 8 and 4 units, perceptrons of two layers of 512, 256, 128, 64 and 32 up and down with batch
  /// normalisation and leaky ReLU, Bernoulli.
  static let ladder = Workload(
    name: "lvae",
    summary: "latents 64-32-16-8-4, two-layer MLPs 512-256-128-64-32, batch norm, batch 256",
    size: WorkloadSize(batch: 256, side: 28), flops: { 6 * ladderMultiplyAdds(pixels: $0 * $0) }
  ) { size in
    let side = size.side
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: "ladder-vae")
    recipe.data = DataDescription(
      height: side, width: side, channels: 1, range: .binary, rule: "binary")
    try registry.apply([], to: &recipe)
    let batch = RandomSource(seed: 0).stream("batch").uniform([size.batch, side, side, 1]).isAbove(
      0.87)
    return .training(try registry.model(recipe, seed: 0), batch: batch)
  }

  /// Multiply-adds of one example's forward pass, with widths w = 784, 512, 256, 128, 64, 32 and
  /// latents l = 64, 32, 16, 8, 4.
  ///
  /// - Up, level i: wᵢ₋₁ · wᵢ + wᵢ² + wᵢ · 2 lᵢ: 729,088 + 212,992 + 53,248 + 13,312 + 3,328 =
  ///   1,011,968.
  /// - Down to level i < 5: lᵢ₊₁ · wᵢ + wᵢ² + wᵢ · 2 lᵢ: 344,064 + 86,016 + 21,504 + 5,376 =
  ///   456,960.
  /// - Decoder: 64 · 512 + 512² + 512 · 784 = 696,320.
  ///
  /// Together 2,165,248; times 256 examples, two operations, three passes: 3.326 · 10⁹.
  private static func ladderMultiplyAdds(pixels: Int) -> Int {
    let (widths, latents) = ([512, 256, 128, 64, 32], [64, 32, 16, 8, 4])
    var total = 64 * 512 + 512 * 512 + 512 * pixels
    var inputs = pixels
    for (width, units) in zip(widths, latents) {
      total += inputs * width + width * width + width * 2 * units
      inputs = width
    }
    for level in 0..<4 {
      let width = widths[level]
      total += latents[level + 1] * width + width * width + width * 2 * latents[level]
    }
    return total
  }
}
