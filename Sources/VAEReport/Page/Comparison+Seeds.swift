import VAECore
import VAEFiles
import VAETraining

extension Comparison {
  /// Runs whose recipes differ in the seed at most.
  struct Group {
    /// Without the seed.
    let recipe: JSON.Object
    /// The places of its runs.
    var members: [Int]
  }

  /// The runs by their recipes, in order.
  var groups: [Group] {
    var groups: [Group] = []
    for (number, run) in runs.enumerated() {
      var recipe = run.recipe
      var training = recipe["training"]?.object ?? [:]
      training["seed"] = nil
      recipe["training"] = .object(training)
      if let place = groups.firstIndex(where: { $0.recipe == recipe }) {
        groups[place].members.append(number)
      } else {
        groups.append(Group(recipe: recipe, members: [number]))
      }
    }
    return groups
  }

  /// Mean and standard deviation over the seeds of each recipe, as text; nil where no recipe was
  /// trained with two. The deviation is of the runs (divisor n − 1), not of their mean.
  public var seedTable: (header: [String], rows: [[String]])? {
    let groups = groups
    guard groups.contains(where: { $0.members.count > 1 }) else { return nil }
    let names = Comparison.differences(groups.map(\.recipe))
    let rows = groups.enumerated().map { number, group -> [String] in
      let name = names.map { "\($0.name)=\($0.values[number])" }.joined(separator: " ")
      let terms = group.members.compactMap { runs[$0].final }
      return [name.isEmpty ? "all" : name, "\(group.members.count)"]
        + [terms.map { -$0.elbo }, terms.map(\.distortion), terms.map(\.rate)].map(Self.summary)
    }
    return (["settings", "seeds", "−ELBO", "distortion", "rate"], rows)
  }

  private static func summary(_ values: [Double]) -> String {
    guard !values.isEmpty else { return "–" }
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return Numerals.fixed(mean, 2) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(values.count - 1)).squareRoot()
    return "\(Numerals.fixed(mean, 2)) ± \(Numerals.fixed(deviation, 2))"
  }
}
