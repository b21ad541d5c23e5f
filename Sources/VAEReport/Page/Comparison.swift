import VAECore
import VAEEvaluation
import VAEFiles

/// Several runs side by side: what they came to, and how they were made.
public struct Comparison: Sendable {
  /// The runs, each with a name of its own.
  public let runs: [RunHistory]

  /// A comparison; runs of one name are told apart by their paths.
  public init(_ runs: [RunHistory]) {
    self.runs = runs.map { run in
      var run = run
      if runs.count(where: { $0.name == run.name }) > 1 { run.name = run.path }
      return run
    }
  }

  /// What makes the numbers of these runs hard to compare; nil for nothing.
  public var note: String? {
    let notes = [dataNote, conditionNote, likelihoodNote].compactMap(\.self)
    return notes.isEmpty ? nil : notes.joined(separator: " ")
  }

  private var dataNote: String? {
    let data = Set(runs.compactMap(\.data))
    // What models are told of the images beside them has a note of its own.
    let images = runs.compactMap { run -> String? in
      guard var images = run.recipe["data"]?.object else { return nil }
      images["condition"] = nil
      return JSON.object(images).line
    }
    if Set(images).count > 1 {
      return
        "The runs are of data of different sizes or values, so their numbers cannot be compared."
    }
    return data.count > 1
      ? "The runs are of different data (\(data.sorted().joined(separator: ", "))): compare their numbers with care."
      : nil
  }

  /// Bounds on log p(x|y) are on another quantity than those on log p(x).
  private var conditionNote: String? {
    let told = runs.filter(\.isConditional)
    guard !told.isEmpty else { return nil }
    let names = told.map(\.name).joined(separator: ", ")
    return told.count == runs.count
      ? "All bounds are on log p(x|y): the models are told what is known of each image."
      : "The bounds of \(names) are on log p(x|y), those of the other runs on log p(x), and cannot be compared with them."
  }

  private var likelihoodNote: String? {
    guard likelihoodKinds.count > 1 else { return nil }
    let names = likelihoodKinds.map { kind in
      "\(kind.name) (\(kind.members.map { runs[$0].name }.joined(separator: ", ")))"
    }
    return
      "The distortion of some runs is made of \(names.joined(separator: ", that of others of ")): their distortions and "
      + "−ELBO cannot be compared, and have plots of their own."
  }

  /// The last held-out numbers of each run, as text: a header, and a row for each run.
  public var table: (header: [String], rows: [[String]]) {
    typealias Column = (name: String, value: (RunHistory) -> String?)
    var columns: [Column] = [
      ("variant", { $0.variant }),
      ("epochs", { $0.epochs.last.map { "\($0.number)" } }),
      ("−ELBO", { $0.final.map { Numerals.fixed(-$0.elbo, 2) } }),
      ("distortion", { $0.final.map { Numerals.fixed($0.distortion, 2) } }),
      ("rate", { $0.final.map { Numerals.fixed($0.rate, 2) } }),
      (
        "active units",
        { run in
          UnitActivity(run).flatMap { units in
            units.activeCounts.last.map { "\($0) of \(units.count)" }
          }
        }
      ),
    ]
    // What training measures too stands for a training's end, the rest for an evaluation.
    let inTraining = MetricRegistry.standard.numbers(at: .epoch)
    let shown = [
      ELBOMetric.descriptor, DistortionMetric.descriptor, RateMetric.descriptor,
      ActiveUnitsMetric.descriptor,
    ].flatMap(\.numbers).map(\.name)
    for number in inTraining where !shown.contains(number.name) {
      columns.append((number.title, { $0.measured(number) }))
    }
    for number in MetricRegistry.standard.numbers(at: .evaluation)
    where !inTraining.map(\.name).contains(number.name) {
      columns.append((number.title, { $0.evaluated(number) }))
    }
    columns.append(("time", { $0.seconds > 0 ? Numerals.duration($0.seconds) : nil }))
    let used = columns.filter { column in runs.contains { column.value($0) != nil } }
    return (
      ["run"] + used.map(\.name),
      runs.map { run in [run.name] + used.map { $0.value(run) ?? "–" } }
    )
  }

  /// The settings that are not the same in all recipes, each with its value in every run.
  public var differences: [(name: String, values: [String])] {
    Self.differences(runs.map(\.recipe))
  }

  /// The settings that are not the same in some recipes, each with its value in every one.
  static func differences(_ recipes: [JSON.Object]) -> [(name: String, values: [String])] {
    let all = recipes.map(settings)
    var names: [String] = []
    for settings in all {
      for setting in settings where !names.contains(setting.name) { names.append(setting.name) }
    }
    return names.compactMap { name in
      let values = all.map { settings in settings.first { $0.name == name }?.value ?? "–" }
      return Set(values).count > 1 ? (name, values) : nil
    }
  }

  private static func settings(_ recipe: JSON.Object) -> [(name: String, value: String)] {
    recipe.members.flatMap { member -> [(name: String, value: String)] in
      guard let part = member.value.object else {
        return member.name == "stages" ? [] : [(member.name, RunPage.plain(member.value))]
      }
      return part.members.map { ("\(member.name).\($0.name)", RunPage.plain($0.value)) }
    }
  }
}

extension RunHistory {
  /// A number of the newest evaluation that has it.
  fileprivate func evaluated(_ number: MetricDescriptor.Number) -> String? {
    evaluations.reversed().lazy.compactMap { number.value(in: $0) }.first.map {
      Numerals.fixed($0, number.decimals)
    }
  }
}
