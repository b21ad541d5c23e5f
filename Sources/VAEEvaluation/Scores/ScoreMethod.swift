import Messages

/// How unusual an example is to a model, in nats; larger is more unusual.
public enum ScoreMethod: String, CaseIterable, Sendable {
  /// −log p(x), by importance weighting (Burda et al. 2016, equation 8).
  case nll
  /// −ELBO, distortion + rate of one draw: a bound on `nll`.
  case elbo
  /// By how much −ELBO falls where the posterior is optimised for the example alone (Xiao et al. 2020).
  case regret
  /// log p'(x) − log p(x), p' being a background model that was trained on what all data of the kind have in
  /// common (Ren et al. 2019, equation 4).
  case ratio
  /// How far the mean of −log p(x) over a group of examples is from that over data of the kind, |mean − H| (Nalisnick,
  /// Matsukawa, Teh & Lakshminarayanan 2019, section 3): of each example that of its group.
  case typicality

  /// Whether importance weighting is a part of it.
  public var isWeighted: Bool { self == .nll || self == .ratio || self == .typicality }
  /// Whether zero draws stand for the bound.
  public var takesBounds: Bool { self == .ratio || self == .typicality }

  /// The method of a name.
  ///
  /// - Throws: `MetricError` of kind `unknown` that lists the names.
  public init(named name: String) throws(MetricError) {
    guard let method = ScoreMethod(rawValue: name) else {
      let known = Self.allCases.map(\.rawValue)
      throw MetricError(
        .unknown,
        "there is no method of scoring \(PlainText.quoted(name)); there are \(known.joined(separator: ", "))"
      )
    }
    self = method
  }
}

/// What a scoring needs to know beside the examples.
public struct ScoreOptions: Sendable {
  /// How unusual is meant.
  public var method = ScoreMethod.nll
  /// Draws per example for importance weighting, of `nll`, `ratio` and `typicality`; zero for the bound.
  public var importanceSamples = 16
  /// How posteriors are optimised, of `regret`.
  public var regret = RegretOptions()
  /// How many examples in turn are a group, of `typicality`; those that are left at the end are a smaller one.
  public var group = 10
  /// Of all draws.
  public var seed = 0

  /// The defaults.
  public init() {}
}
