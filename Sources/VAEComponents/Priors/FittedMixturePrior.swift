import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A mixture of Gaussians with full covariance matrices over one layer of units, fitted to draws of the
/// posteriors by expectation maximisation (Ghosh et al. 2020, "From Variational to Deterministic
/// Autoencoders", section 4, there of means).
///
/// Draws, not means, are fitted: the aggregate posterior is wider than its means by what the encoder does
/// not know. Until it is fitted the components lie around N(0, I), and it can be trained by gradients
/// like any prior.
public final class FittedMixturePrior: DensityPrior, FittedPrior {
  /// Log-weights up to a constant, `[C]`.
  public let logits: Parameter
  /// The means, `[C, units]`.
  public let means: Parameter
  /// The natural logarithms of the diagonals of the covariances' Cholesky factors, `[C, units]`.
  public let logScales: Parameter
  /// These factors below their diagonals, `[C, units, units]`; what stands elsewhere does not count.
  public let factors: Parameter
  /// How often the posterior of each example is drawn from for the fit.
  public let drawsPerExample: Int

  private let choosesCount: Bool
  private let options: ExpectationMaximization.Options
  private let below: Constant
  private let diagonal: Constant

  /// Components at most, where held-out draws choose their number.
  public static let largestChoice = 100
  /// Draws that numbers of components are tried with, at most, and the share of them that is held out.
  private static let triedDraws = 20_000
  private static let heldOutShare = 10
  /// The log-weight of a component that is not used.
  private static let unused: Float = -1e9

  /// A mixture that is to be fitted.
  ///
  /// - Parameters:
  ///   - units: of the latents.
  ///   - components: Gaussians that are mixed; zero for the number, up to `largestChoice`, under which
  ///     held-out draws are most likely.
  ///   - draws: of the posterior of each example.
  ///   - ridge: what is added to the variances.
  ///   - iterations: steps of the fit at most.
  ///   - random: where the first means come from.
  public init(
    units: Int, components: Int, draws: Int = 1, ridge: Double = 1e-6, iterations: Int = 200,
    random: RandomSource
  ) {
    ensure(
      units > 0 && components >= 0 && draws > 0,
      "\(components) components of \(units) units, fitted to \(draws) draws, are no mixture")
    choosesCount = components == 0
    drawsPerExample = draws
    options = {
      var options = ExpectationMaximization.Options()
      (options.ridge, options.iterations) = (ridge, iterations)
      return options
    }()
    let count = choosesCount ? Self.largestChoice : components
    logits = Parameter([count], isDecayed: false) { .zeros([count]) }
    // Equal ones would have equal gradients, and never part.
    means = Parameter([count, units], isDecayed: false) {
      random.stream("means").normal([count, units]).scaled(by: 0.1, shift: 0)
    }
    logScales = Parameter([count, units], isDecayed: false) { .zeros([count, units]) }
    factors = Parameter([count, units, units], isDecayed: false) { .zeros([count, units, units]) }
    func mask(_ holds: @escaping (_ row: Int, _ column: Int) -> Bool) -> Constant {
      Constant {
        Tensor([1, units, units]) { elements in
          for place in elements.indices {
            elements[place] = holds(place / units, place % units) ? 1 : 0
          }
        }
      }
    }
    (below, diagonal) = (mask { $0 > $1 }, mask { $0 == $1 })
  }

  /// Weights, means and factors.
  public var members: Members {
    [
      "logits": .parameter(logits), "means": .parameter(means),
      "log_scales": .parameter(logScales), "factors": .parameter(factors),
    ]
  }

  /// One layer.
  public var latents: LatentSpace { .units(means.shape[1]) }

  /// The mixture of the components that are used, for each of the context's examples. Logarithms of scales
  /// are limited to ±10, as those of posteriors are.
  public func distribution(_ context: Context) -> any Distribution {
    let (count, units) = (means.shape[0], means.shape[1])
    let scales = logScales.tensor.clamped(to: -10...10).exp().reshaped(to: [count, units, 1])
    let all = factors.tensor * below.value + scales * diagonal.value
    let used = logits.value.floats.enumerated().filter { $0.element > Self.unused / 2 }
      .map { Int32($0.offset) }
    guard used.count < count, !used.isEmpty else {
      return FullGaussianMixture(
        exampleCount: context.examples.count, logits: logits.tensor, means: means.tensor,
        factors: all)
    }
    let chosen = Tensor(indices: used)
    return FullGaussianMixture(
      exampleCount: context.examples.count,
      logits: logits.tensor.reshaped(to: [count, 1]).gathering(chosen)
        .reshaped(to: [used.count]),
      means: means.tensor.gathering(chosen),
      factors: all.reshaped(to: [count, units * units]).gathering(chosen)
        .reshaped(to: [used.count, units, units]))
  }

  // MARK: The fit

  /// Refuses more components than some examples support.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func check(examples: Int) throws {
    let (count, units) = (means.shape[0], means.shape[1])
    let supported = Self.supportedComponents(examples: examples, units: units)
    guard choosesCount || count <= supported else {
      throw RecipeError(
        .unsuitableData,
        "\(Count.of(examples, "example")) support \(Count.of(supported, "component")) of \(units) units, not \(count); "
          + "choose a smaller \(.setting("prior.components"))")
    }
  }

  /// Fits the mixture; see `ExpectationMaximization`.
  ///
  /// - Throws: `RecipeError` where there are too few examples for so many components; what `proceed`
  ///   throws.
  public func fit(
    to latents: LatentSample, continuing: Bool, random: RandomSource, proceed: () throws -> Void
  ) throws -> PriorFit {
    let draws = latents.draws
    guard draws.isFinite else {
      throw RecipeError(
        .unsuitableData, "the draws of the posteriors hold values that are not finite")
    }
    try check(examples: latents.exampleCount)
    try Memory.require(
      bytes: ExpectationMaximization.bytes(components: means.shape[0], units: means.shape[1]),
      for: "a fit of \(Count.of(means.shape[0], "component")) of \(means.shape[1]) units")
    var chosen: String?
    let start: ExpectationMaximization.Mixture?
    if continuing {
      start = mixture
    } else {
      var count = means.shape[0]
      if choosesCount {
        count = try bestCount(latents, random, proceed)
        chosen = ", a number chosen by held-out draws"
      }
      start = try ExpectationMaximization.start(
        draws, components: count, ridge: options.ridge,
        random: random.stream("mixture seeds"), proceed: proceed)
    }
    guard let start else {
      throw RecipeError(
        .unsuitableData,
        "the draws of the posteriors have no spread, so that no Gaussian has a density; choose a larger "
          + "\(.setting("prior.ridge"))")
    }
    let fit = try ExpectationMaximization(draws, from: start, options, proceed: proceed)
    set(fit.mixture)
    let (first, last) = (fit.logLikelihoods[0], fit.logLikelihoods[fit.logLikelihoods.count - 1])
    let steps = fit.logLikelihoods.count - 1
    let isOpen = steps == options.iterations
    return PriorFit(
      meanLogDensity: last,
      terms: [
        ("components", Double(fit.mixture.weights.count)), ("fit_steps", Double(steps)),
      ],
      notice:
        "the mixture has \(Count.of(fit.mixture.weights.count, "component"))\(chosen ?? ""); \(Count.of(steps, "step")) "
        + "of EM took the log-density of \(Count.of(draws.shape[0], "draw")) from \(Self.short(first)) to \(Self.short(last)) nats"
        + (isOpen
          ? ", and more would raise it further: choose a larger \(.setting("prior.iterations"))"
          : "")
    )
  }

  private static func short(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

  /// Components that some examples support: each needs more of them than there are units, or its
  /// covariance is that of the ridge.
  static func supportedComponents(examples: Int, units: Int) -> Int {
    max(1, examples / (units + 1))
  }

  /// The number of components under which held-out draws are most likely. Numbers are tried upwards until
  /// one is worse than the one before.
  private func bestCount(
    _ latents: LatentSample, _ random: RandomSource, _ proceed: () throws -> Void
  ) throws -> Int {
    let limit = Self.supportedComponents(
      examples: latents.exampleCount, units: latents.draws.shape[1])
    // All draws of an example are on one side.
    let rows = (0..<latents.draws.shape[0]).prefix(Self.triedDraws)
    func part(_ isHeldOut: Bool) -> Tensor {
      latents.draws.gathering(
        Tensor(
          indices: rows.filter {
            ($0 % latents.exampleCount % Self.heldOutShare == Self.heldOutShare - 1) == isHeldOut
          }.map(Int32.init)))
    }
    let (own, held) = (part(false), part(true))
    guard held.shape[0] > 0 else { return 1 }
    var best = (count: 1, value: -Double.infinity)
    for count in [1, 2, 5, 10, 20, 50, 100] where count == 1 || count <= limit {
      guard
        let start = try ExpectationMaximization.start(
          own, components: count, ridge: options.ridge,
          random: random.stream("mixture seeds of \(count)"), proceed: proceed)
      else { break }
      let fit = try ExpectationMaximization(own, from: start, options, proceed: proceed)
      let value = ExpectationMaximization.meanLogDensity(held, under: fit.mixture)
      guard value > best.value else { break }
      best = (count, value)
    }
    return best.count
  }

  /// The parameters as the fit takes them.
  var mixture: ExpectationMaximization.Mixture {
    let units = means.shape[1]
    let logits = logits.value.floats
    let used = logits.indices.filter { logits[$0] > Self.unused / 2 }
    let (centres, scales, lower) = (
      means.value.floats, logScales.value.floats, factors.value.floats
    )
    let top = used.map { Double(logits[$0]) }.max() ?? 0
    let weights = used.map { Glibc.exp(Double(logits[$0]) - top) }
    let total = weights.reduce(0, +)
    return ExpectationMaximization.Mixture(
      weights: weights.map { $0 / total },
      means: used.map { component in (0..<units).map { Double(centres[component * units + $0]) } },
      factors: used.map { component in
        DoubleMatrix(rows: units, columns: units) { row, column in
          if row == column { return Glibc.exp(Double(scales[component * units + row])) }
          return row > column ? Double(lower[(component * units + row) * units + column]) : 0
        }
      })
  }

  /// Takes up the parameters of a fit; components beyond its own are not used.
  func set(_ mixture: ExpectationMaximization.Mixture) {
    let (count, units, used) = (means.shape[0], means.shape[1], mixture.weights.count)
    var (weights, centres) = (
      [Float](repeating: Self.unused, count: count), [Float](repeating: 0, count: count * units)
    )
    var (scales, lower) = (centres, [Float](repeating: 0, count: count * units * units))
    for component in 0..<used {
      weights[component] = Float(Glibc.log(mixture.weights[component]))
      for row in 0..<units {
        centres[component * units + row] = Float(mixture.means[component][row])
        scales[component * units + row] = Float(
          Glibc.log(mixture.factors[component][row, row]))
        for column in 0..<row {
          lower[(component * units + row) * units + column] = Float(
            mixture.factors[component][row, column])
        }
      }
    }
    logits.value = Tensor(weights)
    means.value = Tensor(centres, shape: means.shape)
    logScales.value = Tensor(scales, shape: means.shape)
    factors.value = Tensor(lower, shape: factors.shape)
  }
}

extension FittedMixturePrior {
  /// A mixture by its hyper-parameters.
  convenience init(_ options: Options, random: RandomSource) {
    self.init(
      units: options.units.latent, components: options.components, draws: options.draws,
      ridge: options.ridge, iterations: options.iterations, random: random)
  }

  /// The hyper-parameters.
  struct Options: HyperparameterSet {
    var units = LatentUnits()
    @Setting(
      0...4096,
      help: "Gaussians that are mixed; 0: the number, up to 100, that held-out draws choose")
    var components = 0
    @Setting(1...1000, help: "draws of each example's posterior that the fit sees") var draws = 1
    @Setting(1e-8...1, help: "what the fit adds to variances") var ridge = 1e-6
    @Setting(1...100_000, help: "steps of the fit at most") var iterations = 200
  }
}

extension Component where Part == any Prior {
  /// The recipe component `fitted-mixture`.
  public static var fittedMixture: Component {
    Component(
      role: .prior, name: "fitted-mixture",
      summary: "a mixture of Gaussians with full covariances, fitted to draws of the posteriors",
      options: FittedMixturePrior.Options()
    ) { options, build in
      FittedMixturePrior(options, random: build.random)
    }
  }
}
