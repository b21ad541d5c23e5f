import VAERecipes

/// Where the standard deviation σ of a likelihood's noise comes from, one number for all elements.
public enum NoiseDeviation: Hashable, Sendable {
  /// A number.
  case fixed(Float)
  /// One trained number for all elements, which begins at the deviation of the data; log σ is kept
  /// above −6 softly (Rybkin et al. 2021, section 4).
  case learnt
  /// The maximum-likelihood value of each training batch, for a Gaussian σ² = mean (x − mean)² (Rybkin et al.
  /// 2021, equation 6). Evaluation uses the value of a calibration pass over training data, never
  /// that of the data it evaluates.
  case optimal
  /// That of the data: σ² is the variance of all elements of the first training batches, about
  /// 2,000 examples, around their common mean, as VQ-VAE's authors scale the reconstruction error
  /// (van den Oord et al. 2017, in their published code). One before training.
  case data
}

extension NoiseDeviation {
  /// The deviation of a recipe.
  init(_ sigma: NumberOrChoice<GaussianNoiseOptions.Deviation>) {
    self =
      switch sigma {
      case .number(let sigma): .fixed(Float(sigma))
      case .choice(.learnt): .learnt
      case .choice(.optimal): .optimal
      case .choice(.data): .data
      }
  }

  /// The deviation of a recipe whose noise is not Gaussian.
  init(_ sigma: NumberOrChoice<LocationOptions.Deviation>) {
    self =
      switch sigma {
      case .number(let sigma): .fixed(Float(sigma))
      case .choice(.learnt): .learnt
      case .choice(.data): .data
      }
  }
}

/// The hyper-parameters of likelihoods with Gaussian noise around the decoder's output.
package struct GaussianNoiseOptions: HyperparameterSet {
  package enum Deviation: String, SettingChoice {
    case learnt, optimal, data
  }

  @Setting(
    1e-3...1e3,
    help:
      "standard deviation: a number, learnt (one trained number), optimal (analytic), or data (that of the data)"
  )
  package var sigma = NumberOrChoice<Deviation>.choice(.learnt)
  @Setting(help: "from decoder output to mean; auto is sigmoid for data in 0…1, else identity")
  package var link = MeanLink.Choice.auto

  package init() {}
}

/// The hyper-parameters of likelihoods with noise of another shape around the decoder's output.
struct LocationOptions: HyperparameterSet {
  enum Deviation: String, SettingChoice {
    case learnt, data
  }

  @Setting(
    1e-3...1e3,
    help: "standard deviation: a number, learnt (one trained number), or data (that of the data)")
  var sigma = NumberOrChoice<Deviation>.choice(.learnt)
  @Setting(help: "from decoder output to mean; auto is sigmoid for data in 0…1, else identity")
  var link = MeanLink.Choice.auto
}
