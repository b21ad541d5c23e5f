import FoundationEssentials
import VAECore
import VAETraining

/// The part of a page in which one slider moves through the records: latents, pictures, units,
/// histograms. The markup shows the last record, so that it can be printed and read without a
/// script; the data let the script show the others.
struct FramePanels {
  private let history: RunHistory
  private let views: [LatentView]
  private let colorings: [Coloring]
  private let units: UnitActivity?
  private let means: Histogram?
  private let deviations: Histogram?
  private let codes: CodeUsagePanel?
  private let pictures: Pictures?
  private let traversals: TraversalPanel

  /// The panels of a run with records.
  init(_ history: RunHistory) throws {
    self.history = history
    views = LatentView.views(of: history)
    colorings = Coloring.colorings(of: history)
    units = UnitActivity(history)
    (means, deviations) = Self.histograms(history)
    codes = CodeUsagePanel(history)
    traversals = try TraversalPanel(history)
    pictures = try Pictures.fitting(history, bytes: RunPage.pictureBudget)
  }

  private static func histograms(_ history: RunHistory) -> (Histogram?, Histogram?) {
    guard history.records.last?.means != nil else { return (nil, nil) }
    let means = history.records.map { $0.means?.values ?? [] }
    let sizes = means.joined().filter(\.isFinite).map(abs).sorted()
    let wide = sizes.isEmpty ? 1 : Double(sizes[Int(Double(sizes.count - 1) * 0.999)])
    let reach = min(max(2, wide.rounded(.up)), 1000)
    let deviations = history.records.map { $0.variances?.values.map { $0.squareRoot() } ?? [] }
    return (
      Histogram(means, low: -reach, high: reach), Histogram(deviations, low: 0, high: 1.5)
    )
  }

  /// Whether the prior of the recorded units is the standard normal distribution.
  private var isStandardNormal: Bool { history.records.last?.priorDraws.isEmpty ?? true }

  // MARK: Markup

  private var lastFrame: Int { history.records.count - 1 }

  /// The panels.
  var markup: String {
    VAEReport.markup {
      "<p>What the model said about the same \(history.examples?.indices.count ?? 0) "
        + "\(escaped(history.heldOutName)) examples, at steps that lie ever further apart: measured and stored while it "
        + "was trained, with the same noise at every step. Whatever moves, moves because the weights do.</p>"
      scrubber
      "<p class=\"note without-script\">Without a script this part shows the last record.</p>"
      "<p class=\"printed\" id=\"moment-printed\">\(escaped(text(of: lastFrame)))</p>"
      if views.isEmpty {
        noLatents
        if let pictures { picturePanel(pictures) }
      } else {
        "<div class=\"frames\"><div>"
        cloud
        "</div><div>"
        if let pictures { picturePanel(pictures) }
        "</div></div>"
      }
      if !views.isEmpty { moments }
      if units != nil || means != nil || codes != nil {
        "<div class=\"plots wide\">"
        if let units { unitPanel(units) }
        if let means {
          histogram(
            means, id: "means", title: "Means μ of q(z|x)",
            note: "Over all units and examples; "
              + (isStandardNormal
                ? "units that say nothing have all of theirs at zero" : "the prior is not N(0, I)"),
            unit: "μ", mark: isStandardNormal ? 0 : nil)
        }
        if let deviations {
          histogram(
            deviations, id: "deviations", title: "Standard deviations σ of q(z|x)",
            note: isStandardNormal
              ? "A unit that says nothing has σ = 1, that of the prior; the more it says, the smaller"
              : "Over all units and examples; the prior is not N(0, I)",
            unit: "σ", mark: isStandardNormal ? 1 : nil)
        }
        if let codes { codes.markup }
        "</div>"
      }
      traversals.markup
    }
  }

  private var scrubber: String {
    VAEReport.markup {
      "<div class=\"scrubber\" role=\"group\" aria-label=\"Moment of the training\">"
      "<button type=\"button\" id=\"play\">▶ Play</button>"
      "<input type=\"range\" id=\"slider\" min=\"0\" max=\"\(lastFrame)\" value=\"\(lastFrame)\" step=\"1\" "
        + "aria-label=\"Record, from the first step to the last\">"
      "<output id=\"moment\" for=\"slider\">\(escaped(text(of: lastFrame)))</output></div>"
    }
  }

  private func text(of frame: Int) -> String {
    let record = history.records[frame]
    let terms = record.heldOut
    var text =
      "step \(Numerals.grouped(record.step)) · epoch \(Numerals.fixed(record.epochs, 2)) · −ELBO "
      + "\(Numerals.short(-terms.elbo)) = distortion \(Numerals.short(terms.distortion)) + rate "
      + Numerals.short(terms.rate)
    if let units { text += " · \(units.activeCounts[frame]) of \(units.count) units active" }
    return text
  }

  private var noLatents: String {
    let reason: String
    if codes != nil {
      reason =
        "Latents are codes, which have no place in a plane; their maps are beside the pictures."
    } else if history.records.last?.layerRates.isEmpty ?? true {
      reason = "This model has no latents."
    } else {
      reason = "The latents have too many units to be recorded."
    }
    return "<p class=\"missing\">\(reason)</p>"
  }

  // MARK: Latents

  private var cloud: String {
    let view = views[0]
    let points = view.frames[lastFrame]
    let classes = colorings.first
    func place(_ point: (x: Double, y: Double)) -> String {
      func text(_ value: Double) -> String {
        let number = max(-1, min(1, value / view.extent))
        return "\((number * 1000).rounded() / 1000)"
      }
      let isSomewhere = point.x.isFinite && point.y.isFinite
      return
        "cx=\"\(text(point.x))\" cy=\"\(text(-point.y))\"\(isSomewhere ? "" : " style=\"display:none\"")"
    }
    let dots = points.enumerated().map { number, point in
      let color = classes.map { $0.colors[Int($0.classes[number])] } ?? "s0"
      return "<circle class=\"dot \(color)\" r=\".0155\" \(place(point))/>"
    }
    let prior = view.prior.last?.map { "<circle class=\"prior\" r=\".011\" \(place($0))/>" } ?? []
    let rings = [1.0, 2, 3].map {
      "<circle class=\"ring\" data-radius=\"\($0)\" r=\"\($0 / view.extent)\" vector-effect=\"non-scaling-stroke\"/>"
    }
    return VAEReport.markup {
      "<figure><figcaption>Aggregate posterior against the prior<small>"
        + "<span id=\"view-note\">\(escaped(view.note))</span></small></figcaption>"
      "<div class=\"controls\">"
      if views.count > 1 { select("view", "Show", views.map(\.name)) }
      if colorings.count > 1 { select("coloring", "Colour by", colorings.map(\.name)) }
      "</div>"
      "<svg id=\"cloud\" class=\"cloud\" viewBox=\"-1.03 -1.03 2.06 2.06\" role=\"img\" "
        + "aria-label=\"Latents of \(points.count) examples in a plane, against the prior\">"
      "<path class=\"g\" d=\"M-1 0H1M0-1V1\" vector-effect=\"non-scaling-stroke\"/>"
      "<g class=\"rings\"\(view.prior.isEmpty ? "" : " style=\"display:none\"")>\(rings.joined())</g>"
      "<g class=\"priors\">\(prior.joined())</g>"
      "<g>\(dots.joined())</g>"
      "<text class=\"axis\" id=\"axis-x\" x=\"1.02\" y=\"1.01\" text-anchor=\"end\">\(escaped(view.axes[0]))</text>"
        + "<text class=\"axis\" id=\"axis-y\" x=\"-1.02\" y=\"-.975\">\(escaped(view.axes[1]))</text></svg>"
      "<div class=\"key\" id=\"key\" role=\"group\" aria-label=\"Classes; press one to see it alone\">"
        + (classes?.key ?? "") + "</div></figure>"
    }
  }

  private func select(_ id: String, _ label: String, _ names: [String]) -> String {
    "<label>\(label) <select id=\"\(id)\">"
      + names.map { "<option>\(escaped($0))</option>" }.joined() + "</select></label>"
  }

  /// Small clouds at a few records, which also lead there.
  private var moments: String {
    let count = history.records.count
    let frames = count <= 7 ? Array(0..<count) : (0..<7).map { $0 * (count - 1) / 6 }
    let classes = colorings.first
    return VAEReport.markup {
      "<div class=\"moments\" role=\"group\" aria-label=\"Moments to go to\">"
      frames.map { frame in
        let paths = thumbnail(views[0], frame, classes)
        let record = history.records[frame]
        return
          "<button type=\"button\" data-frame=\"\(frame)\" aria-pressed=\"\(frame == lastFrame)\">"
          + "<svg class=\"cloud\" viewBox=\"-1.03 -1.03 2.06 2.06\" aria-hidden=\"true\">"
          + (views[0].prior.isEmpty
            ? "<circle class=\"ring\" r=\"\(2 / views[0].extent)\" vector-effect=\"non-scaling-stroke\"/>"
            : "")
          + "\(paths)</svg>"
          + "<small>step \(Numerals.grouped(record.step))<br>−ELBO \(Numerals.short(-record.heldOut.elbo))</small></button>"
      }
      "</div>"
    }
  }

  /// The points of a small cloud, in the order of the examples but for a few neighbours, so that no
  /// class lies above the others.
  private func thumbnail(_ view: LatentView, _ frame: Int, _ classes: Coloring?) -> String {
    let points = view.frames[frame].enumerated().filter {
      $0.element.x.isFinite && $0.element.y.isFinite
    }
    return stride(from: 0, to: points.count, by: Self.thumbnailLayer).map { start in
      layer(points[start..<min(start + Self.thumbnailLayer, points.count)], view, classes)
    }.joined()
  }

  /// Points of a thumbnail that are drawn one class after the other.
  private static let thumbnailLayer = 40

  private func layer(
    _ points: ArraySlice<(offset: Int, element: (x: Double, y: Double))>, _ view: LatentView,
    _ classes: Coloring?
  ) -> String {
    var paths: [String: String] = [:]
    var order: [String] = []
    for (number, point) in points {
      let color = classes.map { $0.colors[Int($0.classes[number])] } ?? "s0"
      if paths[color] == nil { order.append(color) }
      func text(_ value: Double) -> String {
        let hundredths = Int((max(-1, min(1, value / view.extent)) * 100).rounded())
        return "\(Double(hundredths) / 100)"
      }
      paths[color, default: ""] += "M\(text(point.x)) \(text(-point.y))h0"
    }
    return order.map { "<path class=\"\($0)\" d=\"\(paths[$0] ?? "")\"/>" }.joined()
  }

  // MARK: Pictures

  private func picturePanel(_ pictures: Pictures) -> String {
    func image(_ id: String, _ title: String, _ source: String, _ alt: String) -> String {
      "<figure><figcaption>\(title)</figcaption><img id=\"\(id)\" src=\"\(source)\" width=\"\(pictures.width)\" "
        + "alt=\"\(escaped(alt))\" data-alt=\"\(escaped(alt))\"></figure>"
    }
    let titles: [Pictures.Kind: (title: String, alt: String)] = [
      .reconstructions: (
        "Reconstructed",
        "What the model makes of the \(pictures.count) examples, in the same order,"
      ),
      .samples: ("Samples", "Images made of \(pictures.count) draws from the prior"),
      .codes: ("Their codes", "Maps of the codes of the examples"),
    ]
    return VAEReport.markup {
      "<div class=\"pictures\">"
      if let originals = pictures.originals {
        image(
          "originals", "Held-out images", originals,
          "\(pictures.count) examples of the \(history.heldOutName) split")
      }
      Pictures.Kind.allCases.compactMap { kind in
        guard let uri = pictures.uris[kind]?.last, let text = titles[kind] else { return nil }
        return image(kind.rawValue, text.title, uri, text.alt)
      }
      "</div><p class=\"note\">Pictures <span id=\"picture-step\">after "
        + "\(Numerals.grouped(history.records[pictures.frames.last ?? 0].step)) steps</span>"
        + (pictures.frames.count < history.records.count
          ? "; to keep this page small there are pictures of \(pictures.frames.count) of the "
            + "\(history.records.count) records" : "")
        + ". Samples come from the same noise at every step.</p>"
    }
  }

  // MARK: Bars

  private func unitPanel(_ units: UnitActivity) -> String {
    let top = unitTop(units)
    let step = min(44, BarFrame.width / Double(max(1, units.units.count)))
    let (floor, height) = (BarFrame.floor, BarFrame.height)
    let bars = units.units.indices.map { number in
      let tall = max(0.8, min(1, units.rates[lastFrame][number] / top) * height)
      let place = BarFrame.left + step * Double(number) + step * 0.12
      return
        "<rect class=\"bar\(units.isActive[lastFrame][number] ? "" : " off")\" x=\"\(Numerals.coordinate(place))\" "
        + "y=\"\(Numerals.coordinate(floor - tall))\" width=\"\(Numerals.coordinate(step * 0.76))\" "
        + "height=\"\(Numerals.coordinate(tall))\"><title>\(units.names[number])</title></rect>"
    }
    // As many numbers as there is room for.
    let every = Int(((units.hasLevels ? 24 : 16) / step).rounded(.up))
    let numbers = units.numbers.enumerated().filter { $0.offset % every == 0 }.map {
      let place = BarFrame.left + step * (Double($0.offset) + 0.5)
      return
        "<text x=\"\(Numerals.coordinate(place))\" y=\"\(Int(floor) + 14)\" text-anchor=\"middle\">\($0.element)</text>"
    }
    let axis = Axis(.linear, 0, top)
    return VAEReport.markup {
      "<figure><figcaption>Rate of each unit<small>In nats, by the last record. Filled: active (\(units.rule)); hollow: "
        + "collapsed."
        + (units.count > units.units.count
          ? " The \(units.units.count) units with the highest rate of \(units.count)." : "")
        + "</small></figcaption>"
      "<svg \(BarFrame.box) id=\"units\" role=\"img\" aria-labelledby=\"unit-text\">"
      BarFrame.heights(axis, name: "nats")
      bars
      numbers
      BarFrame.axes(name: units.hasLevels ? "level.unit, by rate" : "unit, by rate")
      "</svg><p class=\"note\" id=\"unit-text\">\(escaped(unitText(units, lastFrame)))</p></figure>"
    }
  }

  private func unitTop(_ units: UnitActivity) -> Double {
    max(0.1, units.rates.joined().filter(\.isFinite).max() ?? 1) * 1.02
  }

  private func unitText(_ units: UnitActivity, _ frame: Int) -> String {
    let rates = units.rates[frame]
    let order = rates.indices.sorted { rates[$0] > rates[$1] }.prefix(3)
    let leading = order.map { "\(units.names[$0]) (\(Numerals.short(rates[$0])))" }
    return
      "\(units.activeCounts[frame]) active, \(units.count - units.activeCounts[frame]) collapsed; most in "
      + leading.joined(separator: ", ") + "."
  }

  private func histogram(
    _ histogram: Histogram, id: String, title: String, note: String, unit: String, mark: Double?
  ) -> String {
    let axis = Axis(.linear, histogram.low, histogram.high)
    let place = { (value: Double) in
      Numerals.coordinate(BarFrame.left + axis.place(value) * BarFrame.width)
    }
    return VAEReport.markup {
      "<figure><figcaption>\(title)<small>\(note). Heights are counts relative to that of the fullest bin.</small></figcaption>"
      "<svg \(BarFrame.box) class=\"bars\" role=\"img\" aria-label=\"Histogram: \(title)\">"
      BarFrame.heights(Axis(.linear, 0, 100), name: "count, % of the fullest bin")
      axis.ticks.map {
        "<text x=\"\(place($0.value))\" y=\"\(Int(BarFrame.floor) + 14)\" text-anchor=\"middle\">\($0.text)</text>"
      }
      "<path class=\"h\" id=\"\(id)\" d=\"\(BarFrame.outline(histogram.frames[lastFrame]))\"/>"
      if let mark {
        "<path class=\"mark\" d=\"M\(place(mark)) \(Int(BarFrame.top))V\(Int(BarFrame.floor))\"/>"
      }
      BarFrame.axes(name: unit)
      "</svg></figure>"
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
        }),
      "views": .array(
        views.map { view in
          .object([
            "note": .text(view.note), "axes": .array(view.axes.map(JSON.text)),
            "extent": .number(view.extent),
            "points": Self.base64(LatentView.packed(view.frames, extent: view.extent)),
            "prior": view.prior.count == view.frames.count
              ? Self.base64(LatentView.packed(view.prior, extent: view.extent)) : .null,
          ])
        }),
      "colorings": .array(colorings.map(\.json)),
      "bars": .object([
        "left": .number(BarFrame.left), "width": .number(BarFrame.width),
        "floor": .number(BarFrame.floor), "height": .number(BarFrame.height),
      ]),
    ]
    if let units { object["units"] = .object(unitData(units)) }
    if let means { object["means"] = Self.integers(means.frames) }
    if let deviations { object["deviations"] = Self.integers(deviations.frames) }
    if let codes {
      object["codes"] = Self.integers(codes.frames)
      object["codeTexts"] = .array(codes.texts.map(JSON.text))
    }
    if let walks = traversals.data { object["traversals"] = walks }
    if let pictures {
      var uris: JSON.Object = [:]
      for (kind, list) in pictures.uris.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        uris[kind.rawValue] = .array(list.map(JSON.text))
      }
      object["pictures"] = .object([
        "frames": .array(pictures.frames.map(JSON.integer)), "uris": .object(uris),
      ])
    }
    // A name must not end the element that the data stand in.
    return JSON.object(object).line.replacing("<", with: "\\u003c")
  }

  private func unitData(_ units: UnitActivity) -> JSON.Object {
    [
      "top": .number(unitTop(units)), "floor": .number(BarFrame.floor),
      "height": .number(BarFrame.height),
      "rates": .array(
        units.rates.map { .array($0.map { .finite(($0 * 1e4).rounded() / 1e4) }) }),
      "active": .array(
        units.isActive.map { .text(String($0.map { $0 ? "1" : "0" })) }),
      "texts": .array(history.records.indices.map { .text(unitText(units, $0)) }),
    ]
  }

  private static func base64(_ bytes: [UInt8]) -> JSON {
    .text(Data(bytes).base64EncodedString())
  }

  private static func integers(_ frames: [[Int]]) -> JSON {
    .array(frames.map { .array($0.map(JSON.integer)) })
  }
}
