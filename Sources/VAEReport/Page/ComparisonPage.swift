import VAECore
import VAETraining

/// The page about several runs side by side.
struct ComparisonPage {
  let comparison: Comparison

  private let looks: [Comparison.Look]

  private var runs: [RunHistory] { comparison.runs }

  init(comparison: Comparison) {
    self.comparison = comparison
    looks = comparison.looks
  }

  /// The document.
  func document() throws -> String {
    let frames = try ComparedFrames(comparison, looks: looks)
    return PageShell(
      title: "\(runs.count) runs compared", lead: lead,
      sections: [
        PageShell.Section(id: "table", title: "At the end", body: finalTable),
        PageShell.Section(id: "plane", title: "Rate and distortion", body: plane),
        PageShell.Section(id: "curves", title: "Learning curves", body: curves),
        PageShell.Section(id: "training", title: "Through training", body: frames.markup),
        PageShell.Section(id: "settings", title: "What differs", body: settings),
      ], data: frames.data
    ).document
  }

  /// One legend for all plots.
  private var lead: String {
    let names = runs.enumerated().map { number, run in
      "<li>\(swatch(number))\(escaped(looks[number].label)) (\(escaped(run.variant)))</li>"
    }
    let seeds =
      looks.contains { $0.mark > 0 }
      ? "<p class=\"note\">Colours are recipes, marks their seeds.</p>" : ""
    return "<ul class=\"legend\">\(names.joined())</ul>\(seeds)"
  }

  private func swatch(_ number: Int) -> String { looks[number].swatch }

  // MARK: Table

  private var finalTable: String {
    let table = comparison.table
    return markup {
      if let note = comparison.note { "<p class=\"missing\">\(escaped(note))</p>" }
      VAEReport.table(
        caption: "Held-out numbers at the end of each run, in nats per example",
        header: table.header.map(escaped),
        rows: table.rows.enumerated().map { number, row in
          ["\(swatch(number))\(escaped(row[0]))"] + row.dropFirst().map(escaped)
        })
      if let seeds = comparison.seedTable {
        VAEReport.table(
          caption: "Mean and standard deviation over the seeds of each recipe, in nats per example",
          header: seeds.header.map(escaped), rows: seeds.rows.map { $0.map(escaped) })
      }
    }
  }

  // MARK: Plots

  private var plane: String {
    markup {
      "<p>Points on a dotted line have the same −ELBO. A run to the lower left of another is better on both counts; along a "
        + "line they are as good, one with more of what it knows in the latents.</p>"
      if comparison.likelihoodKinds.count == 1, let path = comparison.meanPath {
        "<p class=\"note\">The grey line joins the means over the seeds, in order of \(escaped(path.setting)).</p>"
      }
      "<div class=\"plots wide\">"
      comparison.likelihoodKinds.flatMap { planes(of: $0) }
      "</div>"
    }
  }

  /// The ends and the ways of runs whose distortions are of one kind.
  private func planes(of kind: (name: String, members: [Int])) -> [String] {
    let isAlone = comparison.likelihoodKinds.count == 1
    let addition = isAlone ? "" : " (\(kind.name))"
    let paths = kind.members.map { number in
      var path = RatePath(runs[number])
      path.look = looks[number]
      return path
    }
    var ends = RatePath.plot(
      paths.map(\.last), title: "Where each run ended" + addition, labelled: false)
    var named: Set<String> = []
    ends.labels = paths.compactMap { path in
      guard let terms = path.points.last?.terms, named.insert(path.look.recipe).inserted else {
        return nil
      }
      return (terms.rate, terms.distortion, path.look.recipe)
    }
    if isAlone, let path = comparison.meanPath {
      ends.series.insert(
        LinePlot.Series(
          name: "means", points: path.terms.map { ($0.rate, $0.distortion) }, color: 6,
          hasMarks: false), at: 0)
    }
    ends.hasLegend = false
    var ways = RatePath.plot(
      paths.map(\.end), title: "How they came to rest" + addition, labelled: false)
    ways.hasLegend = false
    return [ends.figure, ways.figure]
  }

  private var curves: String {
    return markup {
      "<p class=\"note\">Held-out, from the first update on; steps on a logarithmic scale. The legend stands at the top.</p>"
      "<div class=\"plots\">"
      RunPage.terms.flatMap { term in
        // Rates are rates, whatever the likelihood.
        term.name == "rate" || comparison.likelihoodKinds.count == 1
          ? [curve(term.name, Array(runs.indices), term.value).figure]
          : comparison.likelihoodKinds.map {
            curve("\(term.name) (\($0.name))", $0.members, term.value).figure
          }
      }
      if let units = unitCurve { units.figure }
      "</div>"
    }
  }

  private func curve(
    _ name: String, _ members: [Int], _ value: (BoundTerms) -> Double
  ) -> LinePlot {
    let series = members.map { number in
      LinePlot.Series(
        name: runs[number].name,
        points: RatePath(runs[number]).points.map { (Double($0.step), value($0.terms)) },
        color: looks[number].color, isDashed: looks[number].isDashed, hasMarks: false,
        shape: looks[number].shape)
    }
    var plot = LinePlot(
      title: name, x: Axis(.logarithmic, covering: series.flatMap { $0.points.map(\.x) }),
      y: Axis(.linear, covering: series.flatMap { $0.points.map(\.y) }), xName: "step",
      yName: "nats", series: series)
    plot.hasLegend = false
    return plot
  }

  private var unitCurve: LinePlot? {
    let series = runs.enumerated().compactMap { number, run in
      UnitActivity(run).map { units in
        LinePlot.Series(
          name: run.name,
          points: (units.rates.last ?? []).enumerated().map { (Double($0.offset + 1), $0.element) },
          color: looks[number].color, isDashed: looks[number].isDashed, shape: looks[number].shape)
      }
    }
    guard !series.isEmpty else { return nil }
    var plot = LinePlot(
      title: "Rate of each unit at the end",
      x: Axis(.counted, covering: series.flatMap { $0.points.map(\.x) }),
      y: Axis(.linear, covering: series.flatMap { $0.points.map(\.y) } + [0]),
      xName: "place of the unit by rate", yName: "nats", series: series)
    plot.hasLegend = false
    return plot
  }

  // MARK: Settings

  private var settings: String {
    let differences = comparison.differences
    guard !differences.isEmpty else {
      return "<p>The recipes are the same.</p>"
    }
    // The shorter side goes across, so that a page or a sheet of paper holds it.
    guard differences.count > runs.count else {
      return VAEReport.table(
        caption: "Settings that are not the same in all recipes",
        header: ["run"] + differences.map { escaped($0.name) },
        rows: runs.enumerated().map { number, run in
          ["\(swatch(number))\(escaped(run.name))"] + differences.map { escaped($0.values[number]) }
        })
    }
    return VAEReport.table(
      caption: "Settings that are not the same in all recipes",
      header: ["setting"] + runs.map { escaped($0.name) },
      rows: differences.map { [escaped($0.name)] + $0.values.map(escaped) })
  }
}
