import ArgumentParser
import Messages
import VAEReport
import VAETraining
import VAEZoo

/// What a training keeps and writes for people to look at.
struct WatchingOptions: ParsableArguments {
  @Flag(help: "Keep report.html in the run folder up to date while training goes on.")
  var report = false
  @Option(
    help: ArgumentHelp("Write events for TensorBoard into this folder.", valueName: "folder"))
  var tensorboard: String?
  @Flag(help: "Make no records for `vae-zoo report`.") var noRecords = false
}

/// A training that is shown as it goes.
struct WatchedTraining {
  let session: TrainingSession
  private let path: String
  private let watching: WatchingOptions
  private let log: TensorBoardLog?
  private let writesJSON: Bool
  private let name: String?
  /// What the split is called that is measured at the end of each epoch; empty where there is none.
  private let heldOutName: String
  /// Whether no other training goes on in the process: then there is a bar.
  private let isAlone: Bool

  /// A training that is about to begin.
  ///
  /// - Parameters:
  ///   - path: the run folder.
  ///   - eventFolder: where events for TensorBoard go, nil for nowhere.
  ///   - name: the run's name where it is one of several.
  ///   - isAlone: whether no other training goes on in the process.
  init(
    _ session: TrainingSession, run path: String, watching: WatchingOptions, eventFolder: String?,
    writesJSON: Bool, name: String? = nil, isAlone: Bool = true
  ) throws {
    self.isAlone = isAlone
    self.session = session
    self.path = path
    self.watching = watching
    let heldOutName = session.data.heldOut?.name ?? ""
    self.heldOutName = heldOutName
    log = try eventFolder.map {
      try TensorBoardLog(
        folder: $0, ofRun: path, updatesPerEpoch: session.trainer.updatesPerEpoch,
        heldOutName: heldOutName)
    }
    self.writesJSON = writesJSON
    self.name = name
    session.trainer.makesRecords = !watching.noRecords
    session.command = CommandText.text
  }

  /// Trains to the end or to an interruption.
  ///
  /// - Parameter cancel: asked before each update for a stop.
  func train(cancel: CancelToken = Interrupt.token) throws -> Trainer.Outcome {
    if !writesJSON {
      let (trainer, train) = (session.trainer, session.data.train)
      let shape = train.shape
      let examples =
        train.columns.map {
          "\(Count.of(train.count, "training row")) of \(Count.of($0.count, "column"))"
        }
        ?? "\(Count.of(train.count, "training image")) of \(shape.height)×\(shape.width)×\(shape.channels)"
      Console.error(
        "\(session.recipe.variant): \(Count.of(trainer.model.parameterCount, "parameter")); "
          + "\(examples); "
          + "\(Count.of(trainer.options.epochs, "epoch")) of "
          + "\(Count.of(trainer.updatesPerEpoch, "update"))")
    }
    for notice in session.notices { Console.error(notice) }
    // Of several trainings the command says it once.
    if !writesJSON && name == nil { Console.error(Console.unitsNotice) }
    let pages = TrainingPages(run: path, writesReport: watching.report, tensorBoard: log)
    var reporter = TrainingReporter(
      epochs: session.trainer.options.epochs, writesJSON: writesJSON, heldOutName: heldOutName,
      run: name, showsBar: isAlone)
    // An error's line does not go on in that of the bar.
    defer { reporter.finish() }
    let outcome = try session.train(cancel: cancel) { event in
      reporter.report(event)
      if let notice = pages.note(event) { reporter.report(.notice(notice)) }
    }
    reporter.finish()
    for notice in pages.finish() { Console.error(notice) }
    return outcome
  }
}
