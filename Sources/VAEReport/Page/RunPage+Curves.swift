import VAETraining

extension RunPage {
  /// The terms of the bound that have a curve each.
  static let terms: [(name: String, value: @Sendable (BoundTerms) -> Double)] = [
    ("−ELBO", { -$0.elbo }), ("distortion", { $0.distortion }), ("rate", { $0.rate }),
  ]

  /// Learning curves: from the first step on a logarithmic scale, then by epoch.
  var curves: String {
    markup {
      Self.overLatentsNote(history)
      if !history.records.isEmpty {
        "<h3>From the first update</h3>"
        "<p class=\"note\">Steps are on a logarithmic scale, since most happens early. Held-out numbers are of the same "
          + "\(Numerals.counted(history.examples?.indices.count ?? 0, "example")) of the \(escaped(history.heldOutName)) split at every record; those of "
          + "training are of the batch of that update.</p>"
        "<div class=\"plots\">"
        Self.terms.map { recorded($0.name, $0.value).figure }
        "</div>"
      }
      if !history.epochs.isEmpty {
        "<h3>By epoch</h3>"
        "<p class=\"note\">Training: the mean over the updates of the epoch. Held-out: the whole "
          + "\(escaped(history.heldOutName)) split at its end.</p>"
        "<div class=\"plots\">"
        Self.terms.map { byEpoch($0.name, $0.value).figure }
        "</div>"
        metricsTable
      }
    }
  }

  private func recorded(_ name: String, _ value: (BoundTerms) -> Double) -> LinePlot {
    let records = history.records
    let heldOut = records.map { (x: Double($0.step), y: value($0.heldOut)) }
    let batches = records.compactMap { record in
      record.batch.map { (x: Double(record.step), y: value($0)) }
    }
    return LinePlot(
      title: name, x: Axis(.logarithmic, covering: records.map { Double($0.step) }),
      y: Axis(.linear, covering: (heldOut + batches).map(\.y)), xName: "step", yName: "nats",
      series: [
        LinePlot.Series(
          name: history.heldOutName, points: heldOut, color: 0,
          notes: heldOut.map { "step \(Numerals.plain($0.x, 0)): \(Numerals.short($0.y)) nats" }),
        LinePlot.Series(
          name: "training batch", points: batches, color: 1, isDashed: true, hasMarks: false),
      ].filter(\.isSeen))
  }

  private func byEpoch(_ name: String, _ value: (BoundTerms) -> Double) -> LinePlot {
    let train = history.epochs.map { (x: Double($0.number), y: value($0.train)) }
    let heldOut = history.epochs.compactMap { epoch in
      epoch.heldOut.map { (x: Double(epoch.number), y: value($0)) }
    }
    // The first epoch's mean holds the fall from the start, which would flatten all the rest.
    let shown = history.epochs.count > 4 ? Array(train.dropFirst()) : train
    let epochs = history.epochs.map { Double($0.number) }
    var series = [
      LinePlot.Series(
        name: "training", points: train, color: 1, isDashed: true,
        hasMarks: train.count <= 12)
    ]
    if !heldOut.isEmpty {
      series.insert(
        LinePlot.Series(
          name: history.heldOutName, points: heldOut, color: 0, hasMarks: heldOut.count <= 12,
          notes: heldOut.map { "epoch \(Numerals.plain($0.x, 0)): \(Numerals.short($0.y)) nats" }),
        at: 0)
    }
    return LinePlot(
      title: name,
      x: Self.epochAxis(from: epochs.first ?? 0, to: epochs.last ?? 1),
      y: Axis(.linear, covering: (shown + heldOut).map(\.y)), xName: "epoch", yName: "nats",
      series: series.filter(\.isSeen))
  }

  /// From the first epoch to the last; a single one stands in the middle, where it is seen.
  private static func epochAxis(from first: Double, to last: Double) -> Axis {
    first < last ? Axis(.counted, first, last) : Axis(.counted, first - 1, first + 1)
  }

  private var metricsTable: String {
    let rows = history.epochs.map { epoch in
      ["\(epoch.number)", Numerals.grouped(epoch.step)]
        + [epoch.train, epoch.heldOut].flatMap { terms in
          Self.terms.map { term in terms.map { Numerals.fixed(term.value($0), 2) } ?? "–" }
        } + [Numerals.fixed(epoch.seconds, 1)]
    }
    let held = escaped(history.heldOutName)
    let table = table(
      caption: "Metrics by epoch, in nats per example",
      header: ["epoch", "step"]
        + ["training", held].flatMap { split in Self.terms.map { "\(split) \($0.name)" } }
        + ["seconds"], rows: rows)
    return
      "<details><summary>The numbers</summary>\(table.replacing("class=\"table\"", with: "class=\"table tall\""))</details>"
  }

  // MARK: The plane

  /// The path of the run in the plane of rate and distortion.
  var plane: String {
    let path = RatePath(history)
    return markup {
      "<p>Each point is a record; the path goes from the first step to the last. Points on a dotted line have the same "
        + "−ELBO: what the run gains in distortion it pays in rate.</p>"
      "<div class=\"plots wide\">"
      RatePath.plot(
        [path], title: "The whole path", labelled: true
      ).figure
      if path.points.count > 6 {
        RatePath.plot([path.end], title: "Where it came to rest", labelled: true).figure
      }
      "</div>"
    }
  }
}

/// The way of a run through the plane of rate and distortion.
package struct RatePath {
  let name: String
  var look = Comparison.Look(color: 0, isDashed: false, mark: 0, recipe: "", label: "")
  let points: [(step: Int, terms: BoundTerms)]

  init(_ history: RunHistory) {
    name = history.name
    points =
      history.records.isEmpty
      ? history.epochs.map { ($0.step, $0.heldOut ?? $0.train) }
      : history.records.map { ($0.step, $0.heldOut) }
  }

  /// Some points of a path.
  private init(_ path: RatePath, points: [(step: Int, terms: BoundTerms)]) {
    name = path.name
    look = path.look
    self.points = points
  }

  /// The last point alone.
  var last: RatePath { RatePath(self, points: Array(points.suffix(1))) }

  /// The part at the end in which −ELBO was within a twelfth of what it fell by in all.
  var end: RatePath {
    let bounds = points.map { -$0.terms.elbo }
    guard let last = bounds.last, let first = bounds.first(where: \.isFinite) else { return self }
    let near = bounds.lastIndex { !($0 <= last + max(abs(first - last) / 12, 1e-3)) } ?? -1
    return RatePath(self, points: Array(points[min(near + 1, max(0, points.count - 4))...]))
  }

  /// Paths over a background of lines of equal −ELBO.
  package static func plot(_ paths: [RatePath], title: String, labelled: Bool) -> LinePlot {
    let all = paths.flatMap { $0.points.map(\.terms) }
    let x = Axis(.linear, covering: all.map(\.rate), margin: 0.08)
    let y = Axis(.linear, covering: all.map(\.distortion), margin: 0.08)
    var plot = LinePlot(
      title: title, x: x, y: y, xName: "rate (nats)", yName: "distortion (nats)",
      series: paths.map { path in
        LinePlot.Series(
          name: path.name, points: path.points.map { ($0.terms.rate, $0.terms.distortion) },
          color: path.look.color, isDashed: path.look.isDashed, shape: path.look.shape,
          notes: path.points.map {
            "step \(Numerals.grouped($0.step)): distortion \(Numerals.short($0.terms.distortion)) + rate "
              + "\(Numerals.short($0.terms.rate)) = \(Numerals.short(-$0.terms.elbo))"
          })
      }, width: 400, height: 320)
    plot.guides = guides(x, y)
    if labelled, let path = paths.first { plot.labels = path.labels(x, y) }
    return plot
  }

  /// Steps beside points that lie far enough from the one labelled before.
  private func labels(_ x: Axis, _ y: Axis) -> [(x: Double, y: Double, text: String)] {
    var labels: [(x: Double, y: Double, text: String)] = []
    var places: [(x: Double, y: Double)] = []
    for (number, point) in points.enumerated().reversed() {
      let place = (x.place(point.terms.rate), y.place(point.terms.distortion))
      let isFar = places.allSatisfy { abs($0.x - place.0) > 0.14 || abs($0.y - place.1) > 0.08 }
      guard isFar, place.0.isFinite, place.1.isFinite else { continue }
      places.append(place)
      let text =
        number == points.count - 1
        ? "step \(Numerals.grouped(point.step))" : Numerals.grouped(point.step)
      labels.append((point.terms.rate, point.terms.distortion, text))
    }
    return labels
  }

  /// Lines of equal distortion + rate across the plane.
  private static func guides(_ x: Axis, _ y: Axis) -> [LinePlot.Guide] {
    let sums = Axis(.linear, x.low + y.low, x.high + y.high)
    return sums.ticks.compactMap { sum, text in
      // From the left or upper edge to the right or lower one.
      let from = sum - y.high > x.low ? (sum - y.high, y.high) : (x.low, sum - x.low)
      let to = sum - y.low < x.high ? (sum - y.low, y.low) : (x.high, sum - x.high)
      guard to.0 > from.0 else { return nil }
      return LinePlot.Guide(from: from, to: to, text: "−ELBO \(text)")
    }
  }
}
