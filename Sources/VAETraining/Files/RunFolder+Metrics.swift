import FoundationEssentials
import VAECore
import VAEFiles

extension RunFolder {
  /// What every line of the metrics must have.
  private struct Record: Decodable {
    let step: Int
  }

  /// Adds a line to the metrics and waits until it is on the disk.
  ///
  /// - Parameter line: a JSON object with a whole number `step`, without line breaks.
  public func appendMetrics(_ line: String) throws {
    try checkMayBeWritten()
    try folder.append(Self.metricsFile, Array("\(line)\n".utf8))
  }

  /// Cuts the metrics back to the records up to a step: those of later steps are dropped, and a
  /// line that is damaged or was cut short with all that follows it.
  public func cutMetrics(toStep step: Int) throws {
    try checkMayBeWritten()
    try Self.cutLines(of: Self.metricsFile, in: folder, toStep: step)
  }

  /// Cuts a file of such lines.
  static func cutLines(of name: String, in folder: Folder, toStep step: Int) throws {
    guard let bytes = try read(name, ifPresentIn: folder) else { return }
    var kept = 0
    while let end = bytes[kept...].firstIndex(of: UInt8(ascii: "\n")) {
      let record = try? JSON.decode(Record.self, from: bytes[kept..<end])
      guard let record, record.step <= step else { break }
      kept = end + 1
    }
    if kept < bytes.count { try folder.truncate(name, to: kept) }
  }
}
