import VAECore
import VAETraining

/// The page about several runs side by side.
struct ComparisonPage {
  let comparison: Comparison

  private var runs: [RunHistory] { comparison.runs }

  /// The document.
  func document() throws -> String {
    PageShell(
      title: "\(runs.count) runs compared", lead: lead,
      sections: [
        PageShell.Section(id: "table", title: "At the end", body: finalTable),
        PageShell.Section(id: "plane", title: "Rate and distortion", body: plane),
        PageShell.Section(id: "curves", title: "Learning curves", body: curves),
        PageShell.Section(id: "pictures", title: "Pictures", body: try pictures),
        PageShell.Section(id: "settings", title: "What differs", body: settings),
      ]
    ).document
  }

  private var lead: String {
    let names = runs.enumerated().map { number, run in
      "<li>\(swatch(number))\(escaped(run.name)) (\(escaped(run.variant)))</li>"
    }
    return "<ul class=\"legend\">\(names.joined())</ul>"
  }

  private func swatch(_ number: Int) -> String {
    "<span class=\"swatch\" style=\"background:var(--s\(number % 8))\"></span>"
  }

  // MARK: Table

  private var finalTable: String {
    let table = comparison.table
    return markup {
      if let note = comparison.note { "<p class=\"missing\">\(escaped(note))</p>" }
      VAEReport.table(
        caption: "Held-out numbers at the end of each run, in nats an example",
        header: table.header.map(escaped),
        rows: table.rows.enumerated().map { number, row in
          ["\(swatch(number))\(escaped(row[0]))"] + row.dropFirst().map(escaped)
        })
      if let seeds = comparison.seedTable {
        VAEReport.table(
          caption: "Mean and standard deviation over the seeds of each recipe, in nats an example",
          header: seeds.header.map(escaped), rows: seeds.rows.map { $0.map(escaped) })
      }
    }
  }

  // MARK: Plots

  private var plane: String {
    let paths = runs.enumerated().map { RatePath($0.element, color: $0.offset) }
    var ends = RatePath.plot(
      paths.map(\.last), title: "Where each run ended", labelled: false)
    ends.labels = paths.compactMap { path in
      path.points.last.map { ($0.terms.rate, $0.terms.distortion, path.name) }
    }
    return markup {
      "<p>Points on a dotted line have the same −ELBO. A run to the lower left of another is better on both counts; along a "
        + "line they are as good, one with more of what it knows in the latents.</p>"
      "<div class=\"plots wide\">"
      ends.figure
      RatePath.plot(paths.map(\.end), title: "How they came to rest", labelled: false).figure
      "</div>"
    }
  }

  private var curves: String {
    return markup {
      "<p class=\"note\">Held-out, from the first update on; steps on a logarithmic scale.</p>"
      "<div class=\"plots\">"
      RunPage.terms.map { term in curve(term.name, term.value).figure }
      if let units = unitCurve { units.figure }
      "</div>"
    }
  }

  private func curve(_ name: String, _ value: (BoundTerms) -> Double) -> LinePlot {
    let series = runs.enumerated().map { number, run in
      LinePlot.Series(
        name: run.name,
        points: RatePath(run).points.map { (Double($0.step), value($0.terms)) },
        color: number % 8, isDashed: number >= 8, hasMarks: false)
    }
    return LinePlot(
      title: name, x: Axis(.logarithmic, covering: series.flatMap { $0.points.map(\.x) }),
      y: Axis(.linear, covering: series.flatMap { $0.points.map(\.y) }), xName: "step",
      yName: "nats", series: series)
  }

  private var unitCurve: LinePlot? {
    let series = runs.enumerated().compactMap { number, run in
      UnitActivity(run).map { units in
        LinePlot.Series(
          name: run.name,
          points: (units.rates.last ?? []).enumerated().map { (Double($0.offset + 1), $0.element) },
          color: number % 8, isDashed: number >= 8)
      }
    }
    guard !series.isEmpty else { return nil }
    return LinePlot(
      title: "Rate of each unit at the end",
      x: Axis(.counted, covering: series.flatMap { $0.points.map(\.x) }),
      y: Axis(.linear, covering: series.flatMap { $0.points.map(\.y) } + [0]),
      xName: "units by rate", yName: "nats", series: series)
  }

  // MARK: Pictures

  private var pictures: String {
    get throws {
      let budget = RunPage.pictureBudget / max(1, runs.count)
      let figures = try runs.enumerated().map { number, run -> String in
        let head = "<h3>\(swatch(number))\(escaped(run.name))</h3>"
        guard !run.records.isEmpty else {
          return head
            + "<p class=\"missing\">This run has no records, so there are no pictures of it; train it again without "
            + "<code>--no-records</code>, or continue it for more epochs.</p>"
        }
        guard let pictures = try Pictures.fitting(run, bytes: budget, onlyLast: true) else {
          return head + "<p class=\"missing\">Its images cannot be shown.</p>"
        }
        func image(_ title: String, _ source: String?) -> String {
          guard let source else { return "" }
          return
            "<figure><figcaption>\(title)</figcaption><img src=\"\(source)\" width=\"\(pictures.width)\" "
            + "alt=\"\(title) of \(escaped(run.name))\"></figure>"
        }
        return head + "<div class=\"pictures\">" + image("Held-out images", pictures.originals)
          + image("Reconstructed", pictures.uris[.reconstructions]?.last)
          + image("Samples", pictures.uris[.samples]?.last) + "</div>"
      }
      return figures.joined(separator: "\n")
    }
  }

  // MARK: Settings

  private var settings: String {
    let differences = comparison.differences
    guard !differences.isEmpty else {
      return "<p>The recipes are the same.</p>"
    }
    return VAEReport.table(
      caption: "Settings that are not the same in all recipes",
      header: ["setting"] + runs.map { escaped($0.name) },
      rows: differences.map { [escaped($0.name)] + $0.values.map(escaped) })
  }
}
