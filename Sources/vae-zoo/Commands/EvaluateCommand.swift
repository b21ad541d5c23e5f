import ArgumentParser
import Messages
import VAECore
import VAEData
import VAEFiles
import VAEZoo

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a trained model on held-out data.",
    discussion: """
      Rate, distortion and −ELBO, their sum, in nats per example with standard errors (lower is better), bits per dimension where the likelihood is \
      of discrete values or training dequantized bytes (then an upper bound, of one draw of the noise per image), active units, and how far the \
      posteriors of all examples together lie from the prior (KL in nats of a Gaussian with their mean and variance of each \
      unit, and the norm of that mean); with --importance-samples K the importance-weighted negative log-likelihood \
      with K draws per example, of which bits per dimension are then, in memory that does not grow with K. Where the factors that generated the data are \
      known and the posterior has one vector of means: the mutual information gap (MIG), the FactorVAE score, and \
      disentanglement, completeness and informativeness (DCI), each 1 at best. A run folder keeps the result for \
      `vae-zoo report`.
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draws per example for the log-likelihood.", valueName: "k"))
  var importanceSamples: Int?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try SplitName.check(split)
    if let importanceSamples, !(1...10_000_000).contains(importanceSamples) {
      throw ValidationError(
        "--importance-samples must be between 1 and 10000000, not \(importanceSamples)")
    }
  }

  func run() throws {
    try threads.apply()
    Interrupt.install()
    let model = try plugins.model(path)
    let split = try images.open(data, for: model).split(named: split)
    var bar = ProgressBar()
    let result = model.evaluate(split, importanceSamples: importanceSamples, seed: seed) {
      fraction in
      bar.show(
        fraction, since: 0, work: Int(fraction * Double(split.count)), unit: "example",
        text: "evaluating")
      return !Interrupt.token.isCancelled
    }
    bar.clear()
    try model.model.checkParts()
    try split.checkExamples()
    guard let result else { throw ExitCode(ExitStatus.interrupted) }
    do {
      try model.keep(result, split: split.name, data: data, seed: seed)
    } catch let error as FileError {
      Console.error("the run does not keep this result for its report: \(error.message)" as Message)
    }
    if let notice = result.aggregatePosterior?.notice { Console.error(notice) }
    if output.json {
      Console.print(
        result.json(
          variant: model.recipe.variant, split: split.name,
          isConditional: model.model.condition != nil))
    } else {
      Console.print(text(result, split: split, told: model.model.condition))
    }
  }

  private func text(
    _ result: Evaluator.Result, split: DataSplit, told condition: ConditionSpace?
  ) -> String {
    func row(_ name: String, _ value: Estimate, _ unit: String, _ decimals: Int = 3) -> [String] {
      // Of one example there is no error to state.
      let error = value.standardError.map { " ± \(Console.fixed($0, decimals))" }
      return [name, Console.fixed(value.mean, decimals) + (error ?? ""), unit]
    }
    var rows = [
      row("−ELBO", result.elbo.scaled(by: -1), "nats per example"),
      row("rate", result.rate, "nats per example"),
      row("distortion", result.distortion, "nats per example"),
    ]
    if let nll = result.nll {
      rows.append(
        row(
          "NLL", nll.estimate,
          "nats per example, \(Count.of(nll.samples, "importance sample"))"))
    }
    if let bits = result.bitsPerDimension {
      rows.append(
        row("bits per dimension", bits, result.nll == nil ? "of the −ELBO" : "of the NLL", 4))
    }
    if let active = result.activeUnits {
      rows.append([
        "active units", "\(Int(active.mean))",
        result.unitRates.map { "of \($0.count)" } ?? "",
      ])
    }
    if let distance = result.aggregatePosterior {
      rows += Self.aggregate(distance)
    }
    if let usage = result.codeUsage {
      rows.append(["codebook perplexity", Console.fixed(usage.perplexity, 1), ""])
      rows.append(["codes in use", "\(usage.used)", "of \(usage.counts.count)"])
    }
    if split.factors != nil { rows += disentanglement(result.disentanglement) }
    // A bound on another quantity than that of a model of p(x) must not pass for one.
    let bound = condition.map { "; bounds are on log p(x|y), y being \($0.phrase)" } ?? ""
    return "\(Count.of(result.examples, "example")) of \(split.name)\(bound)\n"
      + Console.table(rows)
  }

  /// How far the posteriors of all examples together lie from the prior, layer by layer where there
  /// are several.
  private static func aggregate(_ distance: AggregateMoments.Distance) -> [[String]] {
    func cells(_ norm: Double, _ divergence: Double) -> [String] {
      [
        "\(Console.fixed(divergence, 3)) nats",
        "from the prior; its mean \(Console.fixed(norm, 3)) from zero",
      ]
    }
    let whole = cells(distance.meanNorm, distance.divergence)
    guard distance.layers.count > 1 else { return [["aggregate posterior"] + whole] }
    return [["aggregate posterior"] + whole]
      + distance.layers.enumerated().map { level, layer in
        ["  layer \(level + 1)"] + cells(layer.meanNorm, layer.divergence)
      }
  }

  private func disentanglement(_ measured: Disentanglement?) -> [[String]] {
    guard let measured else {
      return [["disentanglement", "not measured", "needs one finite vector of posterior means"]]
    }
    let dci = [
      measured.dci.disentanglement, measured.dci.completeness, measured.dci.informativeness,
    ]
    let gap = measured.mutualInformationGap.map {
      ["MIG", Console.fixed($0.score, 3), "mutual information gap"]
    }
    return [
      gap ?? ["MIG", "not measured", "needs variances of the posterior"],
      ["FactorVAE score", Console.fixed(measured.factorVAEScore.score, 3), ""],
      [
        "DCI", dci.map { Console.fixed($0, 3) }.joined(separator: " "),
        "disentanglement, completeness, informativeness",
      ],
    ]
  }
}
