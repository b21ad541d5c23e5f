import Tensors

/// The law by which gradients become changes of parameters. Weight decay spares the parameters that are not
/// `isDecayed`.
public enum UpdateRule: Hashable, Sendable {
  /// Adam (Kingma & Ba 2015, algorithm 1): with bias-corrected moments m̂ and v̂, p ← p − rate · m̂
  /// / (√v̂ + ε). Weight decay is added to the gradient (L2).
  case adam(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0)
  /// AdamW (Loshchilov & Hutter 2019): Adam, with p ← p − rate · decay · p apart from the gradient.
  case adamW(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01)
  /// Gradient descent with momentum: m ← momentum · m + g, p ← p − rate · m; with Nesterov's
  /// look-ahead p ← p − rate · (g + momentum · m) (Sutskever et al. 2013).
  case sgd(momentum: Float = 0, isNesterov: Bool = false, weightDecay: Float = 0)
}

/// Updates a set of parameters from their gradients, all in one pass over memory.
///
/// ```swift
/// let optimizer = Optimizer(.adam(), parameters: network.parameters)
/// for step in 0..<100 {
///   let context = Context(mode: .training, step: step, random: random, examples: [0, 1, 2, 3])
///   let loss = (network(x, context) - y).squared().mean()
///   try optimizer.update(loss.backward(), rate: 1e-3)
///   network.afterUpdate(context)
/// }
/// ```
///
/// A parameter without a gradient stays as it is, and so does one that is frozen. Moments are made at a
/// parameter's first gradient.
public final class Optimizer {
  /// The law in force.
  public let rule: UpdateRule
  /// The parameters, with the paths that name their state in checkpoints.
  public let parameters: [(path: String, parameter: Parameter)]
  /// The number of updates made.
  public private(set) var updates = 0

  private var first: [Tensor?]
  private var second: [Tensor?]
  /// The updates that each parameter had no part in.
  private var missed: [Int]

  /// An optimizer for the given parameters; state exists from a parameter's first gradient on.
  ///
  /// - Parameters:
  ///   - rule: the law of the updates.
  ///   - parameters: those of a module, or some of them, with their paths.
  public init(_ rule: UpdateRule, parameters: [(path: String, parameter: Parameter)]) {
    self.rule = rule
    self.parameters = parameters
    first = Array(repeating: nil, count: parameters.count)
    second = Array(repeating: nil, count: parameters.count)
    missed = Array(repeating: 0, count: parameters.count)
  }

  /// Changes every parameter that has a gradient. Bias corrections count the updates that a parameter itself has taken
  /// part in: the moments of one that joins late, as where a network grows, are as young as at the first step t of the
  /// paper, and the count of all updates would make its first steps several times too long.
  ///
  /// - Parameters:
  ///   - gradients: of one backward pass.
  ///   - rate: the learning rate of this update.
  ///   - gradientScale: a factor for all gradients, as from clipping.
  /// - Throws: `MemoryError` where there is none for the moments; nothing is changed then.
  public func update(_ gradients: Gradients, rate: Float, gradientScale: Float = 1)
    throws(MemoryError)
  {
    try prepareMoments(for: gradients)
    updates += 1
    // By the updates that their parameters have taken part in; most often all are of one age.
    var entries: [Int: [FusedUpdate.Entry]] = [:]
    for (index, (_, parameter)) in parameters.enumerated() {
      guard parameter.isTrainable, let gradient = gradients[parameter] else {
        missed[index] += 1
        continue
      }
      entries[updates - missed[index], default: []].append(
        FusedUpdate.Entry(
          parameter, gradient: gradient, first: first[index], second: second[index],
          weightDecay: parameter.isDecayed ? weightDecay : 0))
    }
    for (age, entries) in entries.sorted(by: { $0.key < $1.key }) {
      apply(FusedUpdate(entries), age: age, rate: rate, gradientScale: gradientScale)
    }
  }

  /// Makes the moments that an update needs and that are not there yet.
  private func prepareMoments(for gradients: Gradients) throws(MemoryError) {
    var (newFirst, newSecond) = (first, second)
    for (index, (_, parameter)) in parameters.enumerated()
    where parameter.isTrainable && gradients[parameter] != nil {
      if needsFirst && first[index] == nil { newFirst[index] = .zeros(parameter.shape) }
      if needsSecond && second[index] == nil { newSecond[index] = .zeros(parameter.shape) }
    }
    try Memory.check()
    (first, second) = (newFirst, newSecond)
  }

  private func apply(_ update: FusedUpdate, age: Int, rate: Float, gradientScale: Float) {
    func adam(_ beta1: Float, _ beta2: Float, _ epsilon: Float, decoupled: Bool) {
      update.adam(
        rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
        bias1: Self.bias(beta1, age), bias2: Self.bias(beta2, age),
        gradientScale: gradientScale, decoupledDecay: decoupled)
    }
    switch rule {
    case .adam(let beta1, let beta2, let epsilon, _):
      adam(beta1, beta2, epsilon, decoupled: false)
    case .adamW(let beta1, let beta2, let epsilon, _):
      adam(beta1, beta2, epsilon, decoupled: true)
    case .sgd(let momentum, let isNesterov, _):
      update.sgd(
        rate: rate, momentum: momentum, isNesterov: isNesterov, gradientScale: gradientScale)
    }
  }

  /// 1 − betaⁿ, in double precision: beta2 = 0.999 loses three digits in single precision at the
  /// first step.
  private static func bias(_ beta: Float, _ updates: Int) -> Float {
    var power = 1.0
    var factor = Double(beta)
    var remaining = updates
    while remaining > 0 {
      if remaining & 1 == 1 { power *= factor }
      factor *= factor
      remaining >>= 1
    }
    return Float(1 - power)
  }

  private var weightDecay: Float {
    switch rule {
    case .adam(_, _, _, let decay), .adamW(_, _, _, let decay), .sgd(_, _, let decay): decay
    }
  }

  private var needsFirst: Bool {
    if case .sgd(let momentum, _, _) = rule { momentum != 0 } else { true }
  }

  private var needsSecond: Bool {
    if case .sgd = rule { false } else { true }
  }
}

// MARK: - State for checkpoints

extension Optimizer {
  /// The moments by name, `first.<path>` and `second.<path>`, and for a parameter that has missed updates their number,
  /// `missed.<path>`.
  public var state: [(name: String, values: Tensor)] {
    var state: [(name: String, values: Tensor)] = []
    for (index, (path, _)) in parameters.enumerated() {
      if let values = first[index] { state.append((name: "first.\(path)", values: values)) }
      if let values = second[index] { state.append((name: "second.\(path)", values: values)) }
      // Without moments it has missed all.
      if second[index] != nil, missed[index] > 0 {
        state.append((name: "missed.\(path)", values: Tensor(Float(missed[index]))))
      }
    }
    return state
  }

  /// Takes up the state of another optimizer of the same parameters.
  ///
  /// - Parameters:
  ///   - updates: the number of updates it had made.
  ///   - tensor: gives the values by name, nil where there are none; shapes have been checked.
  public func restore(updates: Int, tensor: (_ name: String, _ shape: Shape) throws -> Tensor?)
    rethrows
  {
    self.updates = updates
    for (index, (path, parameter)) in parameters.enumerated() {
      first[index] = needsFirst ? try tensor("first.\(path)", parameter.shape)?.copied() : nil
      second[index] = needsSecond ? try tensor("second.\(path)", parameter.shape)?.copied() : nil
      missed[index] = second[index] == nil ? updates : 0
      if second[index] != nil, let count = try tensor("missed.\(path)", []) {
        missed[index] = Int(min(max(0, count.item), Float(updates)).rounded(.down))
        missed[index] = min(missed[index], updates)
      }
    }
  }
}

extension Gradients {
  /// The square root of the sum of all squared gradient elements of the given parameters: what
  /// clipping by the global norm compares with its limit (Pascanu et al. 2013, algorithm 1).
  public func globalNorm(_ parameters: [(path: String, parameter: Parameter)]) -> Double {
    parameters.reduce(0) { $0 + (self[$1.parameter]?.doubleSumOfSquares ?? 0) }.squareRoot()
  }
}
