/// Means and standard deviations of the posteriors of some runs, over the same bins.
struct PosteriorHistograms {
  /// A panel for each run, nil where its posterior has no means of its own.
  private(set) var means: [HistogramPanel?]
  /// The same of standard deviations.
  private(set) var deviations: [HistogramPanel?]

  init(_ runs: [RunHistory]) {
    let values = runs.map { run in
      run.records.last?.means == nil ? nil : run.records.map { $0.means?.values ?? [] }
    }
    let reach = values.compactMap { $0.map(Self.reach) }.max() ?? 2
    means = zip(runs, values).map { run, values in
      values.map {
        HistogramPanel(
          histogram: Histogram($0, low: -reach, high: reach), id: "means",
          title: "Means μ of q(z|x)", unit: "μ", mark: run.isStandardNormal ? 0 : nil)
      }
    }
    deviations = runs.map { run in
      guard run.records.last?.means != nil else { return nil }
      let values = run.records.map { $0.variances?.values.map { $0.squareRoot() } ?? [] }
      return HistogramPanel(
        histogram: Histogram(values, low: 0, high: 1.5), id: "deviations",
        title: "Standard deviations σ of q(z|x)", unit: "σ", mark: run.isStandardNormal ? 1 : nil)
    }
  }

  /// How far nearly all values lie from zero.
  private static func reach(_ frames: [[Float]]) -> Double {
    let sizes = frames.joined().filter(\.isFinite).map(abs).sorted()
    let wide = sizes.isEmpty ? 1 : Double(sizes[Int(Double(sizes.count - 1) * 0.999)])
    return min(max(2, wide.rounded(.up)), 1000)
  }

  /// Gives all panels heights that can be compared.
  mutating func shareHeights() {
    means = Self.sharing(means)
    deviations = Self.sharing(deviations)
  }

  private static func sharing(_ panels: [HistogramPanel?]) -> [HistogramPanel?] {
    let top = panels.compactMap { $0?.histogram.largestShare }.max() ?? 1
    return panels.map { panel in
      panel.map {
        var panel = $0
        panel.heights = .shares(top: top)
        return panel
      }
    }
  }
}
