import VAECore
import VAEFiles
import VAETraining

/// The part of a page about several runs in which one slider moves all of them through their
/// records: for each thing to see a panel for each run, over the same axes as far as these mean the
/// same.
struct ComparedFrames {
  private let runs: [RunHistory]
  private let looks: [Comparison.Look]
  /// What else there is to say of each run beside its label.
  private let captions: [String]
  /// The panels of each run, nil where it has no records.
  private var members: [ComparedRun?] = []
  private let timeline: Timeline
  /// What was left out to keep the page small, in sentences.
  private let thinned: String

  /// Dots that a page draws, so that a phone moves them; each run has some in any case.
  private static let dots = 4000
  private static let fewestDots = 60
  /// Bytes that the places of dots take of the page.
  private static let cloudBudget = 600_000
  /// Bytes of a dot at one record: two numbers of 16 bits in base64.
  private static let dotBytes = 6

  /// The panels of runs, drawn as they look.
  init(_ comparison: Comparison, looks: [Comparison.Look]) throws {
    runs = comparison.runs
    captions = comparison.captions
    self.looks = looks
    let recorded = runs.filter { !$0.records.isEmpty }
    let count = max(1, recorded.count)
    let points = max(Self.fewestDots, Self.dots / count)
    let frames = max(2, Self.cloudBudget / (count * min(points, 500) * Self.dotBytes))
    let kept = runs.map { $0.keeping(frames) }
    timeline = Timeline(kept.filter { !$0.records.isEmpty }.map { $0.records.map(\.step) })
    for (number, run) in kept.enumerated() {
      members.append(
        run.records.isEmpty
          ? nil
          : try ComparedRun(
            run, number: number, look: looks[number], points: points, share: 1 / Double(count)))
    }
    thinned = Self.thinned(recorded, points: points, frames: frames)
    shareAxes()
  }

  private static func thinned(_ runs: [RunHistory], points: Int, frames: Int) -> String {
    let examples = runs.map { $0.examples?.indices.count ?? 0 }.max() ?? 0
    let records = runs.map(\.records.count).max() ?? 0
    return [
      examples > points
        ? "To keep this page small, clouds show \(points) of up to \(examples) recorded examples."
        : "",
      records > frames
        ? "To keep this page small, at most \(frames) of the \(records) records of a run are shown."
        : "",
    ].filter { !$0.isEmpty }.joined(separator: " ")
  }

  // MARK: Axes

  /// Gives panels that show the same kind of number the same axes.
  private mutating func shareAxes() {
    let recorded = members.compactMap(\.self)
    // One run that goes astray must not make points of all others.
    let extents = recorded.compactMap(\.cloud).filter { $0.view.prior.isEmpty }
      .map(\.view.extent).sorted()
    let extent =
      extents.isEmpty ? 0 : min(extents[extents.count - 1], 3 * extents[extents.count / 2])
    let unitTop = recorded.compactMap { $0.units?.top }.max() ?? 1
    let levelTop = recorded.compactMap { $0.levels?.top }.max() ?? 1
    var histograms = PosteriorHistograms(recorded.map(\.history))
    histograms.shareHeights()
    var place = 0
    for number in members.indices where members[number] != nil {
      if members[number]?.cloud?.view.prior.isEmpty == true {
        members[number]?.cloud?.views[0].extent = extent
      }
      members[number]?.units?.top = unitTop
      members[number]?.levels?.top = levelTop
      let prefix = members[number]?.prefix ?? ""
      members[number]?.means = histograms.means[place]
      members[number]?.means?.prefix = prefix
      members[number]?.deviations = histograms.deviations[place]
      members[number]?.deviations?.prefix = prefix
      place += 1
    }
  }

  // MARK: Markup

  /// The panels, as they are at the last record of each run.
  var markup: String {
    VAEReport.markup {
      for (number, run) in runs.enumerated() where run.records.isEmpty {
        "<p class=\"missing\">\(looks[number].swatch)\(escaped(looks[number].label)) has no records, so that nothing of its "
          + "training can be shown here; train it again without <code>--no-records</code>, or continue it for more "
          + "epochs.</p>"
      }
      if !timeline.steps.isEmpty {
        "<p>One slider moves all runs. Its positions are the steps of which a run has a record; a run that has none of a "
          + "step shows its last one before, and each panel says of which step it is. \(escaped(thinned))</p>"
        Scrubber(
          count: timeline.steps.count, name: "Step of the training, from the first to the last",
          text: text(of: timeline.steps.count - 1)
        ).markup
        clouds
        bars
        pictures
      }
    }
  }

  private func text(of moment: Int) -> String {
    "step \(Numerals.grouped(timeline.steps[moment])) · moment \(moment + 1) of \(timeline.steps.count)"
  }

  @MarkupBuilder private var clouds: [String] {
    group(
      "clouds", "Aggregate posterior against the prior",
      "Dots: one draw of the latents of each example, of the top level in a hierarchy. Dashed: one, two and "
        + "three standard deviations of the prior N(0, I), which are as long in all panels; dots further out stand at the "
        + "edge. Directions are those of each run: units and principal components of two runs have nothing to do with "
        + "each other.",
      controls: cloudControls
    ) { run in
      guard let cloud = run.cloud else {
        return .lacking(run.history.reasonForNoCloud ?? "There are no latents to be shown.")
      }
      return .panel(
        cloud.drawing(of: run.owner) + (sharesColors ? "" : cloud.key),
        "<span data-text=\"\(run.prefix)\">\(escaped(run.lastTerms))</span><br>\(escaped(cloud.view.plane))"
          + (cloud.view.prior.isEmpty
            ? "" : " Its prior is not N(0, I): grey are draws from it, and the scale is its own."))
    }
  }

  @MarkupBuilder private var bars: [String] {
    group(
      "rates", "Rate of each unit",
      "In nats, over the same heights in all panels; units in the order of their rates at the last record of the run. "
        + "Filled: active; hollow: collapsed."
    ) { run in
      run.units.map { .panel($0.markup, escaped(run.unitNote)) }
        ?? .lacking("Its rate is no sum over units.")
    }
    if recorded.contains(where: { $0.levels != nil }) {
      group("levels", "Rate of each level", "In nats, over the same heights in all panels.") {
        run in
        run.levels.map { .panel($0.markup, "") } ?? .lacking("It has one level of latents at most.")
      }
    }
    let heights =
      "Over all units and examples, with the same bins and heights in all panels; heights go by the square root of the "
      + "share of values, so that few are seen beside many."
    let reason = "Its posterior has no means of its own to count."
    group(
      "mean-counts", "Means μ of q(z|x)",
      "\(heights) Units that say nothing have all of theirs at zero, where the prior is N(0, I)."
    ) { run in
      run.means.map { .panel($0.markup(of: run.owner), "") } ?? .lacking(reason)
    }
    group(
      "deviation-counts", "Standard deviations σ of q(z|x)",
      "\(heights) A unit that says nothing has σ = 1, where the prior is N(0, I)."
    ) { run in
      run.deviations.map { .panel($0.markup(of: run.owner), "") } ?? .lacking(reason)
    }
    if recorded.contains(where: { $0.codes != nil }) {
      group(
        "usages", "Use of the codes", "All codes of each run, from the most frequent to the least."
      ) { run in
        run.codes.map { .panel($0.markup, $0.group > 1 ? "\($0.group) codes to a bar." : "") }
          ?? .lacking("Its latents are no codes.")
      }
    }
  }

  @MarkupBuilder private var pictures: [String] {
    group("pictures", "Pictures", "Held-out images, what each run makes of them, and samples.") {
      run in
      run.pictures.map { .panel($0.markup(of: run.owner), "") }
        ?? .lacking("Its images cannot be shown.")
    }
    if recorded.contains(where: { $0.traversals.data != nil }) {
      group(
        "traversals", "Traversals",
        "In each row one latent is changed, those that say most first: a unit runs over its prior, of which the header "
          + "says the share below; a place of a grid of codes has its own code, then others."
      ) { run in
        run.traversals.walk(of: run.owner).map { .panel($0, "") }
          ?? .lacking("It has no traversals that can be shown here; the report about it alone may.")
      }
    }
  }

  private var recorded: [ComparedRun] { members.compactMap(\.self) }

  /// What a group has of a run.
  private enum Content {
    /// Markup, and what is to be said in small letters, which is markup too.
    case panel(String, String)
    /// Why there is nothing.
    case lacking(String)
  }

  /// Panels side by side, one for each run, so that columns stand for the same runs in all groups;
  /// nothing where no run has one. Where few have one, a sentence stands for the others.
  ///
  /// - Parameters:
  ///   - note: what is to be said of all of them, in words.
  ///   - controls: markup between that and the panels.
  private func group(
    _ id: String, _ title: String, _ note: String, controls: String = "",
    _ content: (ComparedRun) -> Content
  ) -> [String] {
    let contents = members.map { $0.map(content) ?? .lacking("No records.") }
    let shown = contents.count { if case .panel = $0 { true } else { false } }
    guard shown > 0 else { return [] }
    let keepsPlaces = 2 * shown >= contents.count
    var figures: [String] = []
    var missing: [(reason: String, names: [String])] = []
    for (number, content) in contents.enumerated() {
      let name = "\(looks[number].swatch)\(escaped(looks[number].label))"
      switch content {
      case .panel(let markup, let note): figures.append(figure(number, name, markup, note))
      case .lacking(let reason) where keepsPlaces:
        figures.append(
          "<figure class=\"compared\"><figcaption>\(name)</figcaption><p class=\"missing\">\(reason)</p></figure>"
        )
      case .lacking(let reason):
        if let place = missing.firstIndex(where: { $0.reason == reason }) {
          missing[place].names.append(name)
        } else {
          missing.append((reason, [name]))
        }
      }
    }
    return [
      "<h3 id=\"\(id)\">\(title)</h3>",
      "<p class=\"note\">\(note)</p>", controls,
      "<div class=\"plots\">", figures.joined(separator: "\n"), "</div>",
    ]
      + missing.map {
        "<p class=\"missing\">\($0.names.joined(separator: ", ")): \($0.reason)</p>"
      }
  }

  private func figure(_ number: Int, _ name: String, _ markup: String, _ note: String) -> String {
    let step = Numerals.grouped(members[number]?.history.records.last?.step ?? 0)
    let caption = captions[number].isEmpty ? "" : "\(escaped(captions[number])) · "
    return
      "<figure class=\"compared\"><figcaption>\(name)<small>\(caption)"
      + "<span data-step=\"run\(number)-\">step \(step)</span>\(note.isEmpty ? "" : "<br>\(note)")</small></figcaption>\n"
      + "\(markup)</figure>"
  }

  // MARK: Colours

  /// Whether the points of all clouds can be coloured by the same classes.
  private var sharesColors: Bool {
    let all = recorded.compactMap { $0.cloud?.colorings.map { [$0.name] + $0.names } }
    return all.dropFirst().allSatisfy { $0 == all.first }
  }

  /// The choice of colours and their key, where they are those of all clouds.
  private var cloudControls: String {
    VAEReport.markup {
      if sharesColors, let cloud = recorded.lazy.compactMap(\.cloud).first {
        if cloud.colorings.count > 1 {
          "<div class=\"controls\">\(CloudPanel.coloringSelect(cloud.colorings))</div>"
        }
        cloud.key.replacing("id=\"\(cloud.prefix)key\"", with: "id=\"key\"")
      }
    }
  }

  // MARK: Data

  /// What the script draws from; nil where nothing moves.
  var data: String? {
    guard !timeline.steps.isEmpty else { return nil }
    return PanelData.text([
      "moments": .array(
        timeline.steps.indices.map { moment in
          .object([
            "text": .text(text(of: moment)),
            "at": .array(timeline.frames[moment].map(JSON.integer)),
          ])
        }), "bars": PanelData.bars, "runs": .array(recorded.map(\.data)),
    ])
  }
}

extension RunHistory {
  /// The run with a number of its records at most, the last among them.
  fileprivate func keeping(_ count: Int) -> RunHistory {
    var run = self
    run.records = Pictures.evenly(count, of: records.count).map { records[$0] }
    return run
  }
}
