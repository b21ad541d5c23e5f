import ArgumentParser
import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAEFiles
import VAEZoo

struct ScoreCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Write how unusual each example is to a model, as a table or an array.",
    discussion: """
      One number per example, in nats, larger for what is more unusual. With --method

        nll     −log p(x) by importance weighting, with --importance-samples draws per example
        elbo    −ELBO, a bound on it
        regret  by how much −ELBO falls where the posterior is optimised for the example alone (--steps)
        ratio   log p'(x) − log p(x), p' being the model of --background RUN
        typicality  how far the mean of −log p(x) over the --group of an example is from that over --reference DATA

      A plain likelihood often takes simple data of another kind for usual; docs/anomalies.md shows where, and what \
      helps. A .csv file has a row per example: its number in the split, from 0 on, its file in a folder of images or its \
      line in a table, its class where the data have classes, and the score. An .npy file has the scores alone, [N].

        vae-zoo score run --data new.npz --out scores.csv
        vae-zoo score run --data fashion-mnist --method regret --out regret.npy
        vae-zoo score run --data mnist --method ratio --background noisy-run --out ratio.csv
        vae-zoo score run --data new.npz --method typicality --reference held-out.npz --group 10 --out groups.csv
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: ArgumentHelp("The file to write: .csv or .npy.", valueName: "file")) var out: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(help: ArgumentHelp("nll, elbo, regret, ratio or typicality.", valueName: "how"))
  var method = "nll"
  @Option(
    help: ArgumentHelp("The run that ratio compares with, or its exported file.", valueName: "run"))
  var background: String?
  @Option(
    help: ArgumentHelp(
      "The data whose mean typicality compares with, such as held-out ones.", valueName: "source"))
  var reference: String?
  @Option(
    help: ArgumentHelp(
      "Their split (default: valid, else test, else train; of a run that has set a share of its data apart, valid is that share of these).",
      valueName: "split"))
  var referenceSplit: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Examples in turn that are a group for typicality (default: 10); those left at the end are a smaller one.",
      valueName: "m"))
  var group: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Draws per example for the likelihoods of nll, ratio and typicality; of the last two 0 for bounds (default: 16).",
      valueName: "k"))
  var importanceSamples: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Updates of each posterior for regret (default: 100).", valueName: "n"))
  var steps: Int?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try SplitName.check(split)
    if let referenceSplit {
      try SplitName.check(referenceSplit)
      guard reference != nil else {
        throw ValidationError("--reference-split belongs to --reference")
      }
    }
    guard out.hasSuffix(".csv") || out.hasSuffix(".npy") else {
      throw ValidationError("--out \(out) must end in .csv or .npy")
    }
    let known = ScoreMethod(rawValue: method)
    if let importanceSamples {
      let least = known?.takesBounds == true ? 0 : 1
      guard (least...10_000_000).contains(importanceSamples) else {
        throw ValidationError(
          "--importance-samples must be between \(least) and 10000000, not \(importanceSamples)")
      }
      guard known?.isWeighted ?? true else {
        throw ValidationError(
          "--importance-samples belongs to --method nll, ratio and typicality")
      }
    }
    if let group {
      guard (1...1_000_000_000).contains(group) else {
        throw ValidationError("--group must be between 1 and 1000000000, not \(group)")
      }
      guard method == "typicality" else {
        throw ValidationError("--group belongs to --method typicality")
      }
    }
    if let steps {
      guard (1...100_000).contains(steps) else {
        throw ValidationError("--steps must be between 1 and 100000, not \(steps)")
      }
      guard method == "regret" else { throw ValidationError("--steps belongs to --method regret") }
    }
  }

  func run() throws { try Processes.run(threads, score) }

  private func score(_ communicator: any Communicator) throws {
    let isFirst = communicator.rank == 0
    var options = ScoreOptions()
    options.method = try communicator.allSucceeding { try ScoreMethod(named: method) }
    if let importanceSamples { options.importanceSamples = importanceSamples }
    if let steps { options.regret.steps = steps }
    if let group { options.group = group }
    options.seed = seed
    let (model, other, split, usual) = try communicator.allSucceeding {
      if isFirst {
        try OutputPath.check(
          out, isNoneOf: [path, data] + [background, reference].compactMap(\.self))
      }
      let model = try plugins.model(path, checkpoint)
      return (
        model, try background.map { try plugins.model($0, CheckpointChoice.last) },
        try images.open(data, for: model).split(named: self.split),
        try reference.map { path in
          let source = try images.open(path, for: model)
          return try referenceSplit.map { name throws(DataError) in try source.split(named: name) }
            ?? source.validation ?? source.test ?? source.train
        }
      )
    }
    var bar = ProgressBar()
    let scores = try model.scores(
      split, options, background: other, reference: usual, among: communicator
    ) { fraction in
      bar.show(
        fraction, since: 0, work: Int(fraction * Double(split.count)), unit: "example",
        text: "scoring")
      return !Interrupt.token.isCancelled
    }
    bar.clear()
    guard let scores else { throw StoppedWork() }
    // The first process writes for all.
    try communicator.allSucceeding {
      if isFirst { try write(scores, of: split, by: options.method, comparedWith: usual) }
    }
  }

  private func write(
    _ scores: [Double], of split: DataSplit, by method: ScoreMethod,
    comparedWith usual: DataSplit?
  ) throws {
    try DurableFiles.replace(
      out, with: out.hasSuffix(".csv") ? table(scores, of: split) : array(scores))
    let mean = scores.reduce(0, +) / Double(max(1, scores.count))
    if output.json {
      var object: JSON.Object = [
        "method": .text(method.rawValue), "examples": .integer(scores.count),
        "mean": .finite(mean), "path": .text(out),
      ]
      if let usual {
        object["reference_split"] = .text(usual.name)
        object["reference_examples"] = .integer(usual.count)
      }
      Console.print(.object(object))
    } else {
      if let usual, let reference {
        Console.error(
          "compared with \(Count.of(usual.count, "example")) of \(reference), its split \(usual.name); "
            + "--reference-split chooses another")
      }
      Console.error(
        "wrote the \(method.rawValue) of \(Count.of(scores.count, "example")) of \(split.name), "
          + "\(Console.fixed(mean)) nats on average, to \(out)")
    }
  }

  private func array(_ scores: [Double]) -> [UInt8] {
    NPYWriter.bytes(Tensor(scores.map(Float.init), shape: [scores.count]))
  }

  /// Rows by RFC 4180.
  private func table(_ scores: [Double], of split: DataSplit) -> [UInt8] {
    // Names of files and folders as the system has them, whatever their encoding.
    func cell(_ name: String) -> [UInt8] {
      let bytes = name.systemPath.dropLast().map(UInt8.init(bitPattern:))
      return TableWriter.quoted(bytes: bytes[...], separator: ",") + [UInt8(ascii: ",")]
    }
    let origins = split.origins
    let place = origins.map { "\($0.name)," } ?? ""
    var bytes = Array("example,\(place)\(split.labels == nil ? "" : "class,")\(method)\n".utf8)
    for (number, score) in scores.enumerated() {
      bytes += "\(number),".utf8
      if let origins { bytes += cell(origins.text(number)) }
      if let label = split.labels?[number] {
        let place = Int(label)
        bytes += cell(split.classes.indices.contains(place) ? split.classes[place] : "\(label)")
      }
      // As precise as the networks are.
      bytes += "\(Float(score))\n".utf8
    }
    return bytes
  }
}
