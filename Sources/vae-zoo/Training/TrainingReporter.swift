import VAECore
import VAEFiles
import VAETraining

/// Shows training as it goes: a bar on a terminal, a line per epoch.
struct TrainingReporter {
  let epochs: Int
  let writesJSON: Bool
  let heldOutName: String
  /// The run's name where it is one of several: lines for programs carry it, and those for people
  /// leave standard output to what compares the runs.
  let run: String?
  /// Whether there is a bar: several at once would write over each other.
  let showsBar: Bool
  private var bar = ProgressBar()
  private var firstStep = 0

  init(
    epochs: Int, writesJSON: Bool, heldOutName: String, run: String? = nil,
    showsBar: Bool = true
  ) {
    self.showsBar = showsBar
    self.epochs = epochs
    self.writesJSON = writesJSON
    self.heldOutName = heldOutName
    self.run = run
  }

  mutating func report(_ event: TrainingEvent) {
    switch event {
    case .started(let step, _):
      firstStep = step
    case .step(let step, let total, let epoch, let terms):
      guard showsBar else { return }
      bar.show(
        Double(step) / Double(total), since: Double(firstStep) / Double(total),
        work: step - firstStep, unit: "step",
        text: "epoch \(epoch)/\(epochs)  −ELBO \(Console.fixed(-terms.elbo))")
    case .epoch(let record):
      bar.clear()
      show(record)
    case .stored: break
    case .notice(let text):
      bar.clear()
      Console.error(text)
    }
  }

  mutating func finish() {
    bar.clear()
  }

  private func show(_ record: EpochRecord) {
    guard writesJSON else {
      return run == nil ? Console.print(line(record)) : Console.error(text: line(record))
    }
    guard let run, let members = record.json.object?.members else {
      return Console.print(record.json)
    }
    var object: JSON.Object = ["run": .text(run)]
    for member in members { object[member.name] = member.value }
    Console.print(JSON.object(object))
  }

  /// A line has fewer characters than this, so that it fits beside another window.
  private static let longestLine = 100

  /// −ELBO with its terms of both splits, what else was measured, and the time; where that is too long the time goes,
  /// and only then those of the training examples lose their terms.
  private func line(_ record: EpochRecord) -> String {
    func text(_ name: String, _ terms: BoundTerms, isShort: Bool) -> String {
      guard !terms.distortion.isNaN else { return "\(name) rate \(Self.short(terms.rate))" }
      let whole = "\(name) \(Self.short(-terms.elbo))"
      return isShort
        ? whole : "\(whole) = \(Self.short(terms.distortion)) + \(Self.short(terms.rate))"
    }
    func line(isShort: Bool) -> String {
      var line = "epoch \(record.epoch)/\(epochs)  \(text("train", record.train, isShort: isShort))"
      if let valid = record.valid { line += "  \(text(heldOutName, valid, isShort: false))" }
      for row in record.metrics.entries.flatMap(\.report.rows) {
        line += "  \(row.title) \(Console.numbers(row))"
      }
      return line
    }
    let time = "  \(Console.fixed(record.seconds, 1)) s"
    let isShort = record.valid != nil && line(isShort: false).count >= Self.longestLine
    let rest = line(isShort: isShort)
    return (rest + time).count < Self.longestLine ? rest + time : rest
  }

  /// A number with as many decimals as its size leaves a meaning.
  private static func short(_ value: Double) -> String {
    Console.fixed(value, abs(value) >= 10_000 ? 0 : abs(value) >= 1000 ? 1 : 2)
  }
}
