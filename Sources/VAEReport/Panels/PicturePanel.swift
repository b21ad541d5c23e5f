import VAECore
import VAEFiles

/// Held-out images, what the model makes of them, and samples, at the record that the slider shows.
struct PicturePanel {
  let history: RunHistory
  let pictures: Pictures
  /// Begins the names of its elements, where a page has several.
  var prefix = ""

  /// - Parameter owner: whose pictures they are, for those who do not see where they stand.
  func markup(of owner: String) -> String {
    let ending = owner.isEmpty ? "" : ", of \(owner),"
    return VAEReport.markup {
      "<div class=\"pictures\">"
      if let originals = pictures.originals {
        image(
          "originals", "Held-out images", originals,
          "\(Numerals.counted(pictures.count, "example")) of the \(history.heldOutName) split\(ending)"
        )
      }
      Pictures.Kind.allCases.compactMap { kind in
        guard let uri = pictures.uris[kind]?.last else { return nil }
        let text = text(kind)
        return image(kind.rawValue, text.title, uri, text.alt + ending)
      }
      "</div><p class=\"note\">Pictures <span id=\"\(prefix)picture-step\">after "
        + "\(Numerals.counted(history.records[pictures.frames.last ?? 0].step, "step"))</span>"
        + (pictures.frames.count < history.records.count
          ? "; to keep this page small there are pictures of \(pictures.frames.count) of the "
            + "\(history.records.count) records" : "")
        + ". Samples come from the same noise at every step.</p>"
    }
  }

  private func image(_ id: String, _ title: String, _ source: String, _ alt: String) -> String {
    "<figure><figcaption>\(title)</figcaption><img id=\"\(prefix)\(id)\" src=\"\(source)\" "
      + "width=\"\(pictures.width)\" alt=\"\(escaped(alt))\" data-alt=\"\(escaped(alt))\"></figure>"
  }

  private func text(_ kind: Pictures.Kind) -> (title: String, alt: String) {
    switch kind {
    case .reconstructions:
      (
        "Reconstructed",
        "What the model makes of the \(pictures.count) examples, in the same order,"
      )
    case .samples:
      ("Samples", "Images made of \(Numerals.counted(pictures.count, "draw")) from the prior")
    case .codes: ("Their codes", "Maps of the codes of the examples")
    }
  }

  /// What the script draws from.
  var data: JSON {
    var uris: JSON.Object = [:]
    for (kind, list) in pictures.uris.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      uris[kind.rawValue] = PanelData.pictures(list)
    }
    return .object([
      "frames": .array(pictures.frames.map(JSON.integer)), "uris": .object(uris),
    ])
  }
}
