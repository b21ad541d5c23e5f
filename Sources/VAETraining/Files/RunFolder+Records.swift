import VAECore
import VAEFiles

/// What is kept of a training beside its weights:
///
///     records/examples.safetensors  the fixed examples that the records are about
///     records/<step>.safetensors    what the model said about them after that many updates
///     records/sessions.jsonl        a line each time that the run was begun or continued
///     records/evaluations.jsonl     a line each time that it was evaluated
extension RunFolder {
  static let recordsFolder = "records"
  private static let examplesFile = "examples.safetensors"
  private static let sessionsFile = "sessions.jsonl"
  private static let evaluationsFile = "evaluations.jsonl"
  private static let recordSuffix = ".safetensors"

  var recordsPath: String { "\(path)/\(Self.recordsFolder)" }
  var examplesPath: String { "\(recordsPath)/\(Self.examplesFile)" }
  private var sessionsPath: String { "\(recordsPath)/\(Self.sessionsFile)" }
  private var evaluationsPath: String { "\(recordsPath)/\(Self.evaluationsFile)" }

  func recordPath(_ step: Int) -> String {
    "\(recordsPath)/\(step)\(Self.recordSuffix)"
  }

  /// The step of a record's file, nil for another name.
  private static func recordedStep(_ name: String) -> Int? {
    guard name.hasSuffix(recordSuffix), let step = Int(name.dropLast(recordSuffix.count)),
      step >= 0, name == "\(step)\(recordSuffix)"
    else { return nil }
    return step
  }

  /// Whether there is a folder for records, and nothing else in it.
  func hasOnlyRecords() throws -> Bool {
    guard try DurableFiles.kind(of: recordsPath, followingLinks: false) == .folder else {
      return false
    }
    return try DurableFiles.list(recordsPath).allSatisfy(Self.isOfRecords)
  }

  private static func isOfRecords(_ name: String) -> Bool {
    [examplesFile, sessionsFile, evaluationsFile].contains(name) || isTemporary(name)
      || recordedStep(name) != nil
  }

  // MARK: Reading

  /// The steps that there are records of, in order.
  public func recordedSteps() throws -> [Int] {
    guard try DurableFiles.kind(of: recordsPath) == .folder else { return [] }
    return try DurableFiles.list(recordsPath).compactMap(Self.recordedStep).sorted()
  }

  /// The record of a step.
  ///
  /// - Throws: `FileError` where there is none, `SafetensorsError` or `TrainingError` where it is
  ///   damaged.
  public func readRecord(_ step: Int) throws -> TrainingRecord {
    let path = recordPath(step)
    return try TrainingRecord(
      parsing: DurableFiles.read(path, limit: Self.recordLimit), source: path)
  }

  /// The examples that the records are about, nil where there are none.
  ///
  /// - Throws: `SafetensorsError` or `TrainingError` where the file is damaged.
  public func readRecordedExamples() throws -> RecordedExamples? {
    guard try DurableFiles.kind(of: examplesPath) != nil else { return nil }
    return try RecordedExamples(
      parsing: DurableFiles.read(examplesPath, limit: Self.recordLimit), source: examplesPath)
  }

  /// Bytes of a record that are read at most.
  private static let recordLimit = 1 << 28

  /// The metrics, an object a line.
  public func readMetrics() throws -> JSONLines { try readLines(metricsPath) }

  /// How the run was begun and continued, an object each time.
  public func readSessions() throws -> JSONLines { try readLines(sessionsPath) }

  /// What evaluations found, an object each.
  public func readEvaluations() throws -> JSONLines { try readLines(evaluationsPath) }

  private func readLines(_ path: String) throws -> JSONLines {
    guard try DurableFiles.kind(of: path) != nil else {
      return JSONLines(parsing: [], source: path)
    }
    return JSONLines(parsing: try DurableFiles.read(path, limit: 1 << 30), source: path)
  }

  // MARK: Writing

  private func makeRecordsFolder() throws {
    guard try DurableFiles.kind(of: recordsPath) == nil else { return }
    do {
      try DurableFiles.makeFolder(recordsPath)
      try DurableFiles.synchronize(folder: path)
    } catch let error as FileError where error.kind == .exists {
      // Another process has just made it, to keep an evaluation.
    }
  }

  /// Stores records, all of them durably, each under its step.
  ///
  /// - Parameter examples: the examples that they are about, stored where none are yet.
  func writeRecords(
    _ records: [TrainingRecord], about examples: () -> RecordedExamples
  ) throws {
    guard !records.isEmpty else { return }
    try checkMayBeWritten()
    try makeRecordsFolder()
    var files: [(path: String, bytes: [UInt8])] = []
    if try DurableFiles.kind(of: examplesPath) == nil {
      files.append((examplesPath, examples().encoded()))
    }
    files += records.map { (recordPath($0.step), $0.encoded()) }
    try DurableFiles.replace(files, in: recordsPath)
  }

  /// Adds a line about a session that begins.
  ///
  /// - Parameter line: a JSON object without line breaks.
  public func appendSession(_ line: String) throws {
    try checkMayBeWritten()
    try makeRecordsFolder()
    // What a power loss has left of a line would spoil the next.
    try cutLines(of: sessionsPath, toStep: nil)
    try DurableFiles.append(sessionsPath, Array("\(line)\n".utf8))
  }

  /// Adds a line about an evaluation, which any process may do.
  ///
  /// - Parameter line: a JSON object with a whole number `step`, without line breaks.
  public func appendEvaluation(_ line: String) throws {
    try makeRecordsFolder()
    try DurableFiles.append(evaluationsPath, Array("\(line)\n".utf8))
  }

  /// Removes records and evaluations of steps beyond one, and records of steps that are not wanted.
  ///
  /// - Parameters:
  ///   - step: the last that is kept.
  ///   - isWanted: whether a step has a record where training goes on; that of the last step of a
  ///     shorter training has none.
  public func cutRecords(toStep step: Int, where isWanted: (Int) -> Bool) throws {
    try checkMayBeWritten()
    guard try DurableFiles.kind(of: recordsPath) == .folder else { return }
    for name in try DurableFiles.list(recordsPath) {
      if Self.isTemporary(name) {
        try DurableFiles.removeTree(name, in: recordsPath)
      } else if let recorded = Self.recordedStep(name), recorded > step || !isWanted(recorded) {
        try DurableFiles.remove("\(recordsPath)/\(name)")
      }
    }
    try DurableFiles.synchronize(folder: recordsPath)
    try cutLines(of: evaluationsPath, toStep: step)
  }

  /// Removes all that belongs to the records; what does not stays.
  func removeRecords() throws {
    guard try DurableFiles.kind(of: recordsPath, followingLinks: false) == .folder else { return }
    for name in try DurableFiles.list(recordsPath) where Self.isOfRecords(name) {
      try DurableFiles.removeTree(name, in: recordsPath)
    }
    if try DurableFiles.list(recordsPath).isEmpty {
      try DurableFiles.removeTree(Self.recordsFolder, in: path)
    }
  }
}
