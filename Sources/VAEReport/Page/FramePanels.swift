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
  private let codes: [[Int]]?
  private let pictures: Pictures?

  /// The panels of a run with records.
  init(_ history: RunHistory) throws {
    self.history = history
    views = LatentView.views(of: history)
    colorings = Coloring.colorings(of: history)
    units = UnitActivity(history)
    (means, deviations) = Self.histograms(history)
    codes = Self.codeFrames(history)
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

  /// Codes from the most frequent to the least, each relative to the most frequent of all records.
  private static func codeFrames(_ history: RunHistory) -> [[Int]]? {
    let counts = history.records.compactMap { $0.codeCounts?.sorted(by: >).prefix(256) }
    guard counts.count == history.records.count, !counts.isEmpty else { return nil }
    return counts.map { counts in
      let most = Double(max(1, counts.first ?? 1))
      return counts.map { Int((Double($0) / most * 100).rounded(.up)) }
    }
  }

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
              + "units that say nothing have all of theirs at zero", mark: 0)
        }
        if let deviations {
          histogram(
            deviations, id: "deviations", title: "Standard deviations σ of q(z|x)",
            note:
              "A unit that says nothing has σ = 1, that of the prior; the more it says, the smaller",
            mark: 1)
        }
        if let codes { codePanel(codes) }
        "</div>"
      }
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
        + (view.prior.isEmpty
          ? "Dots: one draw of the latents of each example. Dashed: one, two and three standard deviations of the prior "
            + "N(0, I)."
          : "Coloured: one draw of the latents of each example. Grey: draws from the prior.")
        + " <span id=\"view-note\">\(escaped(view.note))</span></small></figcaption>"
      "<div class=\"controls\">"
      if views.count > 1 { select("view", "Show", views.map(\.name)) }
      if colorings.count > 1 { select("coloring", "Colour by", colorings.map(\.name)) }
      "</div>"
      "<svg id=\"cloud\" class=\"cloud\" viewBox=\"-1.03 -1.03 2.06 2.06\" role=\"img\" "
        + "aria-label=\"Latents of \(points.count) examples in a plane, against the prior\">"
      "<path class=\"g\" d=\"M-1 0H1M0-1V1\" vector-effect=\"non-scaling-stroke\"/>"
      "<g class=\"rings\"\(view.prior.isEmpty ? "" : " style=\"display:none\"")>\(rings.joined())</g>"
      "<g class=\"priors\">\(prior.joined())</g>"
      "<g>\(dots.joined())</g></svg>"
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
          + "<circle class=\"ring\" r=\"\(2 / views[0].extent)\" vector-effect=\"non-scaling-stroke\"/>\(paths)</svg>"
          + "<small>step \(Numerals.grouped(record.step))<br>−ELBO \(Numerals.short(-record.heldOut.elbo))</small></button>"
      }
      "</div>"
    }
  }

  private func thumbnail(_ view: LatentView, _ frame: Int, _ classes: Coloring?) -> String {
    var paths: [String: String] = [:]
    var order: [String] = []
    for (number, point) in view.frames[frame].enumerated()
    where point.x.isFinite && point.y.isFinite {
      let color = classes.map { $0.colors[Int($0.classes[number])] } ?? "s0"
      if paths[color] == nil { order.append(color) }
      func text(_ value: Double) -> String {
        let hundredths = Int((max(-1, min(1, value / view.extent)) * 100).rounded())
        return "\(Double(hundredths) / 100)"
      }
      paths[color, default: ""] += "M\(text(point.x)) \(text(-point.y))h0"
    }
    return order.map { color in
      "<path style=\"stroke:var(--\(color))\" d=\"\(paths[color] ?? "")\"/>"
    }.joined()
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

  private static let bars = (left: 40.0, width: 430.0, floor: 170.0, height: 150.0)
  private static let barBox = "viewBox=\"0 0 480 206\""

  private func unitPanel(_ units: UnitActivity) -> String {
    let top = unitTop(units)
    let step = min(44, Self.bars.width / Double(max(1, units.units.count)))
    let (floor, height) = (Self.bars.floor, Self.bars.height)
    let bars = units.units.indices.map { number in
      let tall = max(0.8, min(1, units.rates[lastFrame][number] / top) * height)
      let place = Self.bars.left + step * Double(number) + step * 0.12
      return
        "<rect class=\"bar\(units.isActive[lastFrame][number] ? "" : " off")\" x=\"\(Numerals.coordinate(place))\" "
        + "y=\"\(Numerals.coordinate(floor - tall))\" width=\"\(Numerals.coordinate(step * 0.76))\" "
        + "height=\"\(Numerals.coordinate(tall))\"><title>\(units.names[number])</title></rect>"
    }
    let axis = Axis(.linear, 0, top)
    return VAEReport.markup {
      "<figure><figcaption>Rate of each unit<small>In nats, by the last record. Filled: active (\(units.rule)); hollow: "
        + "collapsed."
        + (units.count > units.units.count
          ? " The \(units.units.count) units with the highest rate of \(units.count)." : "")
        + "</small></figcaption>"
      "<svg \(Self.barBox) id=\"units\" role=\"img\" aria-labelledby=\"unit-text\">"
      axis.ticks.map { tick in
        let place = Numerals.coordinate(floor - axis.place(tick.value) * height)
        return
          "<path class=\"g\" d=\"M40 \(place)H470\"/><text x=\"35\" y=\"\(place)\" dy=\".32em\" text-anchor=\"end\">"
          + "\(tick.text)</text>"
      }
      bars
      "<path class=\"a\" d=\"M40 20V170H470\"/><text class=\"n\" x=\"470\" y=\"190\" text-anchor=\"end\">units by rate</text>"
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
    _ histogram: Histogram, id: String, title: String, note: String, mark: Double
  ) -> String {
    let axis = Axis(.linear, histogram.low, histogram.high)
    let place = { (value: Double) in
      Numerals.coordinate(Self.bars.left + axis.place(value) * Self.bars.width)
    }
    return VAEReport.markup {
      "<figure><figcaption>\(title)<small>\(note). Heights are relative to the highest.</small></figcaption>"
      "<svg \(Self.barBox) class=\"bars\" role=\"img\" aria-label=\"Histogram: \(title)\">"
      axis.ticks.map {
        "<text x=\"\(place($0.value))\" y=\"186\" text-anchor=\"middle\">\($0.text)</text>"
      }
      "<path class=\"h\" id=\"\(id)\" d=\"\(Self.outline(histogram.frames[lastFrame]))\"/>"
      "<path class=\"mark\" d=\"M\(place(mark)) 14V170\"/><path class=\"a\" d=\"M40 170H470\"/></svg></figure>"
    }
  }

  private func codePanel(_ codes: [[Int]]) -> String {
    VAEReport.markup {
      "<figure><figcaption>Use of the codes<small>From the most frequent code to the least, relative to the most "
        + "frequent.</small></figcaption>"
      "<svg \(Self.barBox) class=\"bars\" role=\"img\" aria-label=\"How often each code is used\">"
      "<path class=\"h\" id=\"usage\" d=\"\(Self.outline(codes[lastFrame]))\"/>"
      "<path class=\"a\" d=\"M40 20V170H470\"/><text class=\"n\" x=\"470\" y=\"190\" text-anchor=\"end\">codes by "
        + "frequency</text></svg></figure>"
    }
  }

  /// The outline of bars whose heights are percentages.
  private static func outline(_ counts: [Int]) -> String {
    let step = bars.width / Double(max(1, counts.count))
    let tops = counts.map { count in
      "V\(Numerals.coordinate(bars.floor - Double(count) / 100 * bars.height))h\((step * 1000).rounded() / 1000)"
    }
    return "M\(Int(bars.left)) \(Int(bars.floor))\(tops.joined())V\(Int(bars.floor))Z"
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
            "note": .text(view.note), "extent": .number(view.extent),
            "points": Self.base64(LatentView.packed(view.frames, extent: view.extent)),
            "prior": view.prior.count == view.frames.count
              ? Self.base64(LatentView.packed(view.prior, extent: view.extent)) : .null,
          ])
        }),
      "colorings": .array(colorings.map(\.json)),
      "bars": .object([
        "left": .number(Self.bars.left), "width": .number(Self.bars.width),
        "floor": .number(Self.bars.floor), "height": .number(Self.bars.height),
      ]),
    ]
    if let units { object["units"] = .object(unitData(units)) }
    if let means { object["means"] = Self.integers(means.frames) }
    if let deviations { object["deviations"] = Self.integers(deviations.frames) }
    if let codes { object["codes"] = Self.integers(codes) }
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
      "top": .number(unitTop(units)), "floor": .number(Self.bars.floor),
      "height": .number(Self.bars.height),
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
