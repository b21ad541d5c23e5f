import VAECore
import VAETraining

extension Comparison {
  /// How a run is drawn: its colour says the recipe, its mark the seed.
  package struct Look: Equatable {
    /// The number of the colour.
    package let color: Int
    /// Whether its lines are dashed, where there are more recipes than colours.
    package let isDashed: Bool
    /// The number of its mark among those of its recipe.
    package let mark: Int
    /// What tells its recipe from the others.
    package let recipe: String
    /// What tells it from the other runs.
    package let label: String

    var shape: PlotMark { PlotMark.numbered(mark) }

    /// A piece of its line with its mark, before its name.
    var swatch: String {
      let dash = isDashed ? " stroke-dasharray=\"3 2\"" : ""
      return
        "<span class=\"mark\"><svg viewBox=\"0 0 22 10\" aria-hidden=\"true\"><path d=\"M0 5h22\" class=\"l s\(color)\"\(dash)/>"
        + shape.markup(x: 11, y: 5, color: color) + "</svg></span>"
    }
  }

  /// Colours that lines have.
  private static let colors = 8
  /// Settings that are named at most; recipes that differ in more are called by their runs.
  private static let namedSettings = 3

  /// How each run is drawn.
  package var looks: [Look] {
    let groups = groups
    let differences = Self.differences(groups.map(\.recipe))
    var looks: [Int: Look] = [:]
    for (number, group) in groups.enumerated() {
      let settings = differences.map { "\(Self.shortName($0.name))=\($0.values[number])" }
      let isNamed = (1...Self.namedSettings).contains(settings.count)
      for (mark, member) in group.members.enumerated() {
        let recipe = isNamed ? settings.joined(separator: " ") : groupName(group)
        let seed = runs[member].setting("training", "seed")?.line ?? "–"
        let isAlone = group.members.count == 1
        let label = isAlone ? (isNamed ? recipe : runs[member].name) : "\(recipe) seed=\(seed)"
        looks[member] = Look(
          color: number % Self.colors, isDashed: number / Self.colors % 2 == 1, mark: mark,
          recipe: recipe, label: label)
      }
    }
    return runs.indices.compactMap { looks[$0] }
  }

  private func groupName(_ group: Group) -> String {
    group.members.first.map { runs[$0].name } ?? ""
  }

  /// What else there is to know of each run where its label stands: its name, its variant, and the
  /// settings that tell it from the other runs of that variant, as far as these are few.
  package var captions: [String] {
    zip(runs, looks).map { run, look in
      let peers = runs.filter { $0.variant == run.variant }
      let place = peers.firstIndex { $0.path == run.path } ?? 0
      let differences = Self.differences(peers.map(\.recipe))
      let settings = differences.map { "\(Self.shortName($0.name))=\($0.values[place])" }
      let isFew = settings.count <= Self.namedSettings
      let parts = [run.name, run.variant] + (isFew ? settings : [])
      return parts.filter { !look.label.contains($0) }.joined(separator: " · ")
    }
  }

  /// A setting without the part that it is of.
  static func shortName(_ name: String) -> String {
    name.split(separator: ".").last.map(String.init) ?? name
  }

  /// The means over the seeds of each recipe, in order of the one numeric setting in which the
  /// recipes differ; nil where there is no such setting, or no recipe has two seeds.
  package var meanPath: (setting: String, terms: [BoundTerms])? {
    let groups = groups
    let differences = Self.differences(groups.map(\.recipe))
    guard let setting = differences.first, differences.count == 1,
      groups.contains(where: { $0.members.count > 1 }),
      case let values = setting.values.compactMap(Double.init), values.count == groups.count
    else { return nil }
    let order = groups.indices.sorted { values[$0] < values[$1] }
    let terms = order.compactMap { number -> BoundTerms? in
      let found = groups[number].members.compactMap { RatePath(runs[$0]).points.last?.terms }
      guard !found.isEmpty else { return nil }
      let count = Double(found.count)
      return BoundTerms(
        distortion: found.reduce(0) { $0 + $1.distortion } / count,
        rate: found.reduce(0) { $0 + $1.rate } / count)
    }
    return (Self.shortName(setting.name), terms)
  }

  // MARK: Likelihoods

  /// Likelihoods whose values are probabilities of what an element can be; all others of the zoo are densities over real
  /// numbers, `mixed` for its real columns.
  private static let probabilities: Set<String> = [
    "bernoulli", "categorical", "logistic-mixture", "negative-binomial",
    "zero-inflated-negative-binomial",
  ]

  /// Whether the distortion of a run is made of probabilities. That of `conditional-coupling` is where it makes points of bytes.
  private static func givesProbabilities(_ run: RunHistory) -> Bool {
    let likelihood = run.setting("likelihood", "name")?.text ?? ""
    guard likelihood == "conditional-coupling" else { return probabilities.contains(likelihood) }
    return switch run.setting("likelihood", "dequantization")?.text {
    case "uniform", "variational": true
    case "none": false
    default:
      run.setting("data", "rule")?.text == "bytes/255"
        && run.setting("data", "range")?.text == "unit"
    }
  }

  /// The runs by what their distortion is made of, in order: probabilities, or densities.
  package var likelihoodKinds: [(name: String, members: [Int])] {
    var kinds: [(name: String, members: [Int])] = []
    for (number, run) in runs.enumerated() {
      let name = Self.givesProbabilities(run) ? "probabilities" : "densities"
      if let place = kinds.firstIndex(where: { $0.name == name }) {
        kinds[place].members.append(number)
      } else {
        kinds.append((name, [number]))
      }
    }
    return kinds
  }
}
