/// The operations of a variational objective, each one pass forwards and one backwards. Rows are
/// examples: `[N, …]` stands for N examples whose other axes are summed over. What was drawn
/// several times an example has `K · N` rows, sample by sample, and the results have them too.
extension Tensor {
  /// A reparameterised draw from a diagonal Gaussian: mean + e^(logVariance / 2) · noise (Kingma &
  /// Welling 2014, section 2.4), with gradients for mean and log-variance.
  ///
  /// ```swift
  /// let noise = random.stream("posterior").normal([0, 1], shape: [20])
  /// let z = Tensor.reparameterized(mean: mean, logVariance: logVariance, noise: noise)
  /// ```
  ///
  /// - Parameters:
  ///   - mean: `[N, …]`.
  ///   - logVariance: of the same shape.
  ///   - noise: standard normal numbers `[K · N, …]`, a constant.
  /// - Returns: `[K · N, …]`.
  public static func reparameterized(mean: Tensor, logVariance: Tensor, noise: Tensor) -> Tensor {
    let samples = sampleCount(noise, over: mean, "noise")
    ensure(
      mean.shape == logVariance.shape, "shapes \(mean.shape) and \(logVariance.shape) differ")
    let output = Kernels.reparameterize(
      mean: mean, logVariance: logVariance, noise: noise, samples: samples)
    let scale = logVariance.detached()
    return .recorded(output, from: [mean, logVariance]) { gradient in
      let (dmean, dlogVariance) = Kernels.reparameterizeBackward(
        logVariance: scale, noise: noise, gradient: gradient, samples: samples)
      return [dmean, dlogVariance]
    }
  }

  /// KL(N(mean, e^logVariance) ‖ N(0, 1)) in nats, summed over the elements of an example: Σ ½ (mean² +
  /// e^logVariance − 1 − logVariance) (Kingma & Welling 2014, appendix B).
  ///
  /// - Parameters:
  ///   - mean: `[N, …]`.
  ///   - logVariance: of the same shape.
  /// - Returns: `[N]`.
  public static func gaussianDivergence(mean: Tensor, logVariance: Tensor) -> Tensor {
    ensure(
      mean.rank >= 1 && mean.shape == logVariance.shape,
      "shapes \(mean.shape) and \(logVariance.shape) differ")
    let output = Kernels.gaussianKLStandard(
      mean: mean, logVariance: logVariance, rows: mean.shape[0])
    let (m, v) = (mean.detached(), logVariance.detached())
    return .recorded(output, from: [mean, logVariance]) { gradient in
      let (dmean, dlogVariance) = Kernels.gaussianKLStandardBackward(
        mean: m, logVariance: v, gradient: gradient)
      return [dmean, dlogVariance]
    }
  }

  /// KL(N(mean, e^logVariance) ‖ N(priorMean, e^priorLogVariance)) in nats, `[N]`.
  ///
  /// Σ ½ (priorLogVariance − logVariance + (e^logVariance + (mean − priorMean)²) /
  /// e^priorLogVariance − 1).
  public static func gaussianDivergence(
    mean: Tensor, logVariance: Tensor, priorMean: Tensor, priorLogVariance: Tensor
  ) -> Tensor {
    ensure(
      mean.rank >= 1 && mean.shape == logVariance.shape && mean.shape == priorMean.shape
        && mean.shape == priorLogVariance.shape,
      "shapes \(mean.shape), \(logVariance.shape), \(priorMean.shape) and \(priorLogVariance.shape) differ"
    )
    let output = Kernels.gaussianKL(
      mean: mean, logVariance: logVariance, priorMean: priorMean,
      priorLogVariance: priorLogVariance, rows: mean.shape[0])
    let (m, v) = (mean.detached(), logVariance.detached())
    let (pm, pv) = (priorMean.detached(), priorLogVariance.detached())
    return .recorded(output, from: [mean, logVariance, priorMean, priorLogVariance]) { gradient in
      Kernels.gaussianKLBackward(
        mean: m, logVariance: v, priorMean: pm, priorLogVariance: pv, gradient: gradient)
    }
  }

  /// log N(x; mean, e^logVariance) in nats, summed over the elements of an example, with −½ log 2π for
  /// each of them.
  ///
  /// - Parameters:
  ///   - x: the points.
  ///   - mean: of the Gaussian.
  ///   - logVariance: of the Gaussian. Each of the three has `N` rows, or `K · N` where it was drawn.
  /// - Returns: as many numbers as the largest of the three has rows.
  public static func gaussianLogDensity(_ x: Tensor, mean: Tensor, logVariance: Tensor) -> Tensor {
    let rows = min(x.shape[0], mean.shape[0], logVariance.shape[0])
    let most = max(x.shape[0], mean.shape[0], logVariance.shape[0])
    for part in [x, mean, logVariance] {
      ensure(
        part.shape.removing(axis: 0).count == x.shape.removing(axis: 0).count
          && (part.shape[0] == rows || part.shape[0] == most) && (rows == 0 || most % rows == 0),
        "shapes \(x.shape), \(mean.shape) and \(logVariance.shape) do not fit one density")
    }
    let sizes = Kernels.SampledRows(
      samples: rows == 0 ? 1 : most / rows, rows: rows, columns: x.shape.removing(axis: 0).count)
    let output = Kernels.gaussianLogDensity(x, mean: mean, logVariance: logVariance, sizes: sizes)
    let (value, m, v) = (x.detached(), mean.detached(), logVariance.detached())
    let wants = (x.isTracked, mean.isTracked, logVariance.isTracked)
    return .recorded(output, from: [x, mean, logVariance]) { gradient in
      Kernels.gaussianLogDensityBackward(
        value, mean: m, logVariance: v, gradient: gradient, sizes: sizes, wants: wants)
    }
  }

  /// log Bernoulli(x; sigmoid(logits)) in nats, summed over an example's elements: Σ x · logit −
  /// softplus(logit).
  ///
  /// - Parameters:
  ///   - x: `[N, …]`, a constant in 0…1; for zeros and ones this is a probability.
  ///   - logits: `[K · N, …]`, of which row k · N + n belongs to example n.
  /// - Returns: `[K · N]`.
  public static func bernoulliLogDensity(_ x: Tensor, logits: Tensor) -> Tensor {
    let sizes = sampledRows(logits, over: x, "logits")
    let output = Kernels.bernoulliLogDensity(x, logits: logits, sizes: sizes)
    let (value, l) = (x.detached(), logits.detached())
    return .recorded(output, from: [logits]) { gradient in
      [Kernels.bernoulliLogDensityBackward(value, logits: l, gradient: gradient, sizes: sizes)]
    }
  }

  /// Σ (x − mean)² over the elements of an example.
  ///
  /// - Parameters:
  ///   - x: `[N, …]`.
  ///   - mean: `[K · N, …]`, of which row k · N + n belongs to example n.
  /// - Returns: `[K · N]`.
  public static func squaredError(_ x: Tensor, mean: Tensor) -> Tensor {
    let sizes = sampledRows(mean, over: x, "means")
    let output = Kernels.squaredError(x, mean: mean, sizes: sizes)
    let (value, m) = (x.detached(), mean.detached())
    let wantsInput = x.isTracked
    return .recorded(output, from: [x, mean]) { gradient in
      let (dx, dmean) = Kernels.squaredErrorBackward(
        value, mean: m, gradient: gradient, sizes: sizes, wantsInput: wantsInput)
      return [dx, dmean]
    }
  }

  private static func sampleCount(_ sampled: Tensor, over single: Tensor, _ name: String) -> Int {
    let fits =
      sampled.rank >= 1 && single.rank >= 1
      && sampled.shape.removing(axis: 0).count == single.shape.removing(axis: 0).count
      && (single.shape[0] == 0 ? sampled.shape[0] == 0 : sampled.shape[0] % single.shape[0] == 0)
    ensure(fits, "\(name) of shape \(sampled.shape) are no samples over \(single.shape)")
    return single.shape[0] == 0 ? 1 : sampled.shape[0] / single.shape[0]
  }

  private static func sampledRows(
    _ sampled: Tensor, over single: Tensor, _ name: String
  ) -> Kernels.SampledRows {
    Kernels.SampledRows(
      samples: sampleCount(sampled, over: single, name), rows: single.shape[0],
      columns: single.shape.removing(axis: 0).count)
  }
}
