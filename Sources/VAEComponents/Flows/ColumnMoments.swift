import Tensors

/// The mean and the logarithm of the standard deviation of each column.
struct ColumnMoments {
  /// `[columns]`
  let mean: Tensor
  /// `[columns]`; a column without spread counts as one of deviation e⁻¹⁰.
  let logDeviation: Tensor

  /// Those of draws `[M, columns]`.
  init(of draws: Tensor) {
    let values = withoutTape {
      let mean = draws.mean(axis: 0)
      let variance = (draws - mean).squared().mean(axis: 0)
      return (mean, (variance + 2e-9).log() * 0.5)
    }
    (mean, logDeviation) = values
  }
}
