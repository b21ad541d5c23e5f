import Tensors

/// Batch normalisation with an activation in the same pass (Ioffe & Szegedy 2015, algorithm 1), for
/// `[…, channels]`.
///
/// In training a batch is normalised by its own mean and variance. In evaluation the stored
/// statistics serve, which are not running averages: a calibration pass at each epoch's end
/// computes them over a fixed part of the training data with the weights of that moment (Sønderby
/// et al. 2016 found this necessary for deep ladders). No forward pass changes them.
public final class BatchNorm: Layer {
  /// The factor of each channel, first one.
  public let scale: Parameter
  /// The offset of each channel, first zero.
  public let shift: Parameter
  /// The mean of each channel for evaluation.
  public let mean: Buffer
  /// The variance of each channel for evaluation.
  public let variance: Buffer
  /// What follows.
  public let activation: Activation
  /// Added to the variance.
  public let epsilon: Float

  /// A normalisation with factors one and offsets zero.
  ///
  /// - Parameters:
  ///   - channels: the size of the last axis.
  ///   - activation: of the normalised values.
  ///   - epsilon: added to each variance.
  public init(channels: Int, activation: Activation = .identity, epsilon: Float = 1e-5) {
    scale = Parameter([channels], isDecayed: false) { .ones([channels]) }
    shift = Parameter([channels], isDecayed: false) { .zeros([channels]) }
    mean = Buffer([channels]) { .zeros([channels]) }
    variance = Buffer([channels]) { .ones([channels]) }
    self.activation = activation
    self.epsilon = epsilon
  }

  /// Scale, shift and the statistics for evaluation.
  public var members: Members {
    [
      "scale": .parameter(scale), "shift": .parameter(shift), "mean": .buffer(mean),
      "variance": .buffer(variance),
    ]
  }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(scale.shape[0], with: scale.shape[0])
  }

  /// The normalised input, of its shape.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    if let shard = context.shard, context.mode == .training {
      return normalized(input, over: shard)
    }
    let stored =
      context.mode == .evaluation ? ChannelMoments(mean: mean.value, variance: variance.value) : nil
    let (output, moments) = input.batchNormalized(
      scale: scale.tensor, shift: shift.tensor, moments: stored, epsilon: epsilon,
      activation: activation)
    if context.mode == .calibration {
      context.calibration?.add(moments, count: input.shape[0], for: self)
      context.calibration?.note(normalized: input.count / max(1, scale.shape.count))
    }
    return output
  }

  /// A part of a batch, normalised by the moments of the whole.
  private func normalized(_ input: Tensor, over shard: Shard) -> Tensor {
    let channels = scale.shape[0]
    return input.batchNormalized(
      scale: scale.tensor, shift: shift.tensor, epsilon: epsilon, activation: activation,
      moments: { own in
        let parts = shard.terms(.concatenated([own.mean, own.variance], axis: 0))
        let means = parts.map { $0.rows(0..<channels) }
        let mean = shard.weightedSum(of: means)
        // The variance within the parts, and that between their means.
        let variance = shard.weightedSum(
          of: zip(parts, means).map { part, own in
            part.rows(channels..<2 * channels) + (own - mean).squared()
          })
        return ChannelMoments(mean: mean, variance: variance)
      },
      weightedSum: { shard.weightedSum($0) })
  }

  /// Statistics for evaluation come from calibration.
  public var usesCalibration: Bool { true }

  /// Takes the statistics of a calibration pass.
  public func recalibrate(_ calibration: Calibration) {
    guard let moments = calibration.moments(for: self) else { return }
    mean.value = moments.mean
    variance.value = moments.variance
  }
}

/// Group normalisation with an activation in the same pass (Wu & He 2018), for `[batch, …, channels]`:
/// each example by itself, so that training and evaluation compute the same.
public final class GroupNorm: Layer {
  /// The factor of each channel, first one.
  public let scale: Parameter
  /// The offset of each channel, first zero.
  public let shift: Parameter
  /// The number of groups, a divisor of the channels.
  public let groups: Int
  /// What follows.
  public let activation: Activation
  /// Added to the variance.
  public let epsilon: Float

  /// A normalisation of channels in groups, with factors one and offsets zero.
  ///
  /// - Parameters:
  ///   - channels: the size of the last axis.
  ///   - groups: a divisor of the channels.
  ///   - activation: of the normalised values.
  ///   - epsilon: added to each variance.
  public init(channels: Int, groups: Int, activation: Activation = .identity, epsilon: Float = 1e-5)
  {
    ensure(
      groups > 0 && channels % groups == 0, "\(groups) groups do not divide \(channels) channels")
    scale = Parameter([channels], isDecayed: false) { .ones([channels]) }
    shift = Parameter([channels], isDecayed: false) { .zeros([channels]) }
    self.groups = groups
    self.activation = activation
    self.epsilon = epsilon
  }

  /// Scale and shift.
  public var members: Members {
    ["scale": .parameter(scale), "shift": .parameter(shift)]
  }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(scale.shape[0], with: scale.shape[0])
  }

  /// The normalised input, of its shape.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.groupNormalized(
      groups: groups, scale: scale.tensor, shift: shift.tensor, epsilon: epsilon,
      activation: activation)
  }

  /// Over the memory of the input where no tape records.
  public func apply(to map: inout Tensor, _ context: Context) {
    map.normalizeInGroups(
      groups, scale: scale.tensor, shift: shift.tensor, epsilon: epsilon, activation: activation)
  }

  /// What a convolution then makes of the normalised map, rounded in the same pass where it takes rounded numbers.
  func apply(to map: inout Tensor, before convolution: Conv2D, _ context: Context) {
    map.normalizeInGroups(
      groups, scale: scale.tensor, shift: shift.tensor, epsilon: epsilon, activation: activation,
      precision: convolution.precision(of: map))
    convolution.apply(to: &map, context)
  }

  /// The same for a large map, of which a band at a time is normalised; nil where the two are to follow one another.
  func banded(before convolution: Conv2D, of map: Tensor) -> NormalizedConvolution? {
    guard convolution.stride == 1, convolution.activation == .identity else { return nil }
    return NormalizedConvolution(
      of: map, groups: groups, scale: scale.tensor, shift: shift.tensor, epsilon: epsilon,
      activation: activation, weights: convolution.weightsInUse, bias: convolution.bias?.tensor,
      padding: convolution.padding)
  }

  /// It does.
  public var worksInPlace: Bool { true }
}

/// Layer normalisation over the last axis with an activation in the same pass (Ba et al. 2016), for
/// `[…, features]`: each position by itself, so that training and evaluation compute the same.
public final class LayerNorm: Layer {
  /// The factor of each feature, first one.
  public let scale: Parameter
  /// The offset of each feature, first zero.
  public let shift: Parameter
  /// What follows.
  public let activation: Activation
  /// Added to the variance.
  public let epsilon: Float

  /// A normalisation of the last axis, with factors one and offsets zero.
  ///
  /// - Parameters:
  ///   - features: the size of the last axis.
  ///   - activation: of the normalised values.
  ///   - epsilon: added to each variance.
  public init(features: Int, activation: Activation = .identity, epsilon: Float = 1e-5) {
    scale = Parameter([features], isDecayed: false) { .ones([features]) }
    shift = Parameter([features], isDecayed: false) { .zeros([features]) }
    self.activation = activation
    self.epsilon = epsilon
  }

  /// Scale and shift.
  public var members: Members {
    ["scale": .parameter(scale), "shift": .parameter(shift)]
  }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(scale.shape[0], with: scale.shape[0])
  }

  /// The normalised input, of its shape.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.layerNormalized(
      scale: scale.tensor, shift: shift.tensor, epsilon: epsilon, activation: activation)
  }
}
