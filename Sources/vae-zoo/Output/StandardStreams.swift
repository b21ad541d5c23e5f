import Glibc
import Messages

/// Standard output and standard error, as far as they can be written.
enum StandardStreams {
  /// Opens those of the three streams that were closed when the process began. A file of a run would
  /// get the number otherwise, and with it all that is printed. To be called before anything else.
  ///
  /// What is opened refuses to be written, so that results which nobody can get are an error, as they
  /// are of other programs.
  static func occupy() {
    for stream in STDIN_FILENO...STDERR_FILENO
    where fcntl(stream, F_GETFD) < 0 && errno == EBADF {
      // The lowest free number is taken, which is this one. Where there is no /dev, a folder serves.
      if open("/dev/null", O_RDONLY) < 0 { _ = open("/", O_RDONLY) }
    }
  }

  /// Writes all of a text.
  ///
  /// - Returns: nil, or why it could not be written: a value of `errno`.
  static func write(_ text: String, to stream: Int32) -> Int32? {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        Glibc.write(stream, $0.baseAddress, $0.count)
      }
      if count < 0 && errno != EINTR { return errno }
      written += max(0, count)
    }
    return nil
  }

  /// Waits for what a file system reports only when a file is closed, as those over networks do of
  /// writes.
  ///
  /// - Returns: nil, or why something that was written is lost: a value of `errno`.
  static func flush(_ stream: Int32) -> Int32? {
    let copy = dup(stream)
    return copy >= 0 && close(copy) < 0 && errno != EINTR ? errno : nil
  }

  /// Ends the process as the system ends those whose output nobody reads any more (`| head`), also
  /// where whoever began it has told it to ignore that.
  static func endForBrokenPipe() -> Never {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    exit(128 + SIGPIPE)
  }
}

/// Results that could not be printed.
struct OutputError: MessageError {
  let message: Message

  /// - Parameter code: the value of `errno`.
  init(code: Int32) {
    message = "standard output cannot be written: \(String(cString: strerror(code)))"
  }
}
