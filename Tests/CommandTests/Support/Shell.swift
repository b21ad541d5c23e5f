import Foundation

/// A script of a shell that runs the built command, for what only a shell can do to it: closed and
/// full outputs, names of any bytes, variables that are not there.
enum Shell {
  /// Runs a script of bash to its end, with the command as `$V`.
  ///
  /// - Parameter folder: where it begins.
  static func run(_ script: String, in folder: String) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["V": Command.executable, "LC_ALL": "C"]
    ) { _, given in given }
    let outputs = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: outputs) }
    let paths = ["out", "err"].map { "\(outputs)/\($0)" }
    for path in paths { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: paths[0])
    process.standardError = FileHandle(forWritingAtPath: paths[1])
    try process.run()
    process.waitUntilExit()
    let signalled = process.terminationReason == .uncaughtSignal
    let texts = try paths.map {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self)
    }
    return Outcome(
      status: process.terminationStatus + (signalled ? 128 : 0), out: texts[0], err: texts[1])
  }
}
