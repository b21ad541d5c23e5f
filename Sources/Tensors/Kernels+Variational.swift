import CVectorKernels

/// Kernels of the terms of a variational objective. `samples` leads the shape of what was drawn
/// several times an example; the other arrays hold one row an example.
extension Kernels {
  static func reparameterize(
    mean: Tensor, logVariance: Tensor, noise: Tensor, samples: Int
  ) -> Tensor {
    let z = Tensor(uninitialized: noise.shape)
    vk_reparameterize(
      mean.pointer, logVariance.pointer, noise.pointer, z.pointer, samples, mean.count)
    return z
  }

  static func reparameterizeBackward(
    logVariance: Tensor, noise: Tensor, gradient: Tensor, samples: Int
  ) -> (mean: Tensor, logVariance: Tensor) {
    let dmean = Tensor(uninitialized: logVariance.shape)
    let dlogVariance = Tensor(uninitialized: logVariance.shape)
    vk_reparameterize_backward(
      logVariance.pointer, noise.pointer, gradient.pointer, dmean.pointer, dlogVariance.pointer,
      samples, logVariance.count)
    return (dmean, dlogVariance)
  }

  static func gaussianKLStandard(mean: Tensor, logVariance: Tensor, rows: Int) -> Tensor {
    let output = Tensor(uninitialized: [rows])
    vk_gaussian_kl_standard(
      mean.pointer, logVariance.pointer, output.pointer, rows, mean.count / max(1, rows))
    return output
  }

  static func gaussianKLStandardBackward(
    mean: Tensor, logVariance: Tensor, gradient: Tensor
  ) -> (mean: Tensor, logVariance: Tensor) {
    let dmean = Tensor(uninitialized: mean.shape)
    let dlogVariance = Tensor(uninitialized: mean.shape)
    vk_gaussian_kl_standard_backward(
      mean.pointer, logVariance.pointer, gradient.pointer, dmean.pointer, dlogVariance.pointer,
      gradient.count, mean.count / max(1, gradient.count))
    return (dmean, dlogVariance)
  }

  static func gaussianKL(
    mean: Tensor, logVariance: Tensor, priorMean: Tensor, priorLogVariance: Tensor, rows: Int
  ) -> Tensor {
    let output = Tensor(uninitialized: [rows])
    vk_gaussian_kl(
      mean.pointer, logVariance.pointer, priorMean.pointer, priorLogVariance.pointer,
      output.pointer, rows, mean.count / max(1, rows))
    return output
  }

  static func gaussianKLBackward(
    mean: Tensor, logVariance: Tensor, priorMean: Tensor, priorLogVariance: Tensor, gradient: Tensor
  ) -> [Tensor] {
    let outputs = (0..<4).map { _ in Tensor(uninitialized: mean.shape) }
    vk_gaussian_kl_backward(
      mean.pointer, logVariance.pointer, priorMean.pointer, priorLogVariance.pointer,
      gradient.pointer, outputs[0].pointer, outputs[1].pointer, outputs[2].pointer,
      outputs[3].pointer, gradient.count, mean.count / max(1, gradient.count))
    return outputs
  }

  /// The sizes that a density over sampled rows works on.
  struct SampledRows {
    let samples: Int
    let rows: Int
    let columns: Int
  }

  static func gaussianLogDensity(
    _ x: Tensor, mean: Tensor, logVariance: Tensor, sizes: SampledRows
  ) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    let single = sizes.rows * sizes.columns
    vk_gaussian_log_density(
      x.pointer, leading(x, single), mean.pointer, leading(mean, single), logVariance.pointer,
      leading(logVariance, single), output.pointer, sizes.samples, sizes.rows, sizes.columns)
    return output
  }

  static func gaussianLogDensityBackward(
    _ x: Tensor, mean: Tensor, logVariance: Tensor, gradient: Tensor, sizes: SampledRows,
    wants: (x: Bool, mean: Bool, logVariance: Bool)
  ) -> [Tensor?] {
    let single = sizes.rows * sizes.columns
    let dx = wants.x ? Tensor(uninitialized: x.shape) : nil
    let dmean = wants.mean ? Tensor(uninitialized: mean.shape) : nil
    let dlogVariance = wants.logVariance ? Tensor(uninitialized: logVariance.shape) : nil
    vk_gaussian_log_density_backward(
      x.pointer, leading(x, single), mean.pointer, leading(mean, single), logVariance.pointer,
      leading(logVariance, single), gradient.pointer, dx?.pointer, dmean?.pointer,
      dlogVariance?.pointer, sizes.samples, sizes.rows, sizes.columns)
    return [dx, dmean, dlogVariance]
  }

  static func bernoulliLogDensity(_ x: Tensor, logits: Tensor, sizes: SampledRows) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    vk_bernoulli_log_density(
      x.pointer, logits.pointer, output.pointer, sizes.samples, sizes.rows, sizes.columns)
    return output
  }

  static func bernoulliLogDensityBackward(
    _ x: Tensor, logits: Tensor, gradient: Tensor, sizes: SampledRows
  ) -> Tensor {
    let dlogits = Tensor(uninitialized: logits.shape)
    vk_bernoulli_log_density_backward(
      x.pointer, logits.pointer, gradient.pointer, dlogits.pointer, sizes.samples, sizes.rows,
      sizes.columns)
    return dlogits
  }

  static func squaredError(_ x: Tensor, mean: Tensor, sizes: SampledRows) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    vk_squared_error(
      x.pointer, mean.pointer, output.pointer, sizes.samples, sizes.rows, sizes.columns)
    return output
  }

  static func squaredErrorBackward(
    _ x: Tensor, mean: Tensor, gradient: Tensor, sizes: SampledRows, wantsInput: Bool
  ) -> (input: Tensor?, mean: Tensor) {
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dmean = Tensor(uninitialized: mean.shape)
    vk_squared_error_backward(
      x.pointer, mean.pointer, gradient.pointer, dx?.pointer, dmean.pointer, sizes.samples,
      sizes.rows, sizes.columns)
    return (dx, dmean)
  }

  /// How many samples lead a tensor whose single draw has `single` elements.
  private static func leading(_ tensor: Tensor, _ single: Int) -> Int {
    single == 0 ? 1 : tensor.count / single
  }
}
