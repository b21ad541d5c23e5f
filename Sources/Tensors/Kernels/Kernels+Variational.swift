import CVectorKernels

/// Kernels of the terms of a variational objective. `samples` leads the shape of what was drawn
/// several times an example; the other arrays hold one row per example.
extension Kernels {
  /// mean + e^(logVariance / 2) · noise: `mean` and `logVariance` are `[n]` in one shape, `noise`
  /// and the result `[samples, n]`.
  static func reparameterize(
    mean: Tensor, logVariance: Tensor, noise: Tensor, samples: Int
  ) -> Tensor {
    let z = Tensor(uninitialized: noise.shape)
    Profiler.measure("reparameterize", [mean, logVariance, noise, z]) {
      vk_reparameterize(
        mean.pointer, logVariance.pointer, noise.pointer, z.writePointer, samples, mean.count)
    }
    return z
  }

  /// The gradients of mean and log-variance, `[n]`, from that of the draws, `[samples, n]`.
  static func reparameterizeBackward(
    logVariance: Tensor, noise: Tensor, gradient: Tensor, samples: Int
  ) -> (mean: Tensor, logVariance: Tensor) {
    let dmean = Tensor(uninitialized: logVariance.shape)
    let dlogVariance = Tensor(uninitialized: logVariance.shape)
    Profiler.measure(
      "reparameterize backward", [logVariance, noise, gradient, dmean, dlogVariance]
    ) {
      vk_reparameterize_backward(
        logVariance.pointer, noise.pointer, gradient.pointer, dmean.writePointer,
        dlogVariance.writePointer,
        samples, logVariance.count)
    }
    return (dmean, dlogVariance)
  }

  /// KL(N(mean, e^logVariance) ‖ N(0, 1)) of each row: `[rows, columns]` to `[rows]`.
  static func gaussianKLStandard(mean: Tensor, logVariance: Tensor, rows: Int) -> Tensor {
    let output = Tensor(uninitialized: [rows])
    Profiler.measure("gaussian kl standard", [mean, logVariance, output]) {
      vk_gaussian_kl_standard(
        mean.pointer, logVariance.pointer, output.writePointer, rows, mean.count / max(1, rows))
    }
    return output
  }

  /// The gradients of both, `[rows, columns]`, from that of the divergences, `[rows]`.
  static func gaussianKLStandardBackward(
    mean: Tensor, logVariance: Tensor, gradient: Tensor
  ) -> (mean: Tensor, logVariance: Tensor) {
    let dmean = Tensor(uninitialized: mean.shape)
    let dlogVariance = Tensor(uninitialized: mean.shape)
    Profiler.measure(
      "gaussian kl standard backward", [mean, logVariance, gradient, dmean, dlogVariance]
    ) {
      vk_gaussian_kl_standard_backward(
        mean.pointer, logVariance.pointer, gradient.pointer, dmean.writePointer,
        dlogVariance.writePointer,
        gradient.count, mean.count / max(1, gradient.count))
    }
    return (dmean, dlogVariance)
  }

  /// KL(N(mean, e^logVariance) ‖ N(priorMean, e^priorLogVariance)) of each row: four times
  /// `[rows, columns]` to `[rows]`.
  static func gaussianKL(
    mean: Tensor, logVariance: Tensor, priorMean: Tensor, priorLogVariance: Tensor, rows: Int
  ) -> Tensor {
    let output = Tensor(uninitialized: [rows])
    Profiler.measure("gaussian kl", [mean, logVariance, priorMean, priorLogVariance, output]) {
      vk_gaussian_kl(
        mean.pointer, logVariance.pointer, priorMean.pointer, priorLogVariance.pointer,
        output.writePointer, rows, mean.count / max(1, rows))
    }
    return output
  }

  /// The gradients of all four in their order, `[rows, columns]`, from that of the divergences,
  /// `[rows]`.
  static func gaussianKLBackward(
    mean: Tensor, logVariance: Tensor, priorMean: Tensor, priorLogVariance: Tensor, gradient: Tensor
  ) -> [Tensor] {
    let outputs = (0..<4).map { _ in Tensor(uninitialized: mean.shape) }
    Profiler.measure(
      "gaussian kl backward",
      [
        mean, logVariance, priorMean, priorLogVariance, gradient, outputs[0], outputs[1],
        outputs[2], outputs[3],
      ]
    ) {
      vk_gaussian_kl_backward(
        mean.pointer, logVariance.pointer, priorMean.pointer, priorLogVariance.pointer,
        gradient.pointer, outputs[0].writePointer, outputs[1].writePointer, outputs[2].writePointer,
        outputs[3].writePointer, gradient.count, mean.count / max(1, gradient.count))
    }
    return outputs
  }

  /// The sizes that a density over sampled rows works on.
  struct SampledRows {
    let samples: Int
    let rows: Int
    let columns: Int
  }

  /// log N(x; mean, e^logVariance) of each sampled row: each input is `[rows, columns]` or
  /// `[samples, rows, columns]`, the result `[samples · rows]`.
  static func gaussianLogDensity(
    _ x: Tensor, mean: Tensor, logVariance: Tensor, sizes: SampledRows
  ) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    let single = sizes.rows * sizes.columns
    Profiler.measure("gaussian log density", [x, mean, logVariance, output]) {
      vk_gaussian_log_density(
        x.pointer, leading(x, single), mean.pointer, leading(mean, single), logVariance.pointer,
        leading(logVariance, single), output.writePointer, sizes.samples, sizes.rows, sizes.columns)
    }
    return output
  }

  /// The gradients of those wanted, of the shapes of the inputs, from that of the densities,
  /// `[samples · rows]`. One without samples gets the sum over them.
  static func gaussianLogDensityBackward(
    _ x: Tensor, mean: Tensor, logVariance: Tensor, gradient: Tensor, sizes: SampledRows,
    wants: (x: Bool, mean: Bool, logVariance: Bool)
  ) -> [Tensor?] {
    let single = sizes.rows * sizes.columns
    let dx = wants.x ? Tensor(uninitialized: x.shape) : nil
    let dmean = wants.mean ? Tensor(uninitialized: mean.shape) : nil
    let dlogVariance = wants.logVariance ? Tensor(uninitialized: logVariance.shape) : nil
    Profiler.measure(
      "gaussian log density backward", [x, mean, logVariance, gradient, dx, dmean, dlogVariance]
    ) {
      vk_gaussian_log_density_backward(
        x.pointer, leading(x, single), mean.pointer, leading(mean, single), logVariance.pointer,
        leading(logVariance, single), gradient.pointer, dx?.writePointer, dmean?.writePointer,
        dlogVariance?.writePointer, sizes.samples, sizes.rows, sizes.columns)
    }
    return [dx, dmean, dlogVariance]
  }

  /// Σ x · logit − softplus(logit) of each sampled row: `x` is `[rows, columns]`, `logits` are
  /// `[samples, rows, columns]`, the result is `[samples · rows]`.
  static func bernoulliLogDensity(_ x: Tensor, logits: Tensor, sizes: SampledRows) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    Profiler.measure("bernoulli log density", [x, logits, output]) {
      vk_bernoulli_log_density(
        x.pointer, logits.pointer, output.writePointer, sizes.samples, sizes.rows, sizes.columns)
    }
    return output
  }

  /// The gradient of the logits, `[samples, rows, columns]`, from that of the densities,
  /// `[samples · rows]`.
  static func bernoulliLogDensityBackward(
    _ x: Tensor, logits: Tensor, gradient: Tensor, sizes: SampledRows
  ) -> Tensor {
    let dlogits = Tensor(uninitialized: logits.shape)
    Profiler.measure("bernoulli log density backward", [x, logits, gradient, dlogits]) {
      vk_bernoulli_log_density_backward(
        x.pointer, logits.pointer, gradient.pointer, dlogits.writePointer, sizes.samples,
        sizes.rows,
        sizes.columns)
    }
    return dlogits
  }

  /// Σ (x − mean)² of each sampled row: `x` is `[rows, columns]`, `mean` `[samples, rows,
  /// columns]`, the result `[samples · rows]`.
  static func squaredError(_ x: Tensor, mean: Tensor, sizes: SampledRows) -> Tensor {
    let output = Tensor(uninitialized: [sizes.samples * sizes.rows])
    Profiler.measure("squared error", [x, mean, output]) {
      vk_squared_error(
        x.pointer, mean.pointer, output.writePointer, sizes.samples, sizes.rows, sizes.columns)
    }
    return output
  }

  /// The gradients of the mean and, where wanted, of x, of the shapes of both, from that of the
  /// errors, `[samples · rows]`.
  static func squaredErrorBackward(
    _ x: Tensor, mean: Tensor, gradient: Tensor, sizes: SampledRows, wantsInput: Bool
  ) -> (input: Tensor?, mean: Tensor) {
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dmean = Tensor(uninitialized: mean.shape)
    Profiler.measure("squared error backward", [x, mean, gradient, dx, dmean]) {
      vk_squared_error_backward(
        x.pointer, mean.pointer, gradient.pointer, dx?.writePointer, dmean.writePointer,
        sizes.samples,
        sizes.rows, sizes.columns)
    }
    return (dx, dmean)
  }

  /// How many samples lead a tensor whose single draw has `single` elements.
  private static func leading(_ tensor: Tensor, _ single: Int) -> Int {
    single == 0 ? 1 : tensor.count / single
  }
}
