import ArgumentParser
import VAECore
import VAETraining
import VAEZoo

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a trained model on held-out data.",
    discussion: """
      Rate, distortion and ELBO in nats an example with standard errors, bits per dimension where the likelihood is \
      of discrete values, active units; with --importance-samples K the importance-weighted negative log-likelihood \
      with K draws an example, in memory that does not grow with K.
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(help: ArgumentHelp("Draws an example for the log-likelihood.", valueName: "k"))
  var importanceSamples: Int?
  @Option(help: "The seed of all draws.") var seed = 0
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !["train", "valid", "test"].contains(split) {
      throw ValidationError("--split must be train, valid or test, not \(split)")
    }
    if let importanceSamples, !(1...10_000_000).contains(importanceSamples) {
      throw ValidationError(
        "--importance-samples must be between 1 and 10000000, not \(importanceSamples)")
    }
  }

  func run() throws {
    threads.apply()
    Interrupt.install()
    let model = try TrainedModel.open(path, registry: .builtIn)
    let split = try model.data(data).split(named: split)
    var bar = ProgressBar()
    let result = model.evaluate(split, importanceSamples: importanceSamples, seed: seed) {
      fraction in
      bar.show(
        fraction, since: 0, work: Int(fraction * Double(split.count)), unit: "examples",
        text: "evaluating")
      return !Interrupt.token.isCancelled
    }
    bar.clear()
    guard let result else { throw ExitCode(ExitStatus.interrupted) }
    if output.json {
      Console.print(result.json(variant: model.recipe.variant, split: split.name).line)
    } else {
      Console.print(text(result, split: split.name))
    }
  }

  private func text(_ result: Evaluator.Result, split: String) -> String {
    func row(_ name: String, _ value: Estimate, _ unit: String, _ decimals: Int = 3) -> [String] {
      [
        name,
        "\(Console.fixed(value.mean, decimals)) ± \(Console.fixed(value.standardError, decimals))",
        unit,
      ]
    }
    var rows = [
      row("ELBO", result.elbo, "nats an example"),
      row("rate", result.rate, "nats an example"),
      row("distortion", result.distortion, "nats an example"),
    ]
    if let nll = result.nll {
      rows.append(row("NLL", nll.estimate, "nats an example, \(nll.samples) importance samples"))
    }
    if let bits = result.bitsPerDimension { rows.append(row("bits per dimension", bits, "", 4)) }
    if let active = result.activeUnits {
      rows.append([
        "active units", "\(Int(active.mean)) ± \(Console.fixed(active.standardError, 1))",
        result.unitRates.map { "of \($0.count)" } ?? "",
      ])
    }
    return "\(result.examples) examples of \(split)\n" + Console.table(rows)
  }
}
