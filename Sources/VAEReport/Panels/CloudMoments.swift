/// Small clouds at a few records, which also lead there.
struct CloudMoments {
  let history: RunHistory
  let view: LatentView
  let classes: Coloring?

  /// The buttons with their clouds.
  var markup: String {
    let count = history.records.count
    let frames = count <= 7 ? Array(0..<count) : (0..<7).map { $0 * (count - 1) / 6 }
    return VAEReport.markup {
      "<div class=\"moments\" role=\"group\" aria-label=\"Moments to go to\">"
      frames.map { frame in
        let record = history.records[frame]
        return
          "<button type=\"button\" data-frame=\"\(frame)\" aria-pressed=\"\(frame == count - 1)\">"
          + "<svg class=\"cloud\" viewBox=\"-1.03 -1.03 2.06 2.06\" aria-hidden=\"true\">"
          + (view.prior.isEmpty
            ? "<circle class=\"ring\" r=\"\(2 / view.extent)\" vector-effect=\"non-scaling-stroke\"/>"
            : "")
          + "\(paths(frame))</svg>"
          + "<small>step \(Numerals.grouped(record.step))<br>−ELBO \(Numerals.short(-record.heldOut.elbo))</small></button>"
      }
      "</div>"
    }
  }

  /// The points of a cloud, in the order of the examples but for a few neighbours, so that no
  /// class lies above the others.
  private func paths(_ frame: Int) -> String {
    let points = view.frames[frame].enumerated().filter {
      $0.element.x.isFinite && $0.element.y.isFinite
    }
    return stride(from: 0, to: points.count, by: Self.layer).map { start in
      layer(points[start..<min(start + Self.layer, points.count)])
    }.joined()
  }

  /// Points that are drawn one class after the other.
  private static let layer = 40

  private func layer(
    _ points: ArraySlice<(offset: Int, element: (x: Double, y: Double))>
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
}
