import ArgumentParser
import Communication
import Messages
import VAECore
import VAEData
import VAEFiles
import VAEReport
import VAETraining
import VAEZoo

struct TrainCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a variant, or a recipe, on some data.",
    discussion: """
      The run folder holds the full recipe, one metrics line per epoch, checkpoints and, at the end, model.safetensors. \
      A checkpoint is written every epoch and at least every minute; after an interruption `train --out RUN \
      --resume` continues bit for bit, with the recipe and data that the run has on record; a plug-in that it needs \
      is named again by --plugin, since a run folder may come from anywhere and a plug-in is a program.

        vae-zoo train gaussian-vae --data mnist --out run --binarize dynamic
        vae-zoo train gaussian-vae --data shapes --out run --set latent=10 --set architecture=conv
        vae-zoo train gaussian-vae --data photos --size 64 --crop --out run
        vae-zoo train gaussian-vae --data people.csv --holdout 0.1 --out run
        vae-zoo train conditional-vae --data people.csv --column region=label --out run
        vae-zoo train --recipe my.json --data images.npz --out run
        vae-zoo train --stage prior --from run --data shapes-color --out run2
        vae-zoo train --stage mixture --from run --data mnist --out run4
        vae-zoo train --stage flow --from run --data mnist --out run5
        vae-zoo train --stage decoder --from run --data mnist --out run6 --set objective.name=adversarial
        vae-zoo train gaussian-vae --from-weights run --learning-rate 0.0001 --data mnist --out run3

      The run also keeps, at steps that lie ever further apart, what the model says about a few fixed examples: \
      `vae-zoo report RUN` shows it, and --report keeps that page up to date while training goes on.

      --set takes any hyper-parameter that `vae-zoo describe VARIANT` shows, by its path or its short name.
      """)

  @Argument(help: "A variant that `vae-zoo list` shows.") var variant: String?
  @Option(help: ArgumentHelp("A recipe in place of a variant.", valueName: "file")) var recipe:
    String?
  @Option(
    help: ArgumentHelp(
      "A further stage of a finished run, such as prior for vq-vae, mixture, flow or two-stage for one layer of real latents, or decoder.",
      valueName: "name"))
  var stage: String?
  @Option(help: ArgumentHelp("The finished run, which stays as it is.", valueName: "run"))
  var from: String?
  @Option(
    help: ArgumentHelp(
      "Begin with the weights of a run, or of an exported .safetensors file, in place of fresh ones; other settings of "
        + "training are allowed.", valueName: "run"))
  var fromWeights: String?
  @Option(
    help: ArgumentHelp(
      "The data: a built-in set, a folder of IDX files, CIFAR files or images, .npy, .npz, .csv or .tsv (default: "
        + "where a run is resumed, its own).",
      valueName: "source"))
  var data: String?
  @Option(help: ArgumentHelp("The run folder.", valueName: "run")) var out: String
  @Option(
    help: ArgumentHelp(
      "A folder, such as one of a scratch disk, in which one for the checkpoints of this run is made; to resume such a "
        + "run, the same again.", valueName: "folder"))
  var checkpointDir: String?
  @OptionGroup var training: TrainingSettings
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("A hyper-parameter; may be given more than once.", valueName: "key=value"))
  var settings: [String] = []
  @Flag(help: "Continue the run where it stopped, or begin it.") var resume = false
  @Flag(help: "Replace the run if it exists.") var force = false
  @OptionGroup var watching: WatchingOptions
  @OptionGroup var images: ImageOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let subjects = [variant, recipe, stage].filter { $0 != nil }.count
    if subjects > 1 || (subjects == 0 && !resume) {
      throw ValidationError(
        "name a variant, or give --recipe, or --stage with --from, but only one")
    }
    if data == nil && !resume {
      throw ValidationError("Missing expected argument '--data <source>'")
    }
    if (stage == nil) != (from == nil) {
      throw ValidationError("--stage and --from go together: which stage, and from which run")
    }
    if resume && force { throw ValidationError("choose one of --resume and --force") }
    try settings.checkSettings(beside: training.settings)
  }

  private var allSettings: [(key: String, value: String)] {
    settings.asSettings + training.settings
  }

  func run() throws { try Processes.run(threads, train) }

  private func train(_ communicator: any Communicator) throws {
    let isFirst = communicator.rank == 0
    let session = try TrainingSession.together(communicator) { try prepared(communicator) }
    // The first process speaks for all.
    let watched = try session.trainer.communicator.allSucceeding {
      isFirst
        ? try WatchedTraining(
          session, run: out, watching: watching, eventFolder: watching.tensorboard,
          writesJSON: output.json) : nil
    }
    let outcome: Trainer.Outcome
    do {
      outcome = try watched?.train() ?? session.train(cancel: Interrupt.token)
    } catch let error as TrainingError {
      let other = AnotherTraining(of: out, data: data ?? session.data.name, options: sharedWords)
      throw TrainingError(error.kind, text: error.message.text(other.remedy))
    }
    switch outcome {
    case .finished:
      if isFirst && !output.json { Console.error("finished: \(out)") }
    case .cancelled:
      if isFirst {
        let size = communicator.size
        let processes: Message = size > 1 ? " in as many processes (\(size))" : ""
        Console.error(
          "interrupted at step \(session.trainer.step); continue\(processes) with: \(continuation)")
      }
      throw ExitCode(ExitStatus.interrupted)
    }
  }

  /// The training as it was asked for, in one of the processes that train together.
  private func prepared(_ communicator: any Communicator) throws -> TrainingSession {
    let subject: TrainingRequest.Subject
    if let recipe {
      subject = .recipe(
        try DurableFiles.read(recipe, limit: .text, proceed: Interrupt.proceed), source: recipe)
    } else if let stage, let from {
      subject = .stage(stage, from: from)
    } else if let variant {
      subject = .variant(variant)
    } else {
      subject = .begun
    }
    let begun = resume ? try BegunRun(out) : nil
    if variant == nil && recipe == nil && stage == nil && begun?.recipe == nil {
      throw ValidationError(
        "\(out) holds no run to resume; name a variant, or give --recipe, to begin one")
    }
    guard let data = try data ?? begun?.data() else {
      throw ValidationError("\(out) has no record of its data; give --data <source>")
    }
    var request = TrainingRequest(
      subject, settings: allSettings, data: data, run: out,
      existing: resume ? .resume : force ? .replace : .refuse, fromWeights: fromWeights)
    request.checkpointDir = checkpointDir
    request.communicator = communicator
    request.columns = try images.columnTypes
    request.isCancelled = Interrupt.isAskedFor
    // What cannot be written is refused before the run folder is begun, by the one process that will write it.
    if communicator.rank == 0, let folder = watching.tensorboard {
      try TensorBoardLog.checkFolder(folder, ofRun: out)
    }
    let registry = try plugins.registry()
    return try images.withOptions { options in
      request.images = options
      request.images?.keepsImages = self.data != nil || images.cache != nil
      return try TrainingSession(request, registry: registry)
    }
  }

  /// The command that goes on where this one was interrupted.
  private var continuation: String {
    CommandText.joined(["vae-zoo", "train", "--out", out, "--resume"] + sharedWords)
  }

  /// The options of this command that another one for the same training repeats.
  private var sharedWords: [String] {
    AnotherTraining.options(
      checkpointDir: checkpointDir, threads: threads, watching: watching, images: images,
      plugins: plugins, limits: limits) + (output.json ? ["--json"] : [])
  }
}

/// What a run folder has on record of how it was begun, as far as it has.
struct BegunRun {
  /// The bytes of its recipe.
  let recipe: [UInt8]?
  /// The data that it was last trained on, as they were named then.
  private let recordedData: String?
  private let run: RunFolder?

  /// Reads a run folder; of a folder that holds no run, or does not exist, there is nothing.
  init(_ path: String) throws {
    run = try? RunFolder.open(path)
    recipe = try run?.recipeBytes()
    recordedData = try run?.readSessions().objects.last?["data"]?.text
  }

  /// The data that it was last trained on; nil where it has no record of them.
  ///
  /// - Throws: `DataError` of kind `missing` where they are no longer where they were.
  func data() throws -> String? {
    guard let run, let recordedData, !DataSource.isBuiltIn(recordedData) else {
      return recordedData
    }
    let data = try run.located(recordedData)
    guard !DurableFiles.exists(data) else { return data }
    let isWhole = recordedData.utf8.first == UInt8(ascii: "/")
    let folder = try isWhole ? nil : run.recordedFolder()
    let place = folder.map { ", named in the folder \($0)," } ?? ","
    throw DataError(
      .missing,
      "the data that \(run.path) has on record, \(recordedData)\(place) are not there any more; give them by "
        + "\(.data), wherever they lie now")
  }
}
