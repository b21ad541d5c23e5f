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
  static let examplesFile = "examples.safetensors"
  static let sessionsFile = "sessions.jsonl"
  static let evaluationsFile = "evaluations.jsonl"
  private static let recordSuffix = ".safetensors"

  static func recordFile(_ step: Int) -> String { "\(step)\(recordSuffix)" }

  /// The folder of the records, nil where there is none.
  func records() throws -> Folder? { try folder.folder(Self.recordsFolder) }

  /// The step of a record's file, nil for another name.
  private static func recordedStep(_ name: String) -> Int? {
    guard name.hasSuffix(recordSuffix), let step = Int(name.dropLast(recordSuffix.count)),
      step >= 0, name == "\(step)\(recordSuffix)"
    else { return nil }
    return step
  }

  /// Whether there is a folder for records, and nothing else in it.
  func hasOnlyRecords() throws -> Bool {
    guard try folder.kind(of: Self.recordsFolder) == .folder, let records = try records() else {
      return false
    }
    return try records.list().allSatisfy(Self.isOfRecords)
  }

  private static func isOfRecords(_ name: String) -> Bool {
    [examplesFile, sessionsFile, evaluationsFile].contains(name) || isTemporary(name)
      || recordedStep(name) != nil
  }

  // MARK: Reading

  /// The steps that there are records of, in order.
  public func recordedSteps() throws -> [Int] {
    try records()?.list().compactMap(Self.recordedStep).sorted() ?? []
  }

  /// The record of a step.
  ///
  /// - Throws: `FileError` where there is none, `SafetensorsError` or `TrainingError` where it is
  ///   damaged.
  public func readRecord(_ step: Int) throws -> TrainingRecord {
    let name = Self.recordFile(step)
    guard let records = try records() else {
      throw FileError(
        .missing, "read", "\(path)/\(Self.recordsFolder)/\(name)", "it does not exist")
    }
    return try TrainingRecord(
      parsing: records.read(name, limit: .bytes(Self.recordLimit)), source: records.path(of: name))
  }

  /// The examples that the records are about, nil where there are none.
  ///
  /// - Throws: `SafetensorsError` or `TrainingError` where the file is damaged.
  public func readRecordedExamples() throws -> RecordedExamples? {
    let name = Self.examplesFile
    guard let records = try records(),
      let bytes = try Self.read(name, ifPresentIn: records, limit: .bytes(Self.recordLimit))
    else { return nil }
    return try RecordedExamples(parsing: bytes, source: records.path(of: name))
  }

  /// Bytes of a record that are read at most.
  private static let recordLimit = 1 << 28

  /// The metrics, an object a line.
  public func readMetrics() throws -> JSONLines { try readLines(Self.metricsFile, in: folder) }

  /// How the run was begun and continued, an object each time.
  public func readSessions() throws -> JSONLines {
    try readLines(Self.sessionsFile, in: records())
  }

  /// What evaluations found, an object each.
  public func readEvaluations() throws -> JSONLines {
    try readLines(Self.evaluationsFile, in: records())
  }

  private func readLines(_ name: String, in folder: Folder?) throws -> JSONLines {
    guard let folder, let bytes = try Self.read(name, ifPresentIn: folder, limit: .bytes(1 << 30))
    else {
      return JSONLines(parsing: [], source: name)
    }
    return JSONLines(parsing: bytes, source: folder.path(of: name))
  }

  // MARK: Writing

  /// The folder of the records, which is made if need be.
  private func madeRecords() throws -> Folder {
    if let records = try records() { return records }
    do {
      try folder.makeFolder(Self.recordsFolder)
      try folder.synchronize()
    } catch let error as FileError where error.kind == .exists {
      // Another process has just made it, to keep an evaluation.
    }
    guard let records = try records() else {
      throw FileError(
        .unwritable, "write", "\(path)/\(Self.recordsFolder)", "something removes it again")
    }
    return records
  }

  /// Stores records, all of them durably, each under its step.
  ///
  /// - Parameter examples: the examples that they are about, stored where none are yet.
  func writeRecords(
    _ records: [TrainingRecord], about examples: () -> RecordedExamples
  ) throws {
    guard !records.isEmpty else { return }
    try checkMayBeWritten()
    let folder = try madeRecords()
    var files: [(name: String, bytes: [UInt8])] = []
    if try folder.kind(of: Self.examplesFile) == nil {
      files.append((Self.examplesFile, examples().encoded()))
    }
    files += records.map { (Self.recordFile($0.step), $0.encoded()) }
    try folder.replace(files)
  }

  /// Adds a line about a session that begins.
  ///
  /// - Parameter line: a JSON object without line breaks.
  public func appendSession(_ line: String) throws {
    try checkMayBeWritten()
    let records = try madeRecords()
    // What a power loss has left of a line would spoil the next.
    try Self.cutLines(of: Self.sessionsFile, in: records, toStep: nil)
    try records.append(Self.sessionsFile, Array("\(line)\n".utf8))
  }

  /// Adds a line about an evaluation, which any process may do.
  ///
  /// - Parameter line: a JSON object with a whole number `step`, without line breaks.
  public func appendEvaluation(_ line: String) throws {
    try madeRecords().append(Self.evaluationsFile, Array("\(line)\n".utf8))
  }

  /// Removes records and evaluations of steps beyond one, and records of steps that are not wanted.
  ///
  /// - Parameters:
  ///   - step: the last that is kept.
  ///   - isWanted: whether a step has a record where training goes on; that of the last step of a
  ///     shorter training has none.
  public func cutRecords(toStep step: Int, where isWanted: (Int) -> Bool) throws {
    try checkMayBeWritten()
    guard let records = try records() else { return }
    try Self.removeLeftovers(in: records)
    for name in try records.list() {
      if let recorded = Self.recordedStep(name), recorded > step || !isWanted(recorded) {
        try records.remove(name)
      }
    }
    try records.synchronize()
    try Self.cutLines(of: Self.evaluationsFile, in: records, toStep: step)
  }

  /// Removes all that belongs to the records; what does not stays.
  func removeRecords() throws {
    guard try folder.kind(of: Self.recordsFolder) == .folder, let records = try records() else {
      return
    }
    try Self.removeLeftovers(in: records)
    for name in try records.list() where Self.isOfRecords(name) {
      if try records.kind(of: name) != .folder { try records.remove(name) }
    }
    _ = try folder.removeFolder(Self.recordsFolder)
  }
}
