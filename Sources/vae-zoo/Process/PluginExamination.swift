import Glibc
import VAEFiles
import VAEPluginHost
import VAEZoo

/// Looks at plug-ins of the search path before this process loads them: one that crashes, hangs or
/// ends the process when it is loaded must not take every command with it.
///
/// Each is loaded once in a process of its own. What came of it is kept under the hash of the file,
/// so that it is not tried again before the file, or this program, is another one.
enum PluginExamination {
  /// What the other process writes at its end.
  static let ended = "e\n"

  private static let timeLimit = 5

  /// Looks at a file.
  ///
  /// - Throws: `PluginError` where it may not be loaded. What cannot be read, or is no plug-in, is
  ///   for the loading to refuse.
  static func examine(_ path: String) throws(PluginError) {
    guard let hash = try? SHA256.hash(ofFile: path) else { return }
    let record = VerdictFile(key: "\(SHA256.text(hash))-\(VAEZooVersion.text)")
    if let verdict = record?.read() { return try apply(verdict, to: path) }
    let child: ChildProcess
    do {
      child = try ChildProcess(["vae-zoo", "plugin", "open", path])
    } catch {
      guard let failure = error as? ChildProcess.Failure, failure.isExhaustion else { return }
      throw PluginError(.exhausted, "\(path) cannot be tried out: \(failure)")
    }
    var hasEnded = false
    let ending = child.wait(secondsALine: timeLimit) { hasEnded = $0 == ended.dropLast() }
    let verdict =
      switch ending {
      case .exited where hasEnded: fine
      case .exited(let status): "ends the process that loads it, with status \(status)"
      case .signalled(let signal): "crashes with \(ChildProcess.name(of: signal)) when it is loaded"
      case .overTime:
        "does not come to an end when it is loaded: \(timeLimit) seconds were not enough"
      }
    record?.write(verdict)
    try apply(verdict, to: path)
  }

  private static let fine = "fine"

  private static func apply(_ verdict: String, to path: String) throws(PluginError) {
    guard verdict != fine else { return }
    throw PluginError(
      .unusable,
      "\(path) \(verdict); build it anew, or look for the fault with vae-zoo plugin check")
  }
}

/// A file with what was found out about a plug-in, in the user's folder of what can be found out
/// again.
private struct VerdictFile {
  private let folder: String
  private let path: String
  private static let limit = 1000

  /// Nil where there is no place for such files.
  init?(key: String) {
    func absolute(_ variable: String) -> String? {
      getenv(variable).map { String(systemPath: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    guard let cache = absolute("XDG_CACHE_HOME") ?? absolute("HOME").map({ "\($0)/.cache" }) else {
      return nil
    }
    folder = "\(cache)/vae-zoo/plugins"
    path = "\(folder)/\(key)"
  }

  /// What was found; nil where nothing was, or what is there is not such a file.
  func read() -> String? {
    guard isOurs, let bytes = try? DurableFiles.read(path, limit: .bytes(Self.limit)),
      bytes.last == UInt8(ascii: "\n"),
      let text = String(validating: bytes.dropLast(), as: UTF8.self),
      !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    else { return nil }
    return text
  }

  /// Keeps what was found, where that is possible.
  func write(_ verdict: String) {
    var made = ""
    for part in folder.split(separator: "/") {
      made += "/\(part)"
      // What is there stays as it is.
      mkdir(made.systemPath, 0o700)
    }
    guard isOurs else { return }
    try? DurableFiles.replace(path, with: Array("\(verdict)\n".utf8))
  }

  /// Whether the folder is one that nobody else can write to.
  private var isOurs: Bool {
    var status = stat()
    return lstat(folder.systemPath, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }
}
