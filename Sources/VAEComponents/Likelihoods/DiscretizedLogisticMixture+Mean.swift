import Glibc
import Tensors

extension DiscretizedLogisticMixture {
  /// Σ π · E[x | component], in 0…1.
  ///
  /// The outermost bins gather what lies beyond −1 and 1, so that
  ///
  ///     E[x | component] = 1 − ∫ σ((x − centre) / s) dx from −1 to 1
  ///                      = 1 − s (softplus((1 − centre) / s) − softplus((−1 − centre) / s))
  ///
  /// The grid has a sum over the bounds of bins in place of the integral, from which it differs by
  /// half a step at most. Later channels see the expectations of earlier ones.
  public func mean(_ parameters: Tensor) -> Tensor {
    let pixels = parameters.shape.dimensions.dropLast()
    let count = Shape(Array(pixels)).count
    let mixture = split(parameters.reshaped(to: [1, count, parameters.shape[-1]]))
    let each = Array(repeating: 1, count: channels)
    let means = mixture.means.split(sizes: each, axis: 2)
    let logScales = mixture.logScales.split(sizes: each, axis: 2)
    let coefficients = mixture.coefficients.map {
      $0.split(sizes: Array(repeating: 1, count: pairs), axis: 2)
    }
    var expectations: [Tensor] = []
    for (channel, mean) in means.enumerated() {
      var centre = mean
      for (earlier, known) in expectations.enumerated() {
        guard let coefficients else { continue }
        centre = centre + coefficients[channel * (channel - 1) / 2 + earlier] * known
      }
      expectations.append(Self.expectation(centre: centre, logScale: logScales[channel]))
    }
    let weights = mixture.logits.softmax().reshaped(to: [1, count, 1, components])
    return (Tensor.concatenated(expectations, axis: 2) * weights).sum(axis: 3)
      .scaled(by: 0.5, shift: 0.5).reshaped(to: Shape(pixels + [channels]))
  }

  /// Components of equal weight with centres evenly spread, as far as the nearer end of the range,
  /// and scales that leave the far end likely enough for a start: two values at the ends with the
  /// mean m lie (1 − m²) from it on average. Means are first kept between 0.001 and 0.999.
  public func parameters(withMean mean: Tensor) -> Tensor? {
    withoutTape {
      let (pixels, count) = (mean.shape.dimensions.dropLast(), mean.count / max(1, channels))
      let target = mean.clamped(to: 0.001...0.999).scaled(by: 2, shift: -1)
        .reshaped(to: [count, channels, 1])
      let logScale = ((1 - target.squared()) * 0.5).clamped(to: 0.05...1).log()
      let places = Tensor(
        (0..<components).map { Float(2 * $0 + 1) / Float(components) - 1 },
        shape: [1, 1, components])
      let spread = places * (1 - target.magnitude())
      // The mean rises with the middle of the centres, which steps of half the size find.
      var middle = Tensor.zeros(target.shape)
      for step in 0..<30 {
        let found =
          Self.expectation(centre: middle + spread, logScale: logScale)
          .sum(axis: 2, keepingAxis: true) / Float(components)
        let isTooLow = (target - found).isAbove(0)
        middle = middle + isTooLow.scaled(by: 2, shift: -1) * exp2(-Float(step))
      }
      let start = [
        Tensor.zeros([count, components]),
        (middle + spread).reshaped(to: [count, channels * components]),
        logScale.broadcast(to: spread.shape).reshaped(to: [count, channels * components]),
        Tensor.zeros([count, pairs * components]),
      ]
      return .concatenated(start.filter { $0.shape[1] > 0 }, axis: 1)
        .reshaped(to: Shape(pixels + [parametersPerPixel(channels: channels)]))
    }
  }

  /// E[x | component] of every element.
  private static func expectation(centre: Tensor, logScale: Tensor) -> Tensor {
    // At large scales the two terms would cancel. There only the ratio of centre and scale matters,
    // which a smaller scale can have as well: from 16 on, means change by less than 1/1000.
    let kept = logScale.clamped(to: smallestLogScale...log(16))
    // Centres beyond 500 leave nothing but an end at these scales, and there, too, the terms would
    // cancel.
    let moved = (centre * (kept - logScale).exp()).clamped(to: -500...500)
    let scale = kept.exp()
    let cumulative = ((1 - moved) / scale).softplus() - ((-1 - moved) / scale).softplus()
    return 1 - cumulative * scale
  }
}
