import CVectorKernels

/// Kernels of batch, group and layer normalisation, each with the activation after it.
extension Kernels {
  /// Mean and variance of each column, `[columns]` each, of `x` `[…, columns]`.
  static func columnMoments(_ x: Tensor) -> (mean: Tensor, variance: Tensor) {
    let columns = x.shape[-1]
    let mean = Tensor(uninitialized: [columns])
    let variance = Tensor(uninitialized: [columns])
    Profiler.measure("column moments", [x, mean, variance]) {
      vk_column_moments(
        x.pointer, mean.writePointer, variance.writePointer, rows(of: x, columns: columns), columns)
    }
    return (mean, variance)
  }

  /// function((x − mean) · inverseDeviation · scale + shift) for `x` `[…, columns]`; the others
  /// are `[columns]`.
  static func normalizeColumns(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor
  ) -> Tensor {
    let columns = x.shape[-1]
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("normalize columns", [x, mean, inverseDeviation, scale, shift, y]) {
      function.withParameters {
        vk_normalize_columns(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, y.writePointer, rows(of: x, columns: columns), columns)
      }
    }
    return y
  }

  /// The gradients of `x` and of scale and shift, shapes as forwards; `gradient` has that of `x`.
  /// With `batchStatistics`, mean and deviation count as functions of `x`.
  static func normalizeColumnsBackward(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor, gradient: Tensor, wantsInput: Bool, batchStatistics: Bool
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    let columns = x.shape[-1]
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dscale = Tensor(uninitialized: [columns])
    let dshift = Tensor(uninitialized: [columns])
    Profiler.measure(
      "normalize columns backward",
      [x, mean, inverseDeviation, scale, shift, gradient, dx, dscale, dshift]
    ) {
      function.withParameters {
        vk_normalize_columns_backward(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, gradient.pointer, dx?.writePointer, dscale.writePointer,
          dshift.writePointer,
          rows(of: x, columns: columns), columns, batchStatistics ? 1 : 0)
      }
    }
    return (dx, dscale, dshift)
  }

  /// The gradient of `x` where the moments depend on more than `x`: `sums` are those of the gradients of scale and shift
  /// that count for as many rows as `x` has.
  static func normalizeColumnsInputGradient(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor, gradient: Tensor, sums: (scale: Tensor, shift: Tensor)
  ) -> Tensor {
    let columns = x.shape[-1]
    let dx = Tensor(uninitialized: x.shape)
    Profiler.measure(
      "normalize columns input gradient", [x, mean, inverseDeviation, scale, shift, gradient, dx]
    ) {
      function.withParameters {
        vk_normalize_columns_input_gradient(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, gradient.pointer, dx.writePointer, sums.scale.pointer, sums.shift.pointer,
          rows(of: x, columns: columns), columns)
      }
    }
    return dx
  }

  /// The same over each group of `channels / groups` channels and all `spatial` positions of an
  /// example: `x` is `[batch, spatial, channels]`, scale and shift `[channels]`, the moments
  /// `[batch, groups]`. `target`, which may be `x`, takes the output; nil for fresh memory. A target of bfloat16
  /// takes the nearest of its numbers.
  static func groupNormalize(
    _ function: UnaryFunction, _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float,
    batch: Int, spatial: Int, channels: Int, groups: Int, into target: Tensor? = nil
  ) -> (output: Tensor, mean: Tensor, inverseDeviation: Tensor) {
    let mean = Tensor(uninitialized: [batch, groups])
    let inverseDeviation = Tensor(uninitialized: [batch, groups])
    let y = target ?? Tensor(uninitialized: x.shape)
    let isRounded = y.elementType == .bfloat16
    Profiler.measure("group normalize", [x, scale, shift, mean, inverseDeviation, y]) {
      function.withParameters {
        vk_group_normalize(
          function.operation, $0, x.pointer, scale.pointer, shift.pointer, epsilon,
          mean.writePointer, inverseDeviation.writePointer, isRounded ? nil : y.writePointer,
          isRounded ? y.bfloat16WritePointer : nil, batch, spatial, channels, groups)
      }
    }
    return (y, mean, inverseDeviation)
  }

  /// The moments of the groups of `x` `[batch, spatial, channels]`, `[batch, groups]` each.
  static func groupMoments(
    _ x: Tensor, epsilon: Float, batch: Int, spatial: Int, channels: Int, groups: Int
  ) -> (mean: Tensor, inverseDeviation: Tensor) {
    let mean = Tensor(uninitialized: [batch, groups])
    let inverseDeviation = Tensor(uninitialized: [batch, groups])
    Profiler.measure("group moments", [x, mean, inverseDeviation]) {
      vk_group_moments(
        x.pointer, epsilon, mean.writePointer, inverseDeviation.writePointer, batch, spatial,
        channels, groups)
    }
    return (mean, inverseDeviation)
  }

  /// Normalises rows of one example `[spatial, channels]` by the moments of the whole, `[1, groups]` each, into memory
  /// that is there. A target of bfloat16 takes the nearest of its numbers.
  static func groupApply(
    _ function: UnaryFunction, _ x: Tensor, moments: (mean: Tensor, inverseDeviation: Tensor),
    scale: Tensor, shift: Tensor, spatial: Int, channels: Int, groups: Int, into target: Tensor
  ) {
    let isRounded = target.elementType == .bfloat16
    Profiler.measure("group normalize rows", [x, scale, shift, target]) {
      function.withParameters {
        vk_group_apply(
          function.operation, $0, x.pointer, moments.mean.pointer, moments.inverseDeviation.pointer,
          scale.pointer, shift.pointer, isRounded ? nil : target.writePointer,
          isRounded ? target.bfloat16WritePointer : nil, 1, spatial, channels, groups)
      }
    }
  }

  /// The gradients of `x` and of scale and shift, shapes as forwards; `gradient` has that of `x`.
  static func groupNormalizeBackward(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor, gradient: Tensor, wantsInput: Bool, batch: Int, spatial: Int, channels: Int,
    groups: Int
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dscale = Tensor(uninitialized: [channels])
    let dshift = Tensor(uninitialized: [channels])
    Profiler.measure(
      "group normalize backward",
      [x, mean, inverseDeviation, scale, shift, gradient, dx, dscale, dshift]
    ) {
      function.withParameters {
        vk_group_normalize_backward(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, gradient.pointer, dx?.writePointer, dscale.writePointer,
          dshift.writePointer, batch,
          spatial, channels, groups)
      }
    }
    return (dx, dscale, dshift)
  }
}
