/// The mean and the variance of each channel, as normalisations take and give them.
public struct ChannelMoments {
  /// The mean of each channel, `[channels]`.
  public let mean: Tensor
  /// The variance of each channel with divisor N, `[channels]`.
  public let variance: Tensor

  /// Moments computed elsewhere.
  public init(mean: Tensor, variance: Tensor) {
    (self.mean, self.variance) = (mean, variance)
  }
}

extension Tensor {
  /// The mean and variance over everything but the last axis, constants.
  public func channelMoments() -> ChannelMoments {
    let (mean, variance) = Kernels.columnMoments(self)
    return ChannelMoments(mean: mean, variance: variance)
  }

  /// Batch normalisation, then an activation (Ioffe & Szegedy 2015): activation((x − mean) /
  /// √(variance + ε) · scale + shift) for each channel of the last axis.
  ///
  /// - Parameters:
  ///   - scale: `[channels]`.
  ///   - shift: `[channels]`.
  ///   - moments: the means and variances to normalise by, constants, as in evaluation; nil for those
  ///     of this batch, through which gradients flow.
  ///   - epsilon: ε.
  ///   - activation: of the normalised values.
  /// - Returns: the output, of this shape, and the moments that were used.
  public func batchNormalized(
    scale: Tensor, shift: Tensor, moments: ChannelMoments? = nil, epsilon: Float = 1e-5,
    activation: Activation = .identity
  ) -> (output: Tensor, moments: ChannelMoments) {
    if let moments {
      ensure(
        moments.mean.shape == [shape[-1]] && moments.variance.shape == [shape[-1]],
        "moments of shapes \(moments.mean.shape) and \(moments.variance.shape) do not fit the "
          + "channels of \(shape)")
    }
    let used = moments ?? channelMoments()
    let columns = ColumnNormalization(
      self, by: used, scale: scale, shift: shift, epsilon: epsilon, activation)
    let wantsInput = isTracked
    let result = Tensor.recorded(columns.output(), from: [self, scale, shift]) { gradient in
      let (dx, dscale, dshift) = columns.backward(
        gradient, wantsInput: wantsInput, batchStatistics: moments == nil)
      return [dx, dscale, dshift]
    }
    return (result, used)
  }

  /// Batch normalisation of a part of a batch by the moments of the whole, then an activation.
  ///
  /// The loss of the batch is the sum of the parts' losses, each weighed by the part's share of the rows, and gradients
  /// are those of the part's own loss, as if it were weighed afterwards.
  ///
  /// - Parameters:
  ///   - scale: `[channels]`.
  ///   - shift: `[channels]`.
  ///   - epsilon: added to each variance.
  ///   - activation: of the normalised values.
  ///   - moments: makes the moments of the batch from those of this part.
  ///   - weightedSum: adds up tensors `[channels]` of all parts, each weighed by the part's share of the rows.
  /// - Returns: the output, of this shape.
  package func batchNormalized(
    scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation,
    moments: (ChannelMoments) -> ChannelMoments, weightedSum: @escaping (Tensor) -> Tensor
  ) -> Tensor {
    let columns = ColumnNormalization(
      self, by: withoutTape { moments(channelMoments()) }, scale: scale, shift: shift,
      epsilon: epsilon, activation)
    let wantsInput = isTracked
    let channels = shape[-1]
    return .recorded(columns.output(), from: [self, scale, shift]) { gradient in
      let (_, dscale, dshift) = columns.backward(
        gradient, wantsInput: false, batchStatistics: false)
      guard wantsInput else { return [nil, dscale, dshift] }
      let sums = withoutTape { weightedSum(.concatenated([dscale, dshift], axis: 0)) }
      let dx = columns.inputGradient(
        gradient, sums: (sums.rows(0..<channels), sums.rows(channels..<2 * channels)))
      return [dx, dscale, dshift]
    }
  }

  /// Group normalisation, then an activation (Wu & He 2018, equations 1 to 7): the channels of an
  /// example are normalised in groups, over all of its pixels.
  ///
  /// - Parameters:
  ///   - groups: a divisor of the number of channels; neighbouring channels are together.
  ///   - scale: `[channels]`.
  ///   - shift: `[channels]`.
  ///   - epsilon: added to each variance.
  ///   - activation: of the normalised values.
  /// - Returns: a tensor of this shape, `[batch, …, channels]`.
  public func groupNormalized(
    groups: Int, scale: Tensor, shift: Tensor, epsilon: Float = 1e-5,
    activation: Activation = .identity
  ) -> Tensor {
    checkGroups(groups, scale: scale, shift: shift)
    return normalizedInGroups(
      batch: shape[0], spatial: shape.count(1..<rank - 1), groups: groups, scale: scale,
      shift: shift, epsilon: epsilon, activation: activation)
  }

  func checkGroups(_ groups: Int, scale: Tensor, shift: Tensor) {
    ensure(
      rank >= 2 && groups > 0 && shape[-1] % groups == 0 && scale.shape == [shape[-1]]
        && shift.shape == [shape[-1]],
      "\(groups) groups with scale \(scale.shape) do not fit the channels of \(shape)")
  }

  /// Layer normalisation over the last axis, then an activation (Ba et al. 2016, section 3).
  ///
  /// - Parameters:
  ///   - scale: `[features]`.
  ///   - shift: `[features]`.
  ///   - epsilon: added to each variance.
  ///   - activation: of the normalised values.
  /// - Returns: a tensor of this shape, `[…, features]`.
  public func layerNormalized(
    scale: Tensor, shift: Tensor, epsilon: Float = 1e-5, activation: Activation = .identity
  ) -> Tensor {
    ensure(
      rank >= 1 && scale.shape == [shape[-1]] && shift.shape == [shape[-1]],
      "scale \(scale.shape) and shift \(shift.shape) do not fit the last axis of \(shape)")
    return normalizedInGroups(
      batch: shape.count(0..<rank - 1), spatial: 1, groups: 1, scale: scale, shift: shift,
      epsilon: epsilon, activation: activation)
  }

  private func normalizedInGroups(
    batch: Int, spatial: Int, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float,
    activation: Activation
  ) -> Tensor {
    let function = activation.function
    let channels = shape[-1]
    let (output, mean, inverseDeviation) = Kernels.groupNormalize(
      function, self, scale: scale, shift: shift, epsilon: epsilon, batch: batch,
      spatial: spatial, channels: channels, groups: groups)
    let (x, a, b) = (detached(), scale.detached(), shift.detached())
    let wantsInput = isTracked
    return .recorded(output, from: [self, scale, shift]) { gradient in
      let (dx, dscale, dshift) = Kernels.groupNormalizeBackward(
        function, x, mean: mean, inverseDeviation: inverseDeviation, scale: a, shift: b,
        gradient: gradient, wantsInput: wantsInput, batch: batch, spatial: spatial,
        channels: channels, groups: groups)
      return [dx, dscale, dshift]
    }
  }
}

/// The channels of a tensor, each normalised by moments of its own, with the activation after it.
private struct ColumnNormalization {
  private let x: Tensor
  private let mean: Tensor
  private let inverseDeviation: Tensor
  private let scale: Tensor
  private let shift: Tensor
  private let function: UnaryFunction

  init(
    _ x: Tensor, by moments: ChannelMoments, scale: Tensor, shift: Tensor, epsilon: Float,
    _ activation: Activation
  ) {
    ensure(
      x.rank >= 2 && scale.shape == [x.shape[-1]] && shift.shape == [x.shape[-1]],
      "scale \(scale.shape) and shift \(shift.shape) do not fit the channels of \(x.shape)")
    self.x = x.detached()
    mean = moments.mean
    inverseDeviation = withoutTape { (moments.variance + epsilon).squareRoot().reciprocal() }
    self.scale = scale.detached()
    self.shift = shift.detached()
    function = activation.function
  }

  func output() -> Tensor {
    Kernels.normalizeColumns(
      function, x, mean: mean, inverseDeviation: inverseDeviation, scale: scale, shift: shift)
  }

  func backward(
    _ gradient: Tensor, wantsInput: Bool, batchStatistics: Bool
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    Kernels.normalizeColumnsBackward(
      function, x, mean: mean, inverseDeviation: inverseDeviation, scale: scale, shift: shift,
      gradient: gradient, wantsInput: wantsInput, batchStatistics: batchStatistics)
  }

  func inputGradient(_ gradient: Tensor, sums: (scale: Tensor, shift: Tensor)) -> Tensor {
    Kernels.normalizeColumnsInputGradient(
      function, x, mean: mean, inverseDeviation: inverseDeviation, scale: scale, shift: shift,
      gradient: gradient, sums: sums)
  }
}
