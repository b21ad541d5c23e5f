import VAEFiles

extension RunFolder {
  /// Adds a line to the metrics and waits until it is on the disk.
  ///
  /// - Parameter line: a JSON object with a whole number `step`, without line breaks.
  public func appendMetrics(_ line: String) throws {
    try checkMayBeWritten()
    try DurableFiles.append(metricsPath, Array("\(line)\n".utf8))
  }

  /// Cuts the metrics back to the records up to a step: those of later steps are dropped, and lines
  /// at the end that are damaged or were cut short. A damaged line before a sound one stays.
  public func cutMetrics(toStep step: Int) throws {
    try checkMayBeWritten()
    try cutLines(of: metricsPath, toStep: step)
  }

  /// Cuts a file of such lines; without a step only what is damaged at the end.
  func cutLines(of path: String, toStep step: Int?) throws {
    guard try DurableFiles.kind(of: path) != nil else { return }
    let bytes = try DurableFiles.read(path)
    let kept = JSONLines(parsing: bytes, source: path).length(toStep: step)
    if kept < bytes.count { try DurableFiles.truncate(path, to: kept) }
  }
}
