import ArgumentParser
import Communication
import Messages
import VAECore
import VAEData
import VAEFiles
import VAEZoo

struct ImputeCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "impute",
    abstract: "Fill in values that are missing, of tables or of images.",
    discussion: """
      The model must be told which values are missing: missing-vae, or another variant with encoder.name=masked-mlp or \
      masked-conv. Missing are empty cells of a table, NaN, and what the array test_hidden of an .npz file hides. Known \
      values stay as they are.

      A missing value becomes its mean given the known ones, by importance sampling with --importance-samples draws per \
      example; with --draw a draw, as scattered as data are, and with every --seed another one: several such files show \
      how sure the model is.

      A .csv or .tsv file has the names, the other cells and the other columns of the table; an .npy file an array like \
      the data's; a .png file the first images with something missing, grey there, above what they become. With --truth, \
      or where values are hidden, the error is said: of numbers of tables in standard deviations of their columns.

        vae-zoo train missing-vae --data torn.csv --out run --epochs 300
        vae-zoo impute run --data torn.csv --out whole.csv
        vae-zoo impute run --data torn.npz --out inpainted.png --draw
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(
    help: ArgumentHelp(
      "The file to write: .npy, of a table also .csv or .tsv, of images also .png.",
      valueName: "file"))
  var out: String
  @Option(
    help: ArgumentHelp(
      "The same data with the true values, to measure the error by.", valueName: "source"))
  var truth: String?
  @Option(
    help: "The split: train, valid or test (default: test, or train where there is no test).")
  var split: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draws per example that are weighted (default: 1000).", valueName: "k"))
  var importanceSamples: Int?
  @Flag(help: "Fill in draws in place of means.") var draw = false
  @Option(parsing: .unconditional, help: "The images of a .png file, at most (default: 20).")
  var count: Int?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let split { try SplitName.check(split) }
    if let importanceSamples, !(1...10_000_000).contains(importanceSamples) {
      throw ValidationError(
        "--importance-samples must be between 1 and 10000000, not \(importanceSamples)")
    }
    if let count {
      guard out.hasSuffix(".png") else { throw ValidationError("--count belongs to --out ….png") }
      guard (1...10_000).contains(count) else {
        throw ValidationError("--count must be between 1 and 10000, not \(count)")
      }
    }
  }

  func run() throws { try Processes.run(threads, impute) }

  /// What is filled in, and by what.
  private struct Subject {
    let model: TrainedModel
    let split: DataSplit
    let truth: DataSplit?
  }

  private func opened(_ target: ImageOutput) throws -> Subject {
    let model = try plugins.model(path, checkpoint)
    try model.checkTakesMasks()
    try target.check(model)
    // A file of a table has no test split.
    guard !target.format.isTable || split ?? "train" == "train" || !TableWriter.canFill(data) else {
      throw RecipeError(
        .invalid,
        "--out \(out) has all rows and columns of \(data), so that --split \(split ?? "") cannot be filled in alone; leave "
          + "--split out, or write an .npy file")
    }
    return Subject(
      model: model, split: try chosen(images.open(data, for: model, isWhole: true)),
      truth: try truth.map { try chosen(images.open($0, for: model, isWhole: true)) })
  }

  private func impute(_ communicator: any Communicator) throws {
    let isFirst = communicator.rank == 0
    let (target, subject) = try communicator.allSucceeding {
      let target = try ImageOutput(out, allowing: [.npy, .csv, .tsv, .png])
      if isFirst {
        try OutputPath.check(out, isNoneOf: [path, data] + (truth.map { [$0] } ?? []))
      }
      return (target, try opened(target))
    }
    let (model, split) = (subject.model, subject.split)
    var options = ImputationOptions()
    if let importanceSamples { options.samples = importanceSamples }
    options.drawing = draw
    options.seed = seed
    var bar = ProgressBar()
    let found = try model.impute(
      split, options, truth: subject.truth, among: communicator
    ) { fraction in
      bar.show(
        fraction, since: 0, work: Int(fraction * Double(split.count)), unit: "example",
        text: "imputing")
      return !Interrupt.token.isCancelled
    }
    bar.clear()
    guard let found else { throw StoppedWork() }
    // The first process writes for all.
    try communicator.allSucceeding {
      guard isFirst else { return }
      for notice in found.notices { Console.error(notice) }
      try target.write(found, of: model, from: data, split: split, count: count ?? 20)
      say(found)
    }
  }

  /// The split that is filled in.
  private func chosen(_ source: DataSource) throws(DataError) -> DataSplit {
    try source.split(named: split ?? (source.test == nil ? "train" : "test"))
  }

  private func say(_ found: Imputation) {
    if output.json {
      guard case .object(var members) = found.json else { return }
      members["path"] = .text(out)
      return Console.print(.object(members))
    }
    Console.error(
      "filled in \(Count.of(found.missingCount, "value")) of "
        + "\(Count.of(found.tornCount, "example")) out of \(found.values.shape[0]), wrote \(out)")
    if let draws = found.effectiveDraws {
      Console.error(
        "as good as \(Console.fixed(draws, 1)) draws of equal weight per example, on average")
    }
    guard let error = found.error else { return }
    if let rmse = error.rmse {
      let unit = error.rmseOfMeans == nil ? "" : " standard deviations"
      let means = error.rmseOfMeans.map { "; of the columns' means \(Console.fixed($0, 4))" } ?? ""
      Console.error("root of the mean squared error \(Console.fixed(rmse, 4))\(unit)\(means)")
    }
    if let wrong = error.wrongShare {
      Console.error("\(Console.fixed(wrong * 100, 1)) % of categories are wrong")
    }
  }
}
