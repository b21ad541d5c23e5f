import Communication
import Messages
import Tensors
import VAEData
import VAEFiles
import VAERecipes
import VAETraining

/// What to train in a sweep, on what, and where to.
public struct SweepRequest: Sendable {
  /// What all runs have in common.
  public var recipe: Recipe
  /// The settings that vary.
  public var axes: [Sweep.Axis]
  /// Settings of all runs, as after `--set`; `training.seed` is the first seed.
  public var settings: [(key: String, value: String)] = []
  /// How many combinations are drawn at random, in place of all there are; nil for these. Needed where a
  /// setting has a range.
  public var trials: Int?
  /// How often each combination is trained, each time with the next seed.
  public var seeds = 1
  /// The data source.
  public var data: String
  /// The folder that the runs' folders lie in.
  public var folder: String
  /// Whether runs that exist are begun again; otherwise they are continued.
  public var replaces = false
  /// A folder outside of the run folders for the checkpoints of all runs, each in one of its own;
  /// see `RunFolder.create`.
  public var checkpointDir: String?
  /// How image files are decoded; nil for a program that does not decode any.
  public var images: ImageFolderOptions?
  /// What somebody says of the columns of a table, by their names.
  public var columns: [String: TableColumnType] = [:]
  /// Asked again and again while data are read; true asks for a stop.
  public var isCancelled: @Sendable () -> Bool = { false }
  /// What connects this process with others that divide the runs among each other; see `Sweep.together`.
  public var communicator: any Communicator = SoloCommunicator()

  /// A request with one seed.
  public init(recipe: Recipe, axes: [Sweep.Axis], data: String, folder: String) {
    self.recipe = recipe
    self.axes = axes
    self.data = data
    self.folder = folder
  }
}

/// Trainings of one recipe that differ in some settings: every combination of their values, or as many as
/// are drawn at random, each with some seeds. All of them have been checked before the first one begins.
public struct Sweep {
  /// A setting with the values that it takes in turn.
  public struct Axis: Equatable, Sendable {
    /// A path in the recipe or a shorthand.
    public let key: String
    /// The text of each value, as after `--set key=`; none where there is a range.
    public let values: [String]
    /// Where values are drawn from; nil where they are listed.
    public let range: SweepRange?

    /// A setting with its values.
    public init(key: String, values: [String]) {
      self.key = key
      self.values = values
      range = nil
    }

    /// A setting whose values are drawn from a range.
    public init(key: String, range: SweepRange) {
      self.key = key
      self.range = range
      values = []
    }

    /// Reads `key=a,b`, or a range as `SweepRange` has it. Commas in brackets do not part values:
    /// `hidden=[512,256],[400]` has two, which are lists.
    ///
    /// - Throws: `RecipeError` of kind `invalid`.
    public init(parsing text: String) throws(RecipeError) {
      let pieces = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pieces.count == 2, !pieces[0].isEmpty else {
        throw RecipeError(.invalid, "\(text) is not of the form key=value,value")
      }
      if let range = try SweepRange(parsing: String(pieces[1])) {
        self.init(key: String(pieces[0]), range: range)
        return
      }
      var values = [""]
      var depth = 0
      for character in pieces[1] {
        if character == "[" { depth += 1 }
        if character == "]" { depth -= 1 }
        if character == "," && depth == 0 {
          values.append("")
        } else {
          values[values.count - 1].append(character)
        }
        guard depth >= 0 else { break }
      }
      guard depth == 0 else {
        throw RecipeError(.invalid, "\(text) has a bracket without its counterpart")
      }
      guard !values.contains("") else {
        throw RecipeError(
          .invalid, "\(text) has a value that is empty; an empty list is written []")
      }
      self.init(key: String(pieces[0]), values: values)
    }
  }

  /// One training.
  public struct Run: Equatable, Sendable {
    /// What it is called, such as `beta=2-seed=1`; its folder has this name.
    public let name: String
    /// The run folder.
    public let path: String
    /// The value of each setting that varies.
    public let values: [String]
    /// The seed.
    public let seed: Int
  }

  /// How a run is trained, as far as halving asks.
  struct Plan {
    let options: TrainingOptions
    /// Whether something is measured that no training sees.
    let hasHeldOut: Bool
    /// What the data are called.
    let data: String
  }

  /// The most runs of a sweep.
  public static let limit = 1000

  /// The runs, those of one combination side by side.
  public let runs: [Run]
  /// The folder that they lie in.
  public let folder: String
  let request: SweepRequest
  /// The parameters of the largest model.
  private var largestModel = 0
  /// How each run is trained.
  private(set) var plans: [Plan] = []
  private let registry: Registry
  private let data: DataSource

  /// Makes every recipe and model once, and looks at the runs that exist.
  ///
  /// - Throws: what any of the trainings would be refused for, as `TrainingSession` does, with the
  ///   name of the run; nothing has been changed on disk then.
  public init(_ request: SweepRequest, registry: Registry) throws {
    self.request = request
    self.registry = registry
    folder = request.folder
    try Self.check(request)
    var recipe = request.recipe
    try registry.applyTraining(request.settings, to: &recipe)
    runs = try Self.runs(request, firstSeed: TrainingOptions(recipe.training).seed)
    let kind = try DurableFiles.kind(of: folder)
    guard kind == nil || kind == .folder else {
      throw FileError(.exists, "sweep in", folder, "it exists and is not a folder")
    }
    guard !DurableFiles.exists("\(folder)/recipe.json") else {
      throw FileError(.exists, "sweep in", folder, "it is a run folder; choose another folder")
    }
    // Opening may take minutes.
    for run in runs {
      let settings = Self.allSettings(of: run, request)
      try Self.named(run) { try registry.checkBeforeData(settings, for: recipe) }
    }
    data = try DataSource.open(
      request.data, rule: recipe.data?.rule, preparation: recipe.data?.preparation,
      images: request.images,
      table: TableOptions(types: request.columns, for: recipe.data),
      isCancelled: request.isCancelled)
    try checkRuns()
  }

  /// The runs in the order in which they are trained: all combinations with the first seed, then
  /// all with the next, so that a sweep that is stopped has tried as many as it could.
  public var inTurn: [Run] {
    Set(runs.map(\.seed)).sorted().flatMap { seed in runs.filter { $0.seed == seed } }
  }

  /// The settings that vary, with their values in a run.
  public func settings(of run: Run) -> [(key: String, value: String)] {
    zip(request.axes, run.values).map { ($0.key, $1) }
  }

  /// A training that is ready to run: the whole run, or what is left of it.
  ///
  /// - Throws: as `TrainingSession`.
  public func session(_ run: Run) throws -> TrainingSession {
    try session(run, epochs: nil, existing: existing)
  }

  /// The bytes that so many trainings at once take at least, for weights, gradients and moments of the
  /// largest models.
  public func leastBytes(atOnce jobs: Int) -> Int { jobs * largestModel * 4 * 4 }

  /// A part of a training, up to an epoch, after which the rest can follow.
  ///
  /// - Parameters:
  ///   - epochs: where it ends; nil for the end of the run.
  ///   - existing: what to do where the run exists; nil to store nothing.
  public func session(
    _ run: Run, epochs: Int?, existing: TrainingRequest.Existing?
  ) throws -> TrainingSession {
    let last = epochs.map { [(key: "training.epochs", value: "\($0)")] } ?? []
    return try TrainingSession(
      request.recipe, settings: allSettings(of: run) + last, data: data,
      run: existing == nil ? nil : run.path, existing: existing ?? .refuse,
      checkpointDir: request.checkpointDir, registry: registry)
  }

  /// Whether runs that exist are begun again.
  public var replacesRuns: Bool { request.replaces }

  private var existing: TrainingRequest.Existing { request.replaces ? .replace : .resume }

  private func allSettings(of run: Run) -> [(key: String, value: String)] {
    Self.allSettings(of: run, request)
  }

  private static func allSettings(
    of run: Run, _ request: SweepRequest
  ) -> [(key: String, value: String)] {
    let own = zip(request.axes, run.values).map { (key: $0.key, value: $1) }
    return request.settings + own + [("training.seed", "\(run.seed)")]
  }

  /// What must be the same in all processes that divide the runs.
  ///
  /// - Parameter question: what else, by the names of settings.
  func facts(_ question: JSON.Object) throws -> [TrainingFact] {
    let settings = request.settings.map { "\($0.key)=\($0.value)" }
    let checksum = try data.comparedChecksum(condition: nil, takesMasks: false)
    return TrainingFact.ofEngine + [
      TrainingFact("version of the zoo", VAEZooVersion.text),
      TrainingFact("number of threads", "\(Engine.threads)"),
      TrainingFact("recipe", settings: request.recipe.json),
      TrainingFact("setting of training", settings.joined(separator: " ")),
      TrainingFact("setting of the sweep", settings: .object(question)),
      TrainingFact("list of runs", runs.map(\.name).joined(separator: "\n")),
      TrainingFact("checksum of the data", checksum),
    ]
  }

  // MARK: Making the runs

  private static func check(_ request: SweepRequest) throws {
    for (number, axis) in request.axes.enumerated() {
      guard axis.key != "training.seed" else {
        throw RecipeError(
          .invalid, "training.seed is not a setting to vary: say how many seeds, and the first one")
      }
      guard !request.axes[..<number].contains(where: { $0.key == axis.key }) else {
        throw RecipeError(
          .invalid, "\(axis.key) is set twice; list its values in one place, as in \(axis.key)=a,b")
      }
      guard !request.settings.contains(where: { $0.key == axis.key }) else {
        throw RecipeError(.invalid, "\(axis.key) cannot both vary and have a value for all runs")
      }
    }
  }

  private static func runs(_ request: SweepRequest, firstSeed: Int) throws -> [Run] {
    guard (1...limit).contains(request.seeds) else {
      throw RecipeError(
        .invalid, "a sweep has 1 to \(limit) seeds for each combination, not \(request.seeds)")
    }
    if let trials = request.trials, !(1...limit).contains(trials) {
      throw RecipeError(.invalid, "a sweep draws 1 to \(limit) combinations, not \(trials)")
    }
    if let axis = request.axes.first(where: { $0.range != nil }), request.trials == nil {
      throw RecipeError(
        .invalid,
        "\(axis.key) has a range, of which values are drawn; say how many combinations there are to be by \(.trials)"
      )
    }
    var count = request.seeds
    if let trials = request.trials {
      count *= trials
    } else {
      for axis in request.axes {
        count = min(limit + 1, count) * min(limit + 1, axis.values.count)
      }
    }
    guard (2...limit).contains(count) else {
      throw RecipeError(
        .invalid,
        count < 2
          ? "a sweep of one run is a training: give a setting more values, or more seeds"
          : "a sweep has at most \(limit) runs; give fewer values or seeds")
    }
    guard firstSeed <= Int.max - request.seeds else {
      throw RecipeError(.invalid, "there are no \(request.seeds) seeds from \(firstSeed) on")
    }
    let combinations = combinations(request, firstSeed: firstSeed)
    let runs = combinations.flatMap { values in
      (0..<request.seeds).map { number -> Run in
        let seed = firstSeed + number
        let pieces = zip(request.axes, values).map { "\($0.key)=\($1)" } + ["seed=\(seed)"]
        let name = fileName(pieces.joined(separator: "-"))
        return Run(name: name, path: "\(request.folder)/\(name)", values: values, seed: seed)
      }
    }
    // Names of files are limited to 255 bytes; temporary ones are longer than the final ones.
    if let long = runs.first(where: { $0.name.utf8.count > 200 }) {
      throw RecipeError(
        .invalid,
        "\(long.name) is too long for a folder's name; vary fewer settings, or set them in the recipe"
      )
    }
    return runs
  }

  /// The values of all axes in each combination: all there are, or those that are drawn, which follow from
  /// the first seed and their number, so that more of them can be asked for later.
  private static func combinations(_ request: SweepRequest, firstSeed: Int) -> [[String]] {
    guard let trials = request.trials else {
      return request.axes.reduce([[]]) { combinations, axis in
        combinations.flatMap { values in axis.values.map { values + [$0] } }
      }
    }
    let random = RandomSource(seed: UInt64(bitPattern: Int64(firstSeed))).child("sweep")
    var found: [[String]] = []
    var number = 0
    // Few listed values give the same combination again; after many of these no other is left.
    while found.count < trials, number < 100 * trials {
      let values = request.axes.map { axis -> String in
        var generator = random.stream(axis.key, step: number).generator()
        return axis.range?.value(using: &generator)
          ?? axis.values.randomElement(using: &generator) ?? ""
      }
      if !found.contains(values) { found.append(values) }
      number += 1
    }
    return found
  }

  /// Text as a name that no shell and no file system takes for something else.
  private static func fileName(_ text: String) -> String {
    String(
      text.filter { $0 != "[" && $0 != "]" && $0 != " " }.map { character in
        character.isASCII
          && (character.isLetter || character.isNumber || "._,+=-".contains(character))
          ? character : "_"
      })
  }

  // MARK: Checking them

  private mutating func checkRuns() throws {
    var names: [String: String] = [:]
    var recipes: [String: String] = [:]
    for run in runs {
      let session = try Self.named(run) {
        try TrainingSession(
          request.recipe, settings: allSettings(of: run), data: data, run: nil, existing: existing,
          registry: registry)
      }
      try Self.named(run) {
        try TrainingSession.checkKeepBest(
          allSettings(of: run), session.trainer.options, session.data)
      }
      largestModel = max(largestModel, session.trainer.model.parameterCount)
      plans.append(
        Plan(
          options: session.trainer.options, hasHeldOut: session.data.heldOut != nil,
          data: session.data.name))
      let description = settings(of: run).map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      if let other = recipes.updateValue(description, forKey: session.recipe.json.line) {
        throw RecipeError(.invalid, "\(other) and \(description) are the same training")
      }
      if let other = names.updateValue(description, forKey: run.name) {
        throw RecipeError(
          .invalid, "\(other) and \(description) would share the folder \(run.name)")
      }
      try session.checkMayUse(
        run.path, existing: existing, checkpointDir: request.checkpointDir)
    }
    if let idle = zip(runs, plans).first(where: { $0.1.options.epochs == 0 })?.0 {
      throw RecipeError(
        .invalid,
        "run \(idle.name) would not be trained: \(.setting("training.epochs", "0")) leaves nothing to compare; choose 1 or more"
      )
    }
  }

  /// Runs a check whose error does not yet say which run it is about.
  private static func named<Result>(_ run: Run, _ check: () throws -> Result) throws -> Result {
    do {
      return try check()
    } catch let error as RecipeError {
      throw RecipeError(error.kind, "\(run.name): \(error.message)")
    } catch let error as TrainingError {
      throw TrainingError(error.kind, "\(run.name): \(error.message)")
    }
  }
}
