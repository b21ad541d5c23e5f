import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A fitted mixture for each class: p(z|y) is that of the class y, fitted to draws of the posteriors of its
/// training examples. A model of p(x) becomes one of p(x|y), whose decoder does not need to know y.
public final class FittedClassMixturePrior: DensityPrior, FittedPrior {
  /// The mixture of each class.
  public let classes: [FittedMixturePrior]
  private let names: [String]

  /// A mixture for each class that is to be fitted.
  ///
  /// - Parameters:
  ///   - names: what the classes are called.
  ///   - make: the prior of class k.
  public init(names: [String], _ make: (Int) -> FittedMixturePrior) {
    ensure(!names.isEmpty, "without classes there is no mixture for each")
    self.names = names
    classes = names.indices.map(make)
  }

  /// The mixtures, by the number of the class.
  public var members: Members {
    var members: Members = [:]
    for (index, prior) in classes.enumerated() {
      members.entries.append((name: "\(index)", member: .module(prior)))
    }
    return members
  }

  /// One layer.
  public var latents: LatentSpace { classes[0].latents }

  /// That of each example's class.
  public func distribution(_ context: Context) -> any Distribution {
    ClassMixture(
      shares: context.condition(rows: context.examples.count),
      classes: classes.map { $0.distribution(context) })
  }

  /// As often as for each of the mixtures.
  public var drawsPerExample: Int { classes[0].drawsPerExample }

  /// Each class is looked at when its examples are known.
  public func check(examples: Int) throws {}

  /// Fits each mixture to the draws of the examples of its class: the one that has the largest share.
  ///
  /// - Throws: `RecipeError` where a class has too few examples; what `proceed` throws.
  public func fit(
    to latents: LatentSample, continuing: Bool, random: RandomSource, proceed: () throws -> Void
  ) throws -> PriorFit {
    let members = members(of: latents)
    for (index, rows) in members.enumerated() {
      try named(index) {
        guard !rows.isEmpty else {
          throw RecipeError(.unsuitableData, "there are no training examples of it")
        }
        try classes[index].check(examples: rows.count)
      }
    }
    var (density, steps, counts) = (0.0, 0.0, [Double]())
    for (index, rows) in members.enumerated() {
      let draws = (0..<latents.samples).flatMap { sample in
        rows.map { Int32(sample * latents.exampleCount + $0) }
      }
      let own = LatentSample(
        draws: withoutTape { latents.draws.gathering(Tensor(indices: draws)) },
        exampleCount: rows.count, meanLogPosterior: latents.meanLogPosterior)
      let fit = try named(index) {
        try classes[index].fit(
          to: own, continuing: continuing, random: random.child("class \(index)"), proceed: proceed)
      }
      density += fit.meanLogDensity * Double(rows.count) / Double(latents.exampleCount)
      for term in fit.terms where term.name == "components" { counts.append(term.value) }
      for term in fit.terms where term.name == "fit_steps" { steps = max(steps, term.value) }
    }
    let shown = counts.prefix(20).map { "\(Int($0))" }.joined(separator: ", ")
    return PriorFit(
      meanLogDensity: density,
      terms: [("components", counts.reduce(0, +)), ("fit_steps", steps)],
      notice:
        "the mixtures of \(Count.of(classes.count, "class", plural: "classes")) have \(shown)\(counts.count > 20 ? ", …" : "") components"
    )
  }

  /// The examples of each class.
  private func members(of latents: LatentSample) -> [[Int]] {
    let shares = latents.conditions?.floats ?? []
    var members = [[Int]](repeating: [], count: classes.count)
    for example in 0..<latents.exampleCount {
      let row = example * classes.count..<(example + 1) * classes.count
      guard row.upperBound <= shares.count else { break }
      let best = row.max { shares[$0] < shares[$1] } ?? row.lowerBound
      members[best - row.lowerBound].append(example)
    }
    return members
  }

  /// Says of which class an error is.
  private func named<Result>(_ index: Int, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as RecipeError {
      throw RecipeError(error.kind, "class \(names[index]): \(error.message)")
    }
  }
}

extension Component where Part == any Prior {
  /// The recipe component `fitted-class-mixture`.
  public static var fittedClassMixture: Component {
    Component(
      role: .prior, name: "fitted-class-mixture",
      summary: "a fitted mixture of Gaussians for each class",
      options: FittedMixturePrior.Options(), usesCondition: true
    ) { options, build in
      let told = build.condition ?? ConditionSpace(classes: 1)
      guard told.kind == .label else {
        throw RecipeError(
          .unsuitableData,
          "prior fitted-class-mixture has a mixture for each class, but is told \(told.phrase); give data with labels"
        )
      }
      return FittedClassMixturePrior(names: (0..<told.width).map(told.name)) { index in
        FittedMixturePrior(options, random: build.random.child("class \(index)"))
      }
    }
  }
}
