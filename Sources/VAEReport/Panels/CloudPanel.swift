import VAECore
import VAEFiles

/// Latents of the recorded examples in a plane, against the prior, at the record that the slider
/// shows.
struct CloudPanel {
  /// What can be shown; the first is what the page begins with.
  var views: [LatentView]
  /// What points can be coloured by.
  let colorings: [Coloring]
  /// Begins the names of its elements, where a page has several.
  var prefix = ""

  /// The panel of a run; nil where it has no latents that lie in a plane.
  ///
  /// - Parameter points: examples that are shown at most.
  init?(_ history: RunHistory, points: Int = .max) {
    views = LatentView.views(of: history).map { $0.prefix(points) }
    colorings = Coloring.colorings(of: history).map { $0.prefix(points) }
    guard !views.isEmpty else { return nil }
  }

  /// The view that the page begins with.
  var view: LatentView { views[0] }

  /// The figure of a page about one run.
  var figure: String {
    VAEReport.markup {
      "<figure><figcaption>Aggregate posterior against the prior<small>"
        + "<span id=\"\(prefix)view-note\">\(escaped(view.note))</span></small></figcaption>"
      "<div class=\"controls\">"
      if views.count > 1 { Self.select("view", "Show", views.map(\.name)) }
      if colorings.count > 1 { Self.coloringSelect(colorings) }
      "</div>"
      drawing(of: "")
      key
      "</figure>"
    }
  }

  /// The plane with its points at the last record.
  ///
  /// - Parameter owner: whose latents they are, for those who do not see where it stands.
  func drawing(of owner: String) -> String {
    let points = view.frames.last ?? []
    let classes = colorings.first
    let dots = points.enumerated().map { number, point in
      let color = classes.map { $0.colors[Int($0.classes[number])] } ?? "s0"
      return "<circle class=\"dot \(color)\" r=\".0155\" \(place(point))/>"
    }
    let prior = view.prior.last?.map { "<circle class=\"prior\" r=\".011\" \(place($0))/>" } ?? []
    let rings = [1.0, 2, 3].map {
      "<circle class=\"ring\" data-radius=\"\($0)\" r=\"\($0 / view.extent)\" vector-effect=\"non-scaling-stroke\"/>"
    }
    return VAEReport.markup {
      "<svg id=\"\(prefix)cloud\" class=\"cloud\" viewBox=\"-1.03 -1.03 2.06 2.06\" role=\"img\" "
        + "aria-label=\"Latents\(owner.isEmpty ? "" : " of \(escaped(owner)),") of \(points.count) examples in a plane, "
        + "against the prior\">"
      "<path class=\"g\" d=\"M-1 0H1M0-1V1\" vector-effect=\"non-scaling-stroke\"/>"
      "<g class=\"rings\"\(view.prior.isEmpty ? "" : " style=\"display:none\"")>\(rings.joined())</g>"
      "<g class=\"priors\">\(prior.joined())</g>"
      "<g>\(dots.joined())</g>"
      "<text class=\"axis\" id=\"\(prefix)axis-x\" x=\"1.02\" y=\"1.01\" text-anchor=\"end\">\(escaped(view.axes[0]))</text>"
        + "<text class=\"axis\" id=\"\(prefix)axis-y\" x=\"-1.02\" y=\"-.975\">\(escaped(view.axes[1]))</text></svg>"
    }
  }

  private func place(_ point: (x: Double, y: Double)) -> String {
    func text(_ value: Double) -> String {
      let number = max(-1, min(1, value / view.extent))
      return "\((number * 1000).rounded() / 1000)"
    }
    let isSomewhere = point.x.isFinite && point.y.isFinite
    return
      "cx=\"\(text(point.x))\" cy=\"\(text(-point.y))\"\(isSomewhere ? "" : " style=\"display:none\"")"
  }

  /// What the colours stand for.
  var key: String {
    "<div class=\"key\" id=\"\(prefix)key\" role=\"group\" aria-label=\"Classes; press one to see it alone\">"
      + (colorings.first?.key ?? "") + "</div>"
  }

  /// A choice of what points are coloured by.
  static func coloringSelect(_ colorings: [Coloring]) -> String {
    select("coloring", "Colour by", colorings.map(\.name))
  }

  private static func select(_ id: String, _ label: String, _ names: [String]) -> String {
    "<label>\(label) <select id=\"\(id)\">"
      + names.map { "<option>\(escaped($0))</option>" }.joined() + "</select></label>"
  }

  // MARK: Data

  /// What the script draws from.
  var data: JSON.Object {
    [
      "views": .array(
        views.map { view in
          .object([
            "note": .text(view.note), "axes": .array(view.axes.map(JSON.text)),
            "extent": .number(view.extent),
            "points": PanelData.base64(LatentView.packed(view.frames, extent: view.extent)),
            "prior": view.prior.count == view.frames.count
              ? PanelData.base64(LatentView.packed(view.prior, extent: view.extent)) : .null,
          ])
        }),
      "colorings": .array(colorings.map(\.json)),
    ]
  }
}
