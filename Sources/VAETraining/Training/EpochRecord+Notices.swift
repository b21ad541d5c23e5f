import Glibc
import Messages
import VAECore
import VAEEvaluation

/// What an epoch's record shows of a training and of how its model uses latents.
package enum TrainingHealth: Equatable {
  /// Nothing calls for attention.
  case fine
  /// Held-out numbers are no longer finite.
  case notFinite
  /// −ELBO is far above what it was before the first update.
  case worsened
  /// The latents as a whole say nothing about the data (posterior collapse).
  case collapsed
  /// Some levels of a hierarchy say nothing, the one nearest to the data being number zero.
  case deadLevels([Int])
  /// Nearly all examples get the same few codes.
  case deadCodebook

  /// A model or level whose mean rate is below this, in nats, says nothing of use.
  private static let deadRate = 0.01
  /// A posterior whose means do not vary may still differ from the prior by this, in nats per unit, in
  /// a model that ignores its latents. One that costs more has come to that another way.
  private static let idleRate = 0.1

  /// What a record shows.
  ///
  /// - Parameters:
  ///   - record: of an epoch.
  ///   - latents: of the model.
  ///   - beginning: the cost before the first update, and how much more than that is no learning;
  ///     nil where it is not known.
  package init(
    _ record: EpochRecord, _ latents: LatentSpace,
    begunWith beginning: (cost: Double, margin: Double)? = nil
  ) {
    let rate = record.valid?.rate ?? record.train.rate
    let units = Double(max(1, record.metrics[RatePerUnitMetric.self]?.joined().count ?? 1))
    if let valid = record.valid, !valid.elbo.isFinite {
      self = .notFinite
    } else if let beginning, record.cost > beginning.cost + beginning.margin {
      self = .worsened
    } else if record.codeUsage?.isCollapsed == true {
      self = .deadCodebook
    } else if latents.isContinuous,
      rate < Self.deadRate
        || (record.metrics[ActiveUnitsMetric.self]?.active.mean == 0
          && rate < Self.idleRate * units)
    {
      self = .collapsed
    } else if let rates = record.layerRates, rates.contains(where: { $0 < Self.deadRate }) {
      self = .deadLevels(rates.indices.filter { rates[$0] < Self.deadRate })
    } else {
      self = .fine
    }
  }

  /// Whether it is about more than the parts that a further stage leaves as they are.
  var concernsAllStages: Bool {
    switch self {
    case .notFinite, .worsened: true
    default: false
    }
  }

  /// Whether a training that ends like this has come to nothing.
  var isOfEnd: Bool { concernsAllStages }
}

extension EpochRecord {
  var layerRates: [Double]? { metrics[RatePerLayerMetric.self] }
  var codeUsage: CodeUsage? { metrics[CodebookPerplexityMetric.self] }

  /// What calls for attention, in plain words with a remedy that the objective knows; nil where
  /// nothing does, or where the objective still changes what latents cost.
  func notice(
    _ health: TrainingHealth, _ advice: LatentAdvice, begunWith beginning: Double? = nil
  ) -> Message? {
    switch (health, advice) {
    case (.fine, _): nil
    case (.notFinite, _):
      "held-out numbers after epoch \(epoch) are not finite: the model is about to diverge; try a smaller "
        + "\(.setting("training.learning_rate")) or \(.setting("training.clip_norm", "100"))"
    case (_, .wait): nil
    case (.worsened, _):
      "−ELBO is \(Self.rough(cost)) nats after epoch \(epoch), far above the "
        + "\(beginning.map(Self.rough) ?? "cost") of the beginning: the model has come apart rather than learnt; "
        + "try a smaller \(.setting("training.learning_rate")) or "
        + "\(.setting("training.clip_norm", "100"))"
    case (.deadCodebook, _):
      "only \(codeUsage?.used ?? 0) of \(codeUsage?.counts.count ?? 0) codes are in use after epoch \(epoch) "
        + "(perplexity \(((codeUsage?.perplexity ?? 0) * 10).rounded() / 10)): the codebook has died; try "
        + "\(.setting("prior.restart_threshold", "0.1")), fewer \(.setting("prior.codes")), or a smaller "
        + "\(.setting("training.learning_rate"))"
    case (.collapsed, .change(let changes)):
      "the latents carry no information after epoch \(epoch) (posterior collapse, a rate of "
        + "\(Self.short(valid?.rate ?? train.rate)) nats): the decoder ignores them; try \(Self.list(changes))"
    case (.deadLevels(let levels), .change(let changes)):
      "\(Self.names(levels, of: layerRates?.count ?? 0)) no information after epoch \(epoch) "
        + "(\(levels.compactMap { level in layerRates.map { "\(Self.short($0[level]))" } }.joined(separator: ", ")) "
        + "nats): the other levels say everything; try \(Self.list(changes)), or fewer levels"
    }
  }

  /// Such as "level 0 (of 0 to 2, 0 being nearest to the data) carries".
  private static func names(_ levels: [Int], of count: Int) -> String {
    let numbers = levels.map(String.init).joined(separator: ", ")
    let all = "(of 0 to \(count - 1), 0 being nearest to the data)"
    return levels.count == 1 ? "level \(numbers) \(all) carries" : "levels \(numbers) \(all) carry"
  }

  /// −ELBO of held-out examples where there are some, and else of the epoch's own.
  var cost: Double { -(valid ?? train).elbo }

  /// A number of which three digits count.
  static func rough(_ value: Double) -> String {
    guard value.isFinite, abs(value) >= 1000, abs(value) < 1e15 else {
      return "\(value.isFinite && abs(value) < 1000 ? (value * 100).rounded() / 100 : value)"
    }
    let unit = pow(10, floor(log10(abs(value))) - 2)
    return Count.text(Int((value / unit).rounded() * unit))
  }

  private static func short(_ rate: Double) -> Double { (rate * 1e4).rounded() / 1e4 }

  private static func list(_ changes: [Message]) -> Message {
    let all = changes + ["a smaller \(.setting("training.learning_rate"))"]
    return all.dropFirst().enumerated().reduce(all[0]) { text, next in
      text + (next.offset == all.count - 2 ? " or " : ", ") + next.element
    }
  }
}
