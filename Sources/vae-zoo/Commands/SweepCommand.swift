import ArgumentParser
import Communication
import Messages
import Tensors
import VAEEvaluation
import VAEFiles
import VAEReport
import VAETraining
import VAEZoo

struct SweepCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Train combinations of some settings, and compare them.",
    discussion: """
      Each --set lists values of a hyper-parameter; the runs are all combinations, each with as many seeds as --seeds \
      says, in folders such as beta=2-seed=1. Commas in brackets belong to a value: \
      --set hidden=[400,400],[200] has two.

        vae-zoo describe beta-vae --recipe > r.json
        vae-zoo sweep --recipe r.json --set beta=1,2,4,8 --seeds 3 --data shapes --out betas
        vae-zoo sweep gaussian-vae --set latent=2,10 --set architecture=mlp,conv --data mnist --out grid

      Of a range, --set beta=0.5..8 or --set training.learning_rate=log:1e-4..1e-2 with even logarithms, values are drawn: \
      --trials says how many combinations. Whole numbers on both sides stand for whole numbers between. --halving 3 \
      trains all runs for a few epochs, the best third by the held-out bound for three times as many, and so on.

      Every combination is checked before the first one is trained. They are trained one after the other, or --jobs at \
      once, all with the first seed before any with the second. The same command goes on where it stopped: what is finished is left \
      alone, also when values, seeds or --epochs have been added. The end is a table on standard output, with \
      means and standard deviations over seeds, and compare.html in the folder, as `vae-zoo compare` makes them. \
      A run that diverges is named and left out. Under mpirun a process that is free takes the next run.
      """)

  @Argument(help: "A variant that `vae-zoo list` shows.") var variant: String?
  @Option(help: ArgumentHelp("A recipe in place of a variant.", valueName: "file")) var recipe:
    String?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "The values of a hyper-parameter, or a range; may be given more than once.",
      valueName: "key=a,b"))
  var settings: [String] = []
  @Option(
    parsing: .unconditional,
    help: "Runs of each combination, with seeds that count up from --seed.")
  var seeds = 1
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Draw so many combinations at random, in place of all there are.", valueName: "n"))
  var trials: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Trainings at once, which share the processors (default: 1).", valueName: "n"))
  var jobs = 1
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Let one of so many runs go on after each round, by the held-out bound.", valueName: "n"))
  var halving: Int?
  @Option(
    help: ArgumentHelp(
      "Sort the table by a metric that training measures and of which one end is better, such as elbo, the best run first.",
      valueName: "metric"))
  var sort: String?
  @Option(
    help: ArgumentHelp(
      "The data: a built-in set, a folder of IDX files, CIFAR files or images, .npy, .npz, .csv or .tsv.",
      valueName: "source"))
  var data: String
  @Option(help: ArgumentHelp("The folder for the runs.", valueName: "folder")) var out: String
  @Option(
    help: ArgumentHelp(
      "A folder, such as one of a scratch disk, in which one for the checkpoints of each run is made.",
      valueName: "folder"))
  var checkpointDir: String?
  @OptionGroup var training: TrainingSettings
  @Flag(help: "Begin runs that exist again.") var force = false
  @OptionGroup var watching: WatchingOptions
  @OptionGroup var images: ImageOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (variant == nil) == (recipe == nil) {
      throw ValidationError("name a variant, or give --recipe, but not both")
    }
    if !(1...64).contains(jobs) {
      throw ValidationError("--jobs must be between 1 and 64, not \(jobs)")
    }
  }

  func run() throws { try Processes.run(threads, others: .speak, sweep) }

  private func prepared(_ communicator: any Communicator) throws -> Sweep {
    let registry = try plugins.registry()
    var request = SweepRequest(
      recipe: try recipe.map {
        try registry.recipe(
          parsing: DurableFiles.read($0, limit: .text, proceed: Interrupt.proceed), source: $0)
      } ?? registry.recipe(for: variant ?? ""),
      axes: try settings.map { text throws(RecipeError) in try Sweep.Axis(parsing: text) },
      data: data, folder: out)
    request.communicator = communicator
    request.isCancelled = Interrupt.isAskedFor
    request.settings = training.settings
    request.seeds = seeds
    request.replaces = force
    request.checkpointDir = checkpointDir
    request.columns = try images.columnTypes
    request.trials = trials
    if let sort { try Comparison.checkSorting(by: sort) }
    if let folder = watching.tensorboard { try TensorBoardLog.checkFolder(folder) }
    return try images.withOptions { images in
      request.images = images
      return try Sweep(request, registry: registry)
    }
  }

  private func sweep(_ communicator: any Communicator) throws {
    let isFirst = communicator.rank == 0
    let question: JSON.Object = [
      "halving": .integer(halving ?? 0), "force": .bool(force), "jobs": .integer(jobs),
    ]
    let sweep = try Sweep.together(communicator, asking: question) { try prepared(communicator) }
    let rounds = try communicator.allSucceeding {
      // Processes of one machine take of the same memory.
      let beside = min(communicator.size, MPILauncher()?.localSize ?? 1)
      let atOnce = min(jobs * beside, sweep.runs.count)
      let fewer: Message =
        jobs > 1
        ? ", of which a smaller --jobs makes fewer"
        : beside > 1 ? ", one in each of \(beside) processes of this machine" : ""
      try Memory.require(
        bytes: sweep.leastBytes(atOnce: atOnce),
        for: "\(Count.of(atOnce, "training")) at once\(fewer)")
      if jobs > 1, threads.threads == nil { try Engine.setThreads(max(1, Engine.threads / jobs)) }
      return try halving.map { try sweep.rounds(factor: $0) }
    }
    try sweep.makeFolder()
    if isFirst, let trials, case let found = sweep.runs.count / max(1, seeds), found < trials {
      Console.error(
        "there are only \(Count.of(found, "combination")) of these values, not \(trials)")
    }
    let training = SweepTraining(
      sweep, jobs: jobs, watching: watching, writesJSON: output.json,
      options: AnotherTraining.options(
        threads: threads, images: images, plugins: plugins, limits: limits), communicator)
    let diverged = try training.train(rounds: rounds)
    // The first process compares for all.
    try communicator.allSucceeding { if isFirst { try compare(sweep, leavingOut: diverged) } }
    if let first = diverged.first {
      throw TrainingError(
        .diverged,
        diverged.count == 1
          ? "\(first) diverged; see above"
          : "\(diverged.count) runs diverged, \(first) first; see above")
    }
  }

  private func compare(_ sweep: Sweep, leavingOut names: [String]) throws {
    var runs = sweep.runs.filter { !names.contains($0.name) }
    guard !runs.isEmpty else { return }
    var histories = try runs.map { try RunHistory.read($0.path) }
    if let sort {
      if try !Comparison.hasNumbers(of: sort, in: histories) {
        Console.error(
          "none of the runs has \(sort), so that they stand in the order of their settings")
      }
      histories = try Comparison.sorted(histories, by: sort)
      runs = histories.compactMap { history in runs.first { $0.path == history.path } }
    }
    for notice in histories.flatMap(\.notices) { Console.error(text: notice) }
    let comparison = Comparison(histories)
    let page = "\(out)/compare.html"
    if output.json {
      let items = zip(runs, comparison.runs).map { run, history -> JSON in
        var settings: JSON.Object = [:]
        for (key, value) in sweep.settings(of: run) {
          settings[key] = (try? JSON(parsing: Array(value.utf8), source: key)) ?? .text(value)
        }
        var object: JSON.Object = [
          "run": .text(run.name), "path": .text(run.path), "settings": .object(settings),
          "seed": .integer(run.seed),
        ]
        if let terms = history.final { object["final"] = terms.json }
        return .object(object)
      }
      Console.print(JSON.object(["runs": .array(items), "page": .text(page)]))
    } else {
      comparison.print()
    }
    try PageOutput(page).write(Report.page(comparison))
  }
}
