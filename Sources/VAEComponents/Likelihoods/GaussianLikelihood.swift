import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Independent Gaussian elements around the decoder's output:
/// log p = −½ (D log 2πσ² + Σ (x − mean)² / σ²) in nats, with D elements an example. The columns of a table
/// have one σ each, log p = −½ Σ (log 2πσ² + (x − mean)² / σ²).
public final class GaussianLikelihood: Likelihood {
  /// Where σ comes from.
  public enum Deviation: Hashable, Sendable {
    /// A number.
    case fixed(Float)
    /// One trained number for all elements, which begins at the deviation of the data; log σ is kept
    /// above −6 softly (Rybkin et al. 2021, section 4).
    case learnt
    /// The maximum-likelihood value of each training batch, σ² = mean (x − mean)² (Rybkin et al.
    /// 2021, equation 6). Evaluation uses the value of a calibration pass over training data, never
    /// that of the data it evaluates.
    case optimal
    /// That of the data: σ² is the variance of all elements of the first training batches, about
    /// 2,000 examples, around their common mean, as VQ-VAE's authors scale the reconstruction error
    /// (van den Oord et al. 2017, in their published code). One before training.
    case data
  }

  /// How the decoder's output becomes the mean.
  public enum Link: String, Sendable, CaseIterable {
    /// As it is.
    case identity
    /// sigmoid, for data in 0…1.
    case sigmoid
    /// tanh, for data in −1…1.
    case tanh
  }

  /// Where σ comes from.
  public let deviation: Deviation
  /// How the decoder's output becomes the mean.
  public let link: Link
  /// The number of elements, where each has a σ of its own; nil for one σ.
  public let columns: Int?
  private let rawLogDeviation: Parameter?
  private let variance: Buffer?

  /// A Gaussian likelihood.
  ///
  /// - Parameters:
  ///   - deviation: where σ comes from.
  ///   - link: how the decoder's output becomes the mean.
  ///   - columns: the number of elements of an example, for a σ of each; nil for one of all.
  public init(_ deviation: Deviation, link: Link = .identity, columns: Int? = nil) {
    self.deviation = deviation
    self.link = link
    self.columns = columns
    let shape: Shape = columns.map { [$0] } ?? []
    rawLogDeviation =
      deviation == .learnt ? Parameter(shape, isDecayed: false) { .zeros(shape) } : nil
    let count = columns ?? 1
    variance =
      deviation == .optimal || deviation == .data ? Buffer([count]) { .ones([count]) } : nil
  }

  /// log σ where it is trained, σ² where it is calibrated or that of the data.
  public var members: Members {
    var members: Members = [:]
    if let rawLogDeviation {
      members.entries.append((name: "log_deviation", member: .parameter(rawLogDeviation)))
    }
    if let variance { members.entries.append((name: "variance", member: .buffer(variance))) }
    return members
  }

  /// A mean for each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels }
  /// It is.
  public var factorizes: Bool { true }
  /// A density over real numbers.
  public var isDiscrete: Bool { false }

  /// −½ (D log 2πσ² + Σ (x − mean)² / σ²) in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    if columns != nil { return logDensityOfColumns(x, parameters: parameters, known: nil, context) }
    let error = Tensor.squaredError(x, mean: mean(parameters))
    let elements = Float(x.shape.removingFirst.count)
    let logVariance = logVariance(error: error, elements: elements, context)
    // (error / σ² + D log 2πσ²) · −½
    let scaled = error * (-logVariance).exp() + logVariance * elements
    return (scaled + elements * log(2 * Float.pi)) * -0.5
  }

  /// The same of some elements, whose σ is their column's where each has its own.
  public func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    guard columns != nil else {
      return pricedOneByOne(x, parameters: parameters, ofElements: chosen, context)
    }
    return logDensityOfColumns(x, parameters: parameters, known: chosen, context)
  }

  /// −½ Σ (log 2πσ² + (x − mean)² / σ²) over the known columns, each with its own σ.
  private func logDensityOfColumns(
    _ x: Tensor, parameters: Tensor, known: Tensor?, _ context: Context
  ) -> Tensor {
    let draws = parameters.shape[0] / x.shape[0]
    let weights = known?.flattened().tiled(draws)
    var errors = (x.tiled(draws) - mean(parameters)).flattened().squared()
    if let weights { errors = errors * weights }
    let logVariance = logVariances(errors, weights, context)
    let terms = errors * (-logVariance).exp() + logVariance + log(2 * Float.pi)
    return (weights.map { terms * $0 } ?? terms).sum(axis: 1) * -0.5
  }

  /// log σ² of each column, `[columns]`, or a scalar.
  ///
  /// - Parameters:
  ///   - errors: (x − mean)² of each row, zero where one is not known.
  ///   - weights: ones where they are known, else zeros; nil where all are.
  private func logVariances(
    _ errors: Tensor, _ weights: Tensor?, _ context: Context
  ) -> Tensor {
    switch deviation {
    case .fixed(let sigma): return Tensor(2 * log(sigma))
    case .learnt: return softLogDeviation * 2
    case .data: return (variance?.value ?? .ones([1])).log()
    case .optimal:
      if context.mode == .evaluation { return (variance?.value ?? .ones([1])).log() }
      let mean =
        weights.map { errors.sum(axis: 0) / Tensor.maximum($0.sum(axis: 0), Tensor(1)) }
        ?? errors.mean(axis: 0)
      if context.mode == .calibration {
        context.calibration?.add(
          ChannelMoments(mean: mean, variance: .zeros(mean.shape)), count: errors.shape[0],
          for: self)
      }
      return (mean + Self.smallestVariance).log()
    }
  }

  /// log σ², a scalar or `[1]`.
  private func logVariance(error: Tensor, elements: Float, _ context: Context) -> Tensor {
    switch deviation {
    case .fixed(let sigma): return Tensor(2 * log(sigma))
    case .learnt: return softLogDeviation * 2
    case .data: return (variance?.value ?? .ones([1])).log()
    case .optimal:
      if context.mode == .evaluation { return (variance?.value ?? .ones([1])).log() }
      let mean = (error.mean() / elements).reshaped(to: [1])
      if context.mode == .calibration {
        context.calibration?.add(
          ChannelMoments(mean: mean, variance: .zeros([1])), count: error.count * Int(elements),
          for: self)
      }
      // A perfect reconstruction would make the density infinite.
      return (mean + Self.smallestVariance).log()
    }
  }

  /// −6 + softplus(raw + 6): unbounded above, never below −6.
  private var softLogDeviation: Tensor {
    ((rawLogDeviation?.tensor ?? .zeros([])) + 6).softplus() - 6
  }

  /// e⁻¹², σ at the soft bound of the learnt one.
  private static let smallestVariance: Float = 6.144212e-6

  /// σ as evaluation uses it; of several columns the root of their mean σ².
  public var currentDeviation: Float {
    let squares = withoutTape { currentDeviations.squared().floats }
    return (squares.reduce(0, +) / Float(max(1, squares.count))).squareRoot()
  }

  /// σ as evaluation uses it, a scalar or of each column.
  private var currentDeviations: Tensor {
    switch deviation {
    case .fixed(let sigma): Tensor(sigma)
    case .learnt: withoutTape { softLogDeviation.exp() }
    case .optimal, .data: withoutTape { (variance?.value ?? .ones([1])).squareRoot() }
    }
  }

  /// Takes the variance of the data where it is that of the likelihood, or where a learnt one begins:
  /// from one a trained number would need thousands of updates to get there.
  public func prepare(firstBatches: [Tensor], context: Context) {
    guard deviation == .data || deviation == .learnt else { return }
    if let columns { return prepare(columns, firstBatches, context) }
    let known = context.known(firstBatches)
    let elements = Double(max(1, known.reduce(0) { $0 + $1.count }))
    let mean = known.reduce(0) { $0 + $1.doubleSum } / elements
    let squares = known.reduce(0) { $0 + ($1 - Float(mean)).doubleSumOfSquares }
    let found = max(
      Self.smallestVariance, min(Float(squares / elements), .greatestFiniteMagnitude))
    variance?.value = Tensor([found])
    rawLogDeviation?.value = Tensor(Self.raw(ofLogDeviation: log(found) / 2))
  }

  /// The same for each column.
  private func prepare(_ columns: Int, _ firstBatches: [Tensor], _ context: Context) {
    let mean = context.meanOfKnown(firstBatches).reshaped(to: [1, columns])
    let all = Tensor.concatenated(firstBatches, axis: 0).flattened()
    let mask = context.mask?.values.flattened() ?? .ones(all.shape)
    let squares = ((all - mean).squared() * mask).sum(axis: 0)
    let found = (squares / Tensor.maximum(mask.sum(axis: 0), Tensor(1))).floats
      .map { max(Self.smallestVariance, min($0, .greatestFiniteMagnitude)) }
    variance?.value = Tensor(found)
    rawLogDeviation?.value = Tensor(found.map { Self.raw(ofLogDeviation: log($0) / 2) })
  }

  /// The inverse of the soft bound. At the bound itself it has none, and a little above is taken.
  private static func raw(ofLogDeviation value: Float) -> Float {
    let aboveBound = max(value + 6, 1e-3)
    // Softplus is the identity to rounding up there.
    return (aboveBound > 20 ? aboveBound : log(expm1(aboveBound))) - 6
  }

  /// The optimal σ for evaluation comes from calibration.
  public var usesCalibration: Bool { deviation == .optimal }

  /// Takes σ² of a calibration pass.
  public func recalibrate(_ calibration: Calibration) {
    guard let moments = calibration.moments(for: self) else { return }
    variance?.value = moments.mean + Self.smallestVariance
  }

  /// The mean through the inverse of the link.
  public func parameters(withMean mean: Tensor) -> Tensor? {
    switch link {
    case .identity: mean
    case .sigmoid: mean.logit()
    case .tanh: (mean * 0.5 + 0.5).logit() * 0.5
    }
  }

  /// The decoder's output through the link.
  public func mean(_ parameters: Tensor) -> Tensor {
    switch link {
    case .identity: parameters
    case .sigmoid: parameters.sigmoid()
    case .tanh: parameters.tanh()
    }
  }

  /// mean + σ · noise
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    // The σ of a column is in the noise of the column, whose elements may be drawn one by one.
    mean(parameters) + (columns == nil ? noise * currentDeviation : noise)
  }

  /// A standard normal number for each element; where each has its own σ, multiplied by it.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    let normal = context.normalNoise("likelihood", samples: 1, shape: imageShape)
    guard columns != nil else { return normal }
    let deviations = currentDeviations
    return normal * (deviations.rank == 0 ? deviations : deviations.reshaped(to: imageShape))
  }
}

extension GaussianLikelihood {
  /// The hyper-parameters of `gaussian`.
  package struct Options: HyperparameterSet {
    package enum Deviation: String, SettingChoice {
      case learnt, optimal, data
    }

    package enum Link: String, SettingChoice {
      case auto, identity, sigmoid, tanh
    }

    @Setting(
      1e-3...1e3,
      help:
        "standard deviation: a number, learnt (one trained number), optimal (analytic), or data (that of the data)"
    )
    package var sigma = NumberOrChoice<Deviation>.choice(.learnt)
    @Setting(help: "from decoder output to mean; auto is sigmoid for data in 0…1, else identity")
    package var link = Link.auto

    package init() {}
  }

  /// The likelihood that options describe, for data of a range.
  convenience init(_ options: Options, range: ValueRange, columns: Int? = nil) {
    let deviation: Deviation =
      switch options.sigma {
      case .number(let sigma): .fixed(Float(sigma))
      case .choice(.learnt): .learnt
      case .choice(.optimal): .optimal
      case .choice(.data): .data
      }
    let link: Link =
      switch options.link {
      case .auto: range == .real ? .identity : .sigmoid
      case .identity: .identity
      case .sigmoid: .sigmoid
      case .tanh: .tanh
      }
    self.init(deviation, link: link, columns: columns)
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `gaussian`.
  public static var gaussian: Component {
    Component(
      role: .likelihood, name: "gaussian", summary: "real elements around the decoder's output",
      options: GaussianLikelihood.Options()
    ) { options, build in
      GaussianLikelihood(
        options, range: build.data.range, columns: build.data.columns?.elementCount)
    }
  }
}
