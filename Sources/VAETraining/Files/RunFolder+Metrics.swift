import VAEFiles

extension RunFolder {
  /// Adds a line to the metrics and waits until it is on the disk.
  ///
  /// - Parameter line: a JSON object with a whole number `step`, without line breaks.
  public func appendMetrics(_ line: String) throws {
    try checkMayBeWritten()
    try folder.append(Self.metricsFile, Array("\(line)\n".utf8))
  }

  /// Cuts the metrics back to the records up to a step: those of later steps are dropped, and lines
  /// at the end that are damaged or were cut short. A damaged line before a sound one stays.
  public func cutMetrics(toStep step: Int) throws {
    try checkMayBeWritten()
    try Self.cutLines(of: Self.metricsFile, in: folder, toStep: step)
  }

  /// Cuts a file of such lines; without a step only what is damaged at the end.
  static func cutLines(of name: String, in folder: Folder, toStep step: Int?) throws {
    guard let bytes = try read(name, ifPresentIn: folder) else { return }
    let kept = JSONLines(parsing: bytes, source: folder.path(of: name)).length(toStep: step)
    if kept < bytes.count { try folder.truncate(name, to: kept) }
  }
}
