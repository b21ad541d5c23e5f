import VAECore
import VAETraining

/// What each latent does, at the record that the slider shows.
struct TraversalPanel {
  private let pictures: TraversalPictures?
  private let history: RunHistory

  /// Bytes that its pictures may take of the page.
  static let budget = 450_000

  init(_ history: RunHistory) throws {
    self.history = history
    pictures = try TraversalPictures.fitting(history, bytes: Self.budget)
  }

  /// The panel, or why there is none; empty for a model without latents.
  var markup: String {
    guard history.records.contains(where: { !$0.layerRates.isEmpty }) else { return "" }
    return VAEReport.markup {
      "<h3 id=\"traversals\">Traversals</h3>"
      if let pictures { panel(pictures) } else { "<p class=\"missing\">\(missing)</p>" }
    }
  }

  private var missing: String {
    let isSwept = history.records.last.map { !$0.unitRates.isEmpty || $0.codeCounts != nil }
    return isSwept == true
      ? "The records have no traversals that can be shown: they were made before there were any, or the images are "
        + "too large for a record. <code>vae-zoo traverse</code> draws them with the weights of the last checkpoint."
      : "The prior has no rate of each unit to order traversals by, or no quantiles to sweep units over."
  }

  private func panel(_ pictures: TraversalPictures) -> String {
    let labels = pictures.labels.last ?? []
    let rows = labels.map { lines in
      "<li>\(lines.map { "<span>\(escaped($0))</span>" }.joined())</li>"
    }
    let heads = pictures.columns.map { "<span>\(escaped($0))</span>" }
    let alt =
      pictures.isOfCodes
      ? "Images with one code of the grid changed, a row for each place"
      : "Images with one unit swept over its prior, a row for each unit"
    return VAEReport.markup {
      "<p>\(text(pictures))</p>"
      "<figure class=\"walks\"><figcaption>\(pictures.isOfCodes ? "Other codes in one place" : "One unit at a time")"
        + "</figcaption><div class=\"walk\"><span class=\"corner\">"
        + (pictures.isOfCodes ? "place" : "prior below") + "</span>"
        + "<div class=\"heads\" aria-hidden=\"true\">\(heads.joined())</div>"
      "<ul id=\"walk-labels\">\(rows.joined())</ul>"
      "<img id=\"walk-picture\" src=\"\(pictures.uris.last ?? "")\" width=\"\(pictures.width)\" alt=\"\(alt)\"></div>"
      "<p class=\"note\">Traversals <span id=\"walk-step\">after "
        + "\(Numerals.grouped(history.records[pictures.frames.last ?? 0].step)) steps</span>"
        + (pictures.frames.count < history.records.count
          ? "; to keep this page small they are of \(pictures.frames.count) of the \(history.records.count) records"
          : "") + ".</p></figure>"
    }
  }

  private func text(_ pictures: TraversalPictures) -> String {
    guard !pictures.isOfCodes else {
      return
        "The codes of the first held-out image, decoded with one of them changed. In each row one place of the grid has "
        + "its own code, then others, the most frequent first; the places that change the image most come first."
    }
    let isDeep = (history.records.last?.unitRates.count ?? 1) > 1
    return
      "In each row one unit runs over its prior, and the header says which share of the prior lies below it; all others "
      + "stay in the middle of theirs"
      + (isDeep
        ? ", those of the levels below are drawn anew with the same random numbers in every image"
        : "")
      + ". Units come by rate, the largest first\(isDeep ? ", the top level before the others" : ""): one that says "
      + "nothing changes nothing."
  }

  /// What the script draws from; nil where nothing is drawn.
  var data: JSON? {
    pictures.map { pictures in
      .object([
        "frames": .array(pictures.frames.map(JSON.integer)),
        "uris": .array(pictures.uris.map(JSON.text)),
        "labels": .array(
          pictures.labels.map { .array($0.map { .array($0.map(JSON.text)) }) }),
      ])
    }
  }
}
