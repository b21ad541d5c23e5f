import ArgumentParser
import Communication
import Messages
import VAECore
import VAEData
import VAEFiles
import VAEZoo

struct EvaluateCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a trained model on held-out data.",
    discussion: """
      Prints rate, distortion and their sum, −ELBO, in nats per example with standard errors (lower is better), and the \
      number of active units. Bits per dimension are printed where the likelihood is one of discrete values, or where \
      training dequantized bytes; then they are an upper bound, from one draw of the noise per image. Two numbers say \
      how far the posteriors of all examples together lie from the prior: the KL in nats of a Gaussian with their mean \
      and variance of each unit, and the norm of that mean.

      --importance-samples K adds the importance-weighted negative log-likelihood with K draws per example; bits per \
      dimension are then made from it. The memory that this takes does not grow with K.

      Where the factors that generated the data are known and the posterior has one vector of means, these scores are \
      added, each 1 at best: the mutual information gap (MIG), the FactorVAE score, and disentanglement, completeness \
      and informativeness (DCI).

      --network FILE compares images by what a frozen network sees in them, such as one that `vae-zoo classifier` has \
      made: the Fréchet distance of as many samples as there are examples, and of the reconstructions; precision, recall, \
      density and coverage of the samples; the feature distance of the reconstructions; and by a classifier the share of \
      samples of which it is sure. The numbers of two models can be compared where network, layer and examples are the same.

      --metrics measures only what it names. A run folder keeps the result for `vae-zoo report`. Under mpirun the \
      processes divide the examples, and come to the numbers of one with as many --threads.
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draws per example for the log-likelihood.", valueName: "k"))
  var importanceSamples: Int?
  @Option(
    help: ArgumentHelp(
      "What to measure alone, by the names that `vae-zoo metrics` lists, with commas between them.",
      valueName: "names"))
  var metrics: String?
  @Option(
    help: ArgumentHelp(
      "A frozen network to compare images by: a safetensors file of `vae-zoo classifier`, of a known architecture, or "
        + "another model, whose encoder it is.", valueName: "file"))
  var network: String?
  @Option(
    help: ArgumentHelp(
      "The layer of the network whose features are compared (default: the one that stands for the image).",
      valueName: "name"))
  var networkLayer: String?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try SplitName.check(split)
    guard networkLayer == nil || network != nil else {
      throw ValidationError("--network-layer names a layer of --network; give that too")
    }
    if let importanceSamples, !(1...10_000_000).contains(importanceSamples) {
      throw ValidationError(
        "--importance-samples must be between 1 and 10000000, not \(importanceSamples)")
    }
  }

  func run() throws { try Processes.run(threads, evaluate) }

  /// What is measured, and by what.
  private struct Subject {
    let model: TrainedModel
    let network: FrozenNetworkFile?
    let split: DataSplit
  }

  private func opened(_ names: [String]?) throws -> Subject {
    if let names { _ = try MetricRegistry.standard.metrics(named: names) }
    let registry = try plugins.registry()
    let model = try plugins.model(path, checkpoint.checkpoint, registry)
    return Subject(
      model: model,
      network: try network.map { try model.network($0, layer: networkLayer, registry: registry) },
      split: try images.open(data, for: model).split(named: split))
  }

  private func evaluate(_ communicator: any Communicator) throws {
    let names = metrics.map(MetricRegistry.names(in:))
    let subject = try communicator.allSucceeding { try opened(names) }
    let split = subject.split
    var bar = ProgressBar()
    let found = try subject.model.evaluate(
      split, metrics: names, importanceSamples: importanceSamples, network: subject.network,
      seed: seed, among: communicator
    ) { fraction in
      bar.show(
        fraction, since: 0, work: Int(fraction * Double(split.count)), unit: "example",
        text: "evaluating")
      return !Interrupt.token.isCancelled
    }
    bar.clear()
    guard let found else { throw StoppedWork() }
    // The first process speaks for all.
    if communicator.rank == 0 { say(found, of: subject, isAskedByName: names != nil) }
  }

  private func say(_ result: Evaluator.Result, of subject: Subject, isAskedByName: Bool) {
    let (model, split) = (subject.model, subject.split)
    if let network = subject.network, !output.json {
      Console.error(
        "images compared by \(network.path), layer \(network.layers.joined(separator: ", ")), SHA-256 \(network.sha256)"
      )
    }
    do {
      try model.keep(result, split: split.name, data: data, seed: seed)
    } catch {
      let reason = (error as? FileError)?.message ?? Message(String(describing: error))
      Console.error("the run does not keep this result for its report: \(reason)")
    }
    if let distance = result.metrics[AggregatePosteriorMetric.self],
      let notice = distance.notice(
        of: model.model.prior.latents, rateWeight: model.recipe.rateWeight)
    {
      Console.error(notice)
    }
    if output.json {
      Console.print(
        result.json(
          variant: model.recipe.variant, split: split.name,
          isConditional: model.model.condition != nil))
    } else {
      Console.print(
        text(result, split: split, told: model.model.condition, isAskedByName: isAskedByName))
    }
  }

  private func text(
    _ result: Evaluator.Result, split: DataSplit, told condition: ConditionSpace?,
    isAskedByName: Bool
  ) -> String {
    var rows = result.metrics.entries.flatMap { entry in
      isAskedByName ? entry.report.allRows(entry.descriptor) : entry.report.rows
    }
    .map { row in [row.title, Console.numbers(row), row.note] }
    // Somebody whose data have factors looks for what compares units with them.
    if split.factors != nil {
      rows += result.omissions.filter { $0.descriptor.needs.contains(.factors) }.map { omission in
        [
          omission.descriptor.numbers.first?.title ?? omission.descriptor.title, "not measured",
          omission.need.map { "needs \($0.phrase)" } ?? "",
        ]
      }
    }
    // A bound on another quantity than that of a model of p(x) must not pass for one.
    let bound = condition.map { "; bounds are on log p(x|y), y being \($0.phrase)" } ?? ""
    return "\(Count.of(result.examples, "example")) of \(split.name)\(bound)\n"
      + Console.table(rows)
  }
}
