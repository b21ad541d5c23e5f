import VAECore
import VAEFiles
import VAETraining

/// The panels of one of several runs, as far as it has something to show in each.
struct ComparedRun {
  let history: RunHistory
  /// Begins the names of its elements.
  let prefix: String
  /// What stands above each of its panels.
  let look: Comparison.Look
  var cloud: CloudPanel?
  var units: RateBars?
  /// What is to be said of the units.
  let unitNote: String
  var levels: RateBars?
  var means: HistogramPanel?
  var deviations: HistogramPanel?
  let codes: CodeUsagePanel?
  let pictures: PicturePanel?
  let traversals: TraversalPanel
  private let terms: [String]

  /// The panels of a run with records.
  ///
  /// - Parameters:
  ///   - number: its place among the runs of the page.
  ///   - points: examples that its cloud shows at most.
  ///   - share: the share of the page's bytes that its pictures may take.
  init(
    _ history: RunHistory, number: Int, look: Comparison.Look, points: Int, share: Double
  ) throws {
    self.history = history
    self.look = look
    prefix = "run\(number)-"
    cloud = CloudPanel(history, points: points)
    cloud?.prefix = prefix
    // One view of each, so that there is room for all.
    if let view = cloud?.view { cloud?.views = [view] }
    let activity = UnitActivity(history)
    units = activity.map(RateBars.init)
    units?.prefix = prefix
    unitNote = activity.map { $0.count > $0.units.count ? "The highest of \($0.count)." : "" } ?? ""
    levels = RateBars(levelsOf: history)
    levels?.prefix = prefix
    var codes = CodeUsagePanel(history)
    codes?.prefix = prefix
    self.codes = codes
    pictures = try Pictures.fitting(
      history, bytes: Int(Double(RunPage.pictureBudget) * share), moments: 4
    ).map { PicturePanel(history: history, pictures: $0, prefix: "run\(number)-") }
    traversals = try TraversalPanel(
      history, bytes: Int(Double(TraversalPanel.budget) * share), prefix: prefix)
    terms = history.records.indices.map { history.terms(of: $0, units: activity) }
  }

  /// What it came to at its last record.
  var lastTerms: String { terms.last ?? "" }

  /// Its name, for those who do not see where something stands.
  var owner: String { look.label }

  /// What the script draws from.
  var data: JSON {
    var object: JSON.Object = [
      "prefix": .text(prefix),
      "frames": .array(
        history.records.indices.map { frame in
          .object([
            "step": .text(Numerals.grouped(history.records[frame].step)),
            "text": .text(terms[frame]),
          ])
        }),
    ]
    for member in cloud?.data.members ?? [] { object[member.name] = member.value }
    if let units { object["units"] = units.data }
    if let levels { object["levels"] = levels.data }
    if let means { object["means"] = means.data }
    if let deviations { object["deviations"] = deviations.data }
    if let codes { object["codes"] = codes.data }
    if let walks = traversals.data { object["traversals"] = walks }
    if let pictures { object["pictures"] = pictures.data }
    return .object(object)
  }
}
