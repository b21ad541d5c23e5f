import Messages
import VAECore

/// What an epoch's record shows of how a model uses its latents.
enum LatentHealth: Equatable {
  /// Nothing calls for attention.
  case fine
  /// Held-out numbers are no longer finite.
  case notFinite
  /// The latents as a whole say nothing about the data (posterior collapse).
  case collapsed
  /// Some levels of a hierarchy say nothing, the one nearest to the data being number zero.
  case deadLevels([Int])
  /// Nearly all examples get the same few codes.
  case deadCodebook

  /// A model or level whose mean rate is below this, in nats, says nothing of use.
  private static let deadRate = 0.01

  /// What a record shows of a model with these latents.
  init(_ record: EpochRecord, _ latents: LatentStructure) {
    let rate = record.valid?.rate ?? record.train.rate
    if let valid = record.valid, !valid.elbo.isFinite {
      self = .notFinite
    } else if record.codeUsage?.isCollapsed == true {
      self = .deadCodebook
    } else if latents.isContinuous, record.activeUnits == 0 || rate < Self.deadRate {
      self = .collapsed
    } else if let rates = record.layerRates, rates.contains(where: { $0 < Self.deadRate }) {
      self = .deadLevels(rates.indices.filter { rates[$0] < Self.deadRate })
    } else {
      self = .fine
    }
  }
}

extension EpochRecord {
  /// What calls for attention, in plain words with a remedy that the objective knows; nil where
  /// nothing does, or where the objective still changes what latents cost.
  func notice(_ health: LatentHealth, _ advice: LatentAdvice) -> Message? {
    switch (health, advice) {
    case (.fine, _): nil
    case (.notFinite, _):
      "held-out numbers after epoch \(epoch) are not finite: the model is about to diverge; try a smaller "
        + "\(.setting("training.learning_rate")) or \(.setting("training.clip_norm", "100"))"
    case (.deadCodebook, _):
      "only \(codeUsage?.used ?? 0) of \(codeUsage?.counts.count ?? 0) codes are in use after epoch \(epoch) "
        + "(perplexity \(((codeUsage?.perplexity ?? 0) * 10).rounded() / 10)): the codebook has died; try "
        + "\(.setting("prior.restart_threshold", "0.1")), fewer \(.setting("prior.codes")), or a smaller "
        + "\(.setting("training.learning_rate"))"
    case (_, .wait): nil
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

  private static func short(_ rate: Double) -> Double { (rate * 1e4).rounded() / 1e4 }

  private static func list(_ changes: [Message]) -> Message {
    let all = changes + ["a smaller \(.setting("training.learning_rate"))"]
    return all.dropFirst().enumerated().reduce(all[0]) { text, next in
      text + (next.offset == all.count - 2 ? " or " : ", ") + next.element
    }
  }
}
