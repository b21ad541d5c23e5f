import Glibc
import VAEEvaluation

/// The latents of the recorded examples in a plane, at every record.
package struct LatentView {
  /// What is drawn, such as "draws from q(z|x)".
  let name: String
  /// What is drawn, in sentences.
  let dots: String
  /// How the plane was chosen, in a sentence.
  let plane: String
  /// Both.
  package var note: String { "\(dots) \(plane)" }
  /// What the plane's axes are.
  package let axes: [String]
  /// The points of each record.
  package private(set) var frames: [[(x: Double, y: Double)]]
  /// Points of the prior at each record; none where it is the standard normal distribution.
  private(set) var prior: [[(x: Double, y: Double)]]
  /// What the plane shows: from minus this to this along both axes.
  var extent: Double

  /// What can be seen of a run: draws and means of one layer, or draws of each level.
  package static func views(of history: RunHistory) -> [LatentView] {
    let records = history.records
    guard let last = records.last else { return [] }
    if let means = last.means {
      let noise = standardNormal(count: means.values.count)
      let drawn = records.map { record in
        zip(zip(record.means?.values ?? [], record.variances?.values ?? []), noise).map {
          $0.0 + $0.1.squareRoot() * $1
        }
      }
      let plane = Plane(drawn.last ?? [], columns: means.columns)
      let prior = records.compactMap { $0.priorDraws.first?.map { plane.points($0.values) } }
      return [
        LatentView(
          name: "draws z from q(z|x)", dots: "one draw of the latents of each example", plane,
          frames: drawn.map(plane.points), prior: prior),
        LatentView(
          name: "means of q(z|x)", dots: "the mean of q(z|x) of each example", plane,
          frames: records.map { plane.points($0.means?.values ?? []) }, prior: prior),
      ]
    }
    return last.draws.indices.reversed().compactMap { level in
      guard let array = last.draws[level] else { return nil }
      let plane = Plane(array.values, columns: array.columns)
      let isTop = level == last.draws.count - 1
      return LatentView(
        name:
          "\(TraversedLatent.levelName(level))\(isTop ? ", the top" : level == 0 ? ", nearest to the data" : "")",
        dots: "one draw of this level for each example", plane,
        frames: records.map { plane.points($0.draws[level]?.values ?? []) },
        prior: isTop
          ? [] : records.compactMap { $0.priorDraws[level].map { plane.points($0.values) } })
    }
  }

  private init(
    name: String, dots: String, _ plane: Plane, frames: [[(x: Double, y: Double)]],
    prior: [[(x: Double, y: Double)]]
  ) {
    self.name = name
    self.dots =
      prior.isEmpty
      ? "Dots: \(dots). Dashed: one, two and three standard deviations of the prior N(0, I)."
      : "Coloured: \(dots). Grey: draws from the prior, which is not N(0, I) here."
    self.plane = plane.note
    axes = plane.axes
    self.frames = frames
    self.prior = prior
    let sizes = (frames + prior).joined().map { max(abs($0.x), abs($0.y)) }
      .filter(\.isFinite).sorted()
    // A few far points must not make all others a dot; they are drawn at the edge.
    let wide = sizes.isEmpty ? 0 : sizes[Int(Double(sizes.count - 1) * 0.998)]
    extent = min(max(3.2, wide * 1.05), 1e6)
  }

  /// The view of the first examples, and of as many draws from the prior.
  func prefix(_ count: Int) -> LatentView {
    var view = self
    view.frames = frames.map { Array($0.prefix(count)) }
    view.prior = prior.map { Array($0.prefix(count)) }
    return view
  }

  /// The points as little-endian 16-bit numbers, x and y in turn, ±32767 at the edges; a point that
  /// is nowhere is −32768 twice.
  static func packed(_ frames: [[(x: Double, y: Double)]], extent: Double) -> [UInt8] {
    func number(_ value: Double) -> Int16 {
      Int16((max(-1, min(1, value / extent)) * 32767).rounded())
    }
    var bytes: [UInt8] = []
    for point in frames.joined() {
      let isSomewhere = point.x.isFinite && point.y.isFinite
      for value in isSomewhere ? [number(point.x), number(point.y)] : [.min, .min] {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
      }
    }
    return bytes
  }

  /// The same standard normal numbers at every call (SplitMix64, Box–Muller).
  private static func standardNormal(count: Int) -> [Float] {
    var state: UInt64 = 0x5eed
    func uniform() -> Double {
      state &+= 0x9e37_79b9_7f4a_7c15
      var bits = state
      bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
      bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
      return (Double((bits ^ (bits >> 31)) >> 11) + 0.5) / Double(1 << 53)
    }
    return (0..<count).map { _ in
      Float((-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform()))
    }
  }

  /// From latents to points of a plane that stays the same.
  private struct Plane {
    let components: PrincipalComponents
    let columns: Int
    let note: String

    /// What stands at the axes.
    var axes: [String] {
      switch columns {
      case 1: ["unit 0", ""]
      case 2: ["unit 0", "unit 1"]
      default:
        components.shares.enumerated().map { number, share in
          "PC\(number + 1) (\(Numerals.fixed(share * 100, 0)) %)"
        }
      }
    }

    init(_ values: [Float], columns: Int) {
      self.columns = columns
      components = PrincipalComponents(values, columns: columns)
      switch columns {
      case 1: note = "One unit, along the horizontal axis; heights only keep the points apart."
      case 2: note = "The two units as they are."
      default:
        note =
          "\(columns) units in the plane of their two principal components at the last record, which hold "
          + "\(Numerals.fixed(components.share * 100, 0)) % of the squared distance from the origin."
      }
    }

    func points(_ values: [Float]) -> [(x: Double, y: Double)] {
      let points = components.project(values, columns: columns)
      guard columns == 1 else { return points }
      return points.enumerated().map { number, point in
        (point.x, Double(number * 7919 % 1009) / 1009 * 3 - 1.5)
      }
    }
  }
}
