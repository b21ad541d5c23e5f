import VAECore
import VAEFiles
import VAETraining

/// What each latent does, at the record that the slider shows.
struct TraversalPanel {
  private let pictures: TraversalPictures?
  private let history: RunHistory
  private let prefix: String

  /// Bytes that the pictures of a page may take.
  static let budget = 450_000

  /// The panel of a run.
  ///
  /// - Parameters:
  ///   - budget: bytes that its pictures may take.
  ///   - prefix: begins the names of its elements, on a page about several runs; on that about one
  ///     the last picture is shown in any case.
  init(_ history: RunHistory, bytes budget: Int, prefix: String = "") throws {
    self.history = history
    self.prefix = prefix
    pictures = try TraversalPictures.fitting(history, bytes: budget, keepsLast: prefix.isEmpty)
  }

  /// The part of a page about one run, with why there is no panel where there is none; empty for a
  /// model without latents.
  var section: String {
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
    VAEReport.markup {
      "<p>\(text(pictures))</p>"
      "<figure class=\"walks\"><figcaption>\(pictures.isOfCodes ? "Other codes in one place" : "One unit at a time")"
        + "</figcaption>"
      walk(pictures, of: "")
      "</figure>"
    }
  }

  /// The rows of images with their labels; nil where there are none.
  ///
  /// - Parameter owner: whose they are, for those who do not see where they stand.
  func walk(of owner: String) -> String? { pictures.map { walk($0, of: owner) } }

  private func walk(_ pictures: TraversalPictures, of owner: String) -> String {
    let labels = pictures.labels.last ?? []
    let rows = labels.map { lines in
      "<li>\(lines.map { "<span>\(escaped($0))</span>" }.joined())</li>"
    }
    let heads = pictures.columns.map { "<span>\(escaped($0))</span>" }
    let alt =
      (pictures.isOfCodes
        ? "Images with one code of the grid changed, a row for each place"
        : "Images with one unit swept over its prior, a row for each unit")
      + (owner.isEmpty ? "" : ", of \(escaped(owner))")
    let step = Numerals.grouped(history.records[pictures.frames.last ?? 0].step)
    return VAEReport.markup {
      "<div class=\"walk\"><span class=\"corner\">\(pictures.isOfCodes ? "place" : "prior below")</span>"
        + "<div class=\"heads\" aria-hidden=\"true\">\(heads.joined())</div>"
      "<ul id=\"\(prefix)walk-labels\">\(rows.joined())</ul>"
      "<img id=\"\(prefix)walk-picture\" src=\"\(pictures.uris.last ?? "")\" width=\"\(pictures.width)\" alt=\"\(alt)\"></div>"
      "<p class=\"note\">Traversals <span id=\"\(prefix)walk-step\">after \(step) steps</span>"
        + (pictures.frames.count < history.records.count
          ? "; to keep this page small they are of \(pictures.frames.count) of the "
            + "\(history.records.count) records"
          : "") + ".</p>"
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
        "uris": PanelData.pictures(pictures.uris),
        "labels": .array(
          pictures.labels.map { .array($0.map { .array($0.map(JSON.text)) }) }),
      ])
    }
  }
}
