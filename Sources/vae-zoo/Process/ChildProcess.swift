import Glibc
import VAEFiles

/// This program again, in a process of its own that reports line by line.
struct ChildProcess {
  /// How the process ended.
  enum Ending {
    case exited(Int32)
    case signalled(Int32)
    /// It was ended because it said nothing for too long.
    case overTime
  }

  /// Where the child writes its lines: not its output, which belongs to whatever it loads.
  static let reportDescriptor: Int32 = 3

  /// The process could not be started.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// Whether the process has no files left that it may open, which is nobody's fault but that limit's.
    var isExhaustion = false
  }

  private let process: pid_t
  private let lines: Int32

  /// Starts the child.
  ///
  /// - Parameter arguments: with the name of the program.
  init(_ arguments: [String]) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Self.failure("cannot make a pipe") }
    defer { close(ends[1]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // A descriptor that is given its own number would stay closed on start.
    let writing = fcntl(ends[1], F_DUPFD_CLOEXEC, Self.reportDescriptor + 1)
    guard writing >= 0 else { throw Self.failure("cannot make a descriptor") }
    defer { close(writing) }
    posix_spawn_file_actions_adddup2(&actions, writing, Self.reportDescriptor)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    // What the plug-in prints is none of this program's results.
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0.systemPath) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    // A crash is told by its signal; the page that Swift's runtime would write says no more of it.
    setenv("SWIFT_BACKTRACE", "enable=no", 1)
    guard let executable = Invocation.executable else {
      throw Failure(description: "cannot start a process: this program's file is not known")
    }
    let status = posix_spawn(
      &process, executable.systemPath, &actions, nil, &words, environ)
    guard status == 0 else {
      close(ends[0])
      throw Self.failure("cannot start a process", SystemFault(status))
    }
    self.process = process
    lines = ends[0]
  }

  /// What a signal is called.
  static func name(of signal: Int32) -> String {
    let text = strsignal(signal).map { String(cString: $0) } ?? "unknown"
    return "signal \(signal) (\(text))"
  }

  private static func failure(_ what: String, _ fault: SystemFault = SystemFault()) -> Failure {
    Failure(description: "\(what): \(fault.text)", isExhaustion: fault.isExhaustion)
  }

  /// Waits for the end.
  ///
  /// - Parameters:
  ///   - secondsALine: how long the child may go on without a line; then it is ended.
  ///   - take: given each line.
  func wait(secondsALine: Int, _ take: (String) -> Void) -> Ending {
    defer { close(lines) }
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    var isOverTime = false
    while true {
      var waiting = pollfd(fd: lines, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(secondsALine * 1000))
      if ready < 0 && errno == EINTR { continue }
      if ready == 0 {
        isOverTime = true
        kill(process, SIGKILL)
        break
      }
      let count = read(lines, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      pending += buffer[0..<count]
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        take(String(decoding: pending[0..<end], as: UTF8.self))
        pending.removeSubrange(0...end)
      }
    }
    var status: Int32 = 0
    // What has nothing more to say may still not end.
    var patience = secondsALine * 100
    while waitpid(process, &status, isOverTime ? 0 : WNOHANG) == 0 {
      usleep(10_000)
      patience -= 1
      guard patience <= 0 else { continue }
      isOverTime = true
      kill(process, SIGKILL)
    }
    if isOverTime { return .overTime }
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
  }
}
