import VAECore
import VAEEvaluation

/// The page about one run.
struct RunPage {
  let history: RunHistory
  /// Whether it will be written again while the run is trained.
  var isLive = false

  /// Bytes that pictures may take of the page.
  static let pictureBudget = 1_200_000

  /// The document.
  func document() throws -> String {
    let frames = try history.records.isEmpty ? nil : FramePanels(history)
    var sections = [
      PageShell.Section(id: "curves", title: "Learning curves", body: curves),
      PageShell.Section(id: "plane", title: "Rate and distortion", body: plane),
    ]
    if let frames {
      sections.append(
        PageShell.Section(id: "training", title: "Through training", body: frames.markup))
    } else {
      sections.append(
        PageShell.Section(id: "training", title: "Through training", body: missingRecords))
    }
    if let layers { sections.append(layers) }
    sections.append(
      PageShell.Section(id: "evaluations", title: "Evaluations", body: evaluations))
    sections.append(PageShell.Section(id: "run", title: "The run", body: facts))
    return PageShell(
      title: "\(history.variant): \(history.name)", lead: lead, sections: sections,
      data: frames?.data, isLive: isLive
    ).document
  }

  private var missingRecords: String {
    "<p class=\"missing\">This run has no records: it was trained with <code>--no-records</code>, or before there were "
      + "any. Latents, rates of units, reconstructions and samples through training cannot be shown. Train it again "
      + "without that option, or continue it for more epochs with <code>train --resume</code>, to have them.</p>"
  }

  // MARK: The top

  private var lead: String {
    markup {
      "<p class=\"lead\">\(escaped(leadText))</p>"
      "<dl class=\"tiles\">"
      tiles.map { name, value, note in
        "<div><dt>\(name)</dt><dd>\(value)\(note.isEmpty ? "" : "<small>\(escaped(note))</small>")</dd></div>"
      }
      "</dl>"
    }
  }

  private var leadText: String {
    var parts: [String] = []
    if let data = history.data { parts.append("trained on \(data)") }
    let planned = history.plannedSteps.map { " of \(Numerals.grouped($0))" } ?? ""
    parts.append(
      history.isFinished
        ? "\(Numerals.counted(history.step, "step")), finished"
        : "\(Numerals.grouped(history.step))\(planned) steps so far")
    if let time = history.sessions.first?["time"]?.integer {
      parts.append("begun \(Numerals.moment(time))")
    }
    return parts.joined(separator: " · ")
  }

  /// What to say of a run that trained a prior on latents alone; empty for others.
  static func overLatentsNote(_ history: RunHistory) -> String {
    guard history.isOverLatents else { return "" }
    return
      "<p class=\"note\">This stage was trained on latents alone, so that no image was decoded in an update: distortion and "
      + "−ELBO are of held-out images only, and the rate is all that training has.</p>"
  }

  private var tiles: [(name: String, value: String, note: String)] {
    var tiles: [(name: String, value: String, note: String)] = []
    if let final = history.final {
      let of = history.epochs.last?.heldOut != nil ? "\(history.heldOutName) examples" : ""
      tiles.append(("−ELBO", Numerals.fixed(-final.elbo, 2), of))
      tiles.append(("distortion", Numerals.fixed(final.distortion, 2), "−log p(x|z)"))
      tiles.append(("rate", Numerals.fixed(final.rate, 2), "the price of the latents"))
    }
    if let units = UnitActivity(history), let active = units.activeCounts.last {
      tiles.append(("active units", "\(active)", "of \(units.count)"))
    }
    for (number, value) in history.epochs.last?.numbers ?? [] {
      // Records say it too, and of how many.
      if tiles.contains(where: { $0.name == number.title }) { continue }
      let codes = history.records.last?.codeCounts?.count
      let isOfCodes = number.name == CodebookPerplexityMetric.descriptor.name
      tiles.append(
        (
          number.title, Numerals.fixed(value, number.decimals),
          isOfCodes ? codes.map { "of \($0) codes" } ?? "" : ""
        ))
    }
    if let last = history.epochs.last {
      tiles.append(
        ("epochs", "\(last.number)", "\(Numerals.duration(history.seconds)) of training"))
    }
    return tiles
  }

  // MARK: Rate per layer, codes in use

  private var layers: PageShell.Section? {
    let records = history.records
    guard let last = records.last else { return nil }
    let steps = records.map { Double($0.step) }
    let x = Axis(.logarithmic, covering: steps)
    if last.layerRates.count > 1 {
      let series = last.layerRates.indices.map { level in
        LinePlot.Series(
          name: "\(TraversedLatent.levelName(level))\(level == 0 ? " (nearest to the data)" : "")",
          points: records.map { (Double($0.step), $0.layerRates[level]) }, color: level % 8,
          isDashed: level >= 8)
      }
      let rates = series.flatMap { $0.points.map(\.y) }
      let plot = LinePlot(
        title: "Rate of each level", x: x, y: Axis(.linear, covering: rates + [0]),
        xName: "step", yName: "nats", series: series, width: 400, height: 260)
      return PageShell.Section(
        id: "levels", title: "Rate per level",
        body:
          "<p>What each stochastic layer says about an example. A level near zero says nothing.</p>"
          + plot.figure)
    }
    guard let codes = last.codeCounts?.count else { return nil }
    let usages = records.map { Self.usage($0.codeCounts ?? []) }
    let used = LinePlot.Series(
      name: "codes in use", points: zip(steps, usages).map { ($0, Double($1.used)) }, color: 1,
      isDashed: true)
    let perplexity = LinePlot.Series(
      name: "perplexity", points: zip(steps, usages).map { ($0, $1.perplexity) }, color: 0)
    let plot = LinePlot(
      title: "Use of the codebook", x: x,
      y: Axis(.linear, covering: usages.flatMap { [Double($0.used), $0.perplexity] } + [0]),
      xName: "step", yName: "codes", series: [perplexity, used], width: 400, height: 260)
    return PageShell.Section(
      id: "codebook", title: "Codebook",
      body:
        "<p>Of \(codes) codes, over \(Numerals.counted(history.examples?.indices.count ?? 0, "recorded example")). The perplexity is "
        + "the number of codes that would be in use if all in use were equally frequent.</p>"
        + plot.figure)
  }

  static func usage(_ counts: [Int32]) -> (used: Int, perplexity: Double) {
    let usage = CodeUsage(counts: counts.map(Int.init))
    return (usage.used, usage.perplexity)
  }
}
