import VAECore
import VAEFiles

/// The part of a page in which one slider moves through the records of a run: latents, pictures,
/// units, histograms. The markup shows the last record, so that it can be printed and read without
/// a script; the data let the script show the others.
struct FramePanels {
  private let history: RunHistory
  private let cloud: CloudPanel?
  private let units: UnitActivity?
  private let means: HistogramPanel?
  private let deviations: HistogramPanel?
  private let codes: CodeUsagePanel?
  private let pictures: PicturePanel?
  private let traversals: TraversalPanel

  /// The panels of a run with records.
  init(_ history: RunHistory) throws {
    self.history = history
    cloud = CloudPanel(history)
    units = UnitActivity(history)
    let histograms = PosteriorHistograms([history])
    (means, deviations) = (histograms.means[0], histograms.deviations[0])
    codes = CodeUsagePanel(history)
    traversals = try TraversalPanel(history, bytes: TraversalPanel.budget)
    pictures = try Pictures.fitting(history, bytes: RunPage.pictureBudget).map {
      PicturePanel(history: history, pictures: $0)
    }
  }

  // MARK: Markup

  /// The panels.
  var markup: String {
    VAEReport.markup {
      "<p>What the model said about the same \(history.examples?.indices.count ?? 0) "
        + "\(escaped(history.heldOutName)) examples, at steps that lie ever further apart: measured and stored while it "
        + "was trained, with the same noise at every step. Whatever moves, moves because the weights do.</p>"
      Scrubber(
        count: history.records.count, name: "Record, from the first step to the last",
        text: text(of: history.records.count - 1)
      ).markup
      if let cloud {
        "<div class=\"frames\"><div>"
        cloud.figure
        "</div><div>"
        if let pictures { pictures.markup(of: "") }
        "</div></div>"
        CloudMoments(history: history, view: cloud.view, classes: cloud.colorings.first).markup
      } else {
        if let reason = history.reasonForNoCloud { "<p class=\"missing\">\(reason)</p>" }
        if let pictures { pictures.markup(of: "") }
      }
      if units != nil || means != nil || codes != nil {
        "<div class=\"plots wide\">"
        if let units { unitFigure(units) }
        if let means {
          histogram(
            means,
            note: "Over all units and examples; "
              + (history.isStandardNormal
                ? "units that say nothing have all of theirs at zero" : "the prior is not N(0, I)"))
        }
        if let deviations {
          histogram(
            deviations,
            note: history.isStandardNormal
              ? "A unit that says nothing has σ = 1, that of the prior; the more it says, the smaller"
              : "Over all units and examples; the prior is not N(0, I)")
        }
        if let codes { codes.figure }
        "</div>"
      }
      traversals.section
    }
  }

  private func text(of frame: Int) -> String { history.summary(of: frame, units: units) }

  private func unitFigure(_ units: UnitActivity) -> String {
    VAEReport.markup {
      "<figure><figcaption>Rate of each unit<small>In nats, by the last record. Filled: active (\(units.rule)); hollow: "
        + "collapsed."
        + (units.count > units.units.count
          ? " The \(units.units.count) units with the highest rate of \(units.count)." : "")
        + "</small></figcaption>"
      RateBars(units).markup
      "</figure>"
    }
  }

  private func histogram(_ panel: HistogramPanel, note: String) -> String {
    VAEReport.markup {
      "<figure><figcaption>\(panel.title)<small>\(note). Heights are counts relative to that of the fullest bin.</small></figcaption>"
      panel.markup(of: "")
      "</figure>"
    }
  }

  // MARK: Data

  /// What the script draws from.
  var data: String {
    var object: JSON.Object = [
      "frames": .array(
        history.records.indices.map { frame in
          .object([
            "step": .text(Numerals.grouped(history.records[frame].step)),
            "text": .text(text(of: frame)),
          ])
        }), "bars": PanelData.bars,
    ]
    for member in cloud?.data.members ?? [] { object[member.name] = member.value }
    if let units { object["units"] = RateBars(units).data }
    if let means { object["means"] = means.data }
    if let deviations { object["deviations"] = deviations.data }
    if let codes { object["codes"] = codes.data }
    if let walks = traversals.data { object["traversals"] = walks }
    if let pictures { object["pictures"] = pictures.data }
    return PanelData.text(object)
  }
}
