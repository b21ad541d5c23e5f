import Glibc
import NeuralNetworks
import Tensors
import VAECore

/// The standard deviation of a likelihood's noise while it is trained and used: what of it checkpoints keep, and what each
/// mode makes of it.
struct NoiseDeviationState {
  let source: NoiseDeviation
  /// The number of elements, where each has a deviation of its own; nil for one of all.
  let columns: Int?
  private let rawLogDeviation: Parameter?
  private let variance: Buffer?

  /// Of a likelihood that has not been trained.
  init(_ source: NoiseDeviation, columns: Int? = nil) {
    (self.source, self.columns) = (source, columns)
    let shape: Shape = columns.map { [$0] } ?? []
    let count = columns ?? 1
    rawLogDeviation = source == .learnt ? Parameter(shape, isDecayed: false) { .zeros(shape) } : nil
    variance = source == .optimal || source == .data ? Buffer([count]) { .ones([count]) } : nil
  }

  /// log σ where it is trained, σ² where it is calibrated or that of the data.
  var members: Members {
    var members: Members = [:]
    if let rawLogDeviation {
      members.entries.append((name: "log_deviation", member: .parameter(rawLogDeviation)))
    }
    if let variance { members.entries.append((name: "variance", member: .buffer(variance))) }
    return members
  }

  /// log σ², a scalar or `[1]`.
  ///
  /// - Parameters:
  ///   - error: the sum of squared errors of each row, `[rows]`, weighed as the density weighs them: of a batch in
  ///     training it makes the optimal deviation.
  ///   - elements: of a row.
  ///   - likelihood: whose deviation it is, for calibration.
  ///   - context: why the call is made.
  func logVariance(
    error: @autoclosure () -> Tensor, elements: Float, of likelihood: any Likelihood,
    _ context: Context
  ) -> Tensor {
    logVariance(context) {
      let error = error()
      let mean = (context.batchMean(error) / elements).reshaped(to: [1])
      if context.mode == .calibration {
        context.calibration?.add(
          ChannelMoments(mean: mean, variance: .zeros([1])), count: error.count * Int(elements),
          for: likelihood)
      }
      return mean
    }
  }

  /// log σ² of each column, `[columns]`, or a scalar.
  ///
  /// - Parameters:
  ///   - errors: the squared error of each element, `[rows, columns]`, zero where one is not known.
  ///   - weights: ones where they are known, else zeros; nil where all are.
  ///   - likelihood: whose deviations they are, for calibration.
  ///   - context: why the call is made.
  func logVariances(
    _ errors: Tensor, _ weights: Tensor?, of likelihood: any Likelihood, _ context: Context
  ) -> Tensor {
    logVariance(context) {
      let error = context.batchMeanOfRows(errors)
      let share = weights.map { context.batchMeanOfRows($0) }
      if context.mode == .calibration {
        // A batch in which a column is missing says nothing of it: both means go over all rows, and the one is
        // divided by the other at the end.
        let both = Tensor.concatenated([error, share ?? .ones(error.shape)], axis: 0)
        context.calibration?.add(
          ChannelMoments(mean: both, variance: .zeros(both.shape)), count: errors.shape[0],
          for: likelihood)
      }
      guard let share else { return error }
      let rows = context.shard?.exampleCount ?? errors.shape[0]
      return error / Tensor.maximum(share, Tensor(1 / Float(max(1, rows))))
    }
  }

  /// log σ² where it is a number of its own, or that of an optimal σ² for the rows at hand.
  private func logVariance(_ context: Context, optimal: () -> Tensor) -> Tensor {
    switch source {
    case .fixed(let sigma): return Tensor(2 * log(sigma))
    case .learnt: return softLogDeviation * 2
    case .data: return (variance?.value ?? .ones([1])).log()
    case .optimal:
      if context.mode == .evaluation { return (variance?.value ?? .ones([1])).log() }
      // A perfect reconstruction would make the density infinite.
      return (optimal() + Self.smallestVariance).log()
    }
  }

  /// −6 + softplus(raw + 6): unbounded above, never below −6.
  private var softLogDeviation: Tensor {
    ((rawLogDeviation?.tensor ?? .zeros([])) + 6).softplus() - 6
  }

  /// e⁻¹², σ at the soft bound of the learnt one.
  private static let smallestVariance: Float = 6.144212e-6

  /// σ as evaluation uses it; of several columns the root of their mean σ².
  var current: Float {
    let squares = withoutTape { deviations.squared().floats }
    guard squares.count > 1 else { return deviations.item }
    return (squares.reduce(0, +) / Float(squares.count)).squareRoot()
  }

  /// σ as evaluation uses it, a scalar, `[1]`, or of each column.
  var deviations: Tensor {
    switch source {
    case .fixed(let sigma): Tensor(sigma)
    case .learnt: withoutTape { softLogDeviation.exp() }
    case .optimal, .data: withoutTape { (variance?.value ?? .ones([1])).squareRoot() }
    }
  }

  /// Takes the variance of the data where it is that of the likelihood, or where a learnt one begins:
  /// from one a trained number would need thousands of updates to get there.
  func prepare(firstBatches: [Tensor], context: Context) {
    guard source == .data || source == .learnt else { return }
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

  /// Whether evaluation waits for a calibration pass.
  var usesCalibration: Bool { source == .optimal }

  /// Takes σ² of a calibration pass.
  func recalibrate(_ calibration: Calibration, of likelihood: any Likelihood) {
    guard let moments = calibration.moments(for: likelihood) else { return }
    guard let columns else {
      variance?.value = moments.mean + Self.smallestVariance
      return
    }
    let parts = moments.mean.split(sizes: [columns, columns])
    // A column of which nothing was known keeps the least share that counts.
    variance?.value = parts[0] / Tensor.maximum(parts[1], Tensor(1e-9)) + Self.smallestVariance
  }
}
