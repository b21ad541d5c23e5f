import Foundation
import XCTest

/// What a finished run of `vae-zoo` left behind.
struct Outcome {
  /// The exit status, or 128 + the signal that ended the process, as shells count.
  let status: Int32
  let out: String
  let err: String

  /// The lines of standard output.
  var lines: [String] { out.split(separator: "\n").map(String.init) }
}

/// The built command as a process.
final class Command {
  struct TimeLimitExceeded: Error, CustomStringConvertible {
    let description: String
  }

  private let process = Process()
  private let finished = DispatchSemaphore(value: 0)
  private let arguments: [String]
  private let outputFolder: String

  /// The folder of the build, in which test bundle and executable lie.
  private static let buildFolder: URL = {
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
    let url = bundle?.bundleURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return url.resolvingSymlinksInPath().deletingLastPathComponent()
  }()

  static var executable: String { buildFolder.appendingPathComponent("vae-zoo").path }

  /// Starts `vae-zoo`.
  ///
  /// - Parameters:
  ///   - environment: variables in addition to those of the tests.
  ///   - memoryLimit: of the address space in MB, beyond which the process gets none.
  ///   - standardError: in place of a file that the outcome shows.
  init(
    _ arguments: [String], environment: [String: String] = [:], currentFolder: String? = nil,
    memoryLimit: Int? = nil, standardError: FileHandle? = nil
  ) throws {
    self.arguments = arguments
    outputFolder = try TemporaryFolder.make()
    if let memoryLimit {
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments =
        ["-c", "ulimit -v \(memoryLimit * 1024); exec \"$@\"", "bash", Self.executable] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: Self.executable)
      process.arguments = arguments
    }
    // What a command keeps for the next one is none of the user's who runs the tests.
    process.environment = ProcessInfo.processInfo.environment
      .merging(["XDG_CACHE_HOME": outputFolder + "/cache"]) { _, given in given }
      .merging(environment) { _, given in given }
    if let currentFolder { process.currentDirectoryURL = URL(fileURLWithPath: currentFolder) }
    process.standardInput = FileHandle.nullDevice
    // Files, because a pipe that nobody reads would stop the process.
    process.standardOutput = try Self.emptyFile(outputFolder + "/out")
    let errorFile = try Self.emptyFile(outputFolder + "/err")
    process.standardError = standardError ?? errorFile
    process.terminationHandler = { [finished] _ in finished.signal() }
    try process.run()
  }

  deinit {
    try? FileManager.default.removeItem(atPath: outputFolder)
  }

  private static func emptyFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  /// What the process wrote to standard output so far.
  var outputSoFar: String {
    (try? String(contentsOfFile: outputFolder + "/out", encoding: .utf8)) ?? ""
  }

  var isRunning: Bool { process.isRunning }

  /// The bytes that the process has read from files so far.
  var bytesRead: Int {
    let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/io", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("rchar: ") }
    return line.flatMap { Int($0.dropFirst(7)) } ?? 0
  }

  /// Whether the process has a file open.
  func hasOpen(_ path: String) -> Bool {
    let folder = "/proc/\(process.processIdentifier)/fd"
    let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return descriptors.contains {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")) == path
    }
  }

  func send(_ signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits until the process has ended; one that outlives the limit is killed.
  func wait(timeout: TimeInterval = 60) throws -> Outcome {
    if finished.wait(timeout: .now() + timeout) == .timedOut {
      send(SIGKILL)
      finished.wait()
      throw TimeLimitExceeded(
        description: "vae-zoo \(arguments.joined(separator: " ")) ran over \(timeout) seconds")
    }
    let signalled = process.terminationReason == .uncaughtSignal
    return Outcome(
      status: process.terminationStatus + (signalled ? 128 : 0), out: outputSoFar,
      err: try String(contentsOfFile: outputFolder + "/err", encoding: .utf8))
  }

  /// Runs `vae-zoo` to its end.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], timeout: TimeInterval = 60
  ) throws -> Outcome {
    try Command(arguments, environment: environment).wait(timeout: timeout)
  }
}

enum TemporaryFolder {
  /// A new empty folder.
  static func make() throws -> String {
    let path = NSTemporaryDirectory() + "vae-zoo-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}
