import Glibc
import Messages
import Tensors

/// Work on open files, whose paths are for errors and announcements only.
extension DurableFiles {
  // MARK: Reading

  /// The contents of an open file.
  ///
  /// - Parameter proceed: called before each part of the file; what it throws ends the reading.
  static func contents(
    of file: Int32, _ path: String, limit: SizeLimit, _ proceed: () throws -> Void = {}
  ) throws -> [UInt8] {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(reading: path) }
    let kind = Kind(status)
    guard kind != .folder else { throw FileError(.malformed, "read", path, "it is a folder") }
    // A pipe has no size beforehand, and a device may have no end.
    let size = kind == .file ? Int(status.st_size) : 0
    let isDevice = status.st_mode & S_IFMT == S_IFCHR
    let limit = isDevice && limit.byteCount > deviceLimit ? .bytes(deviceLimit) : limit
    try check(size, of: path, limit: limit, isWhole: kind == .file)
    // One byte more shows whether the file ends where its size says.
    var bytes = try [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      count = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path, proceed)
    }
    var isAtEnd = bytes.count <= size
    // An array doubles when it is full; what it held until then is there already.
    var granted = max(1 << 20, bytes.count)
    while !isAtEnd && bytes.count <= limit.byteCount {
      let room = 1 << 16
      if bytes.count + room > granted {
        granted *= 2
        try Memory.require(bytes: granted, reading: path)
      }
      let more = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        count = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path, proceed)
      }
      bytes += more
      isAtEnd = more.count < room
    }
    try check(bytes.count, of: path, limit: limit, isWhole: false)
    return bytes
  }

  /// What is read at most of a device, in bytes.
  private static let deviceLimit = 1 << 28

  /// Refuses sizes beyond a limit, and those for which there is no memory: an array that is refused
  /// memory ends the program.
  ///
  /// - Parameter isWhole: whether the size is all there is, not what was read so far.
  private static func check(
    _ size: Int, of path: String, limit: SizeLimit, isWhole: Bool
  ) throws {
    guard size <= limit.byteCount else {
      let beyond: Message = "it has \(size) bytes or more, beyond the limit of \(limit.byteCount)"
      guard case .text = limit else { throw FileError(.unreadable, "read", path, beyond) }
      throw FileError(
        .unreadable, "read", path,
        "\(beyond); if you trust it, raise it by \(.limit("text_bytes", isWhole ? size : max(size, 2 * limit.byteCount)))"
      )
    }
    try Memory.require(bytes: size, reading: path)
  }

  /// What is read at once, in bytes: some milliseconds of a quick disk.
  private static let partSize = 1 << 24

  /// How long a pipe is waited for that nobody has open to write into it, in seconds: enough for a program that a shell
  /// starts beside this one.
  private static let patience = 5.0

  /// Fills a buffer as far as the file goes, or as a pipe's writers write, who are waited for.
  ///
  /// - Parameter proceed: called before each part, and ten times a second while a writer is waited for.
  static func fill(
    _ buffer: UnsafeMutableRawBufferPointer, from file: Int32, _ path: String,
    _ proceed: () throws -> Void = {}
  ) throws -> Int {
    var filled = 0
    var deadline: Double?
    while filled < buffer.count {
      try proceed()
      let end = min(buffer.count, filled + partSize)
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<end])
      let count = uninterrupted { Glibc.read(file, rest.baseAddress, rest.count) }
      if count < 0 && errno == EAGAIN {
        _ = events(of: file)
      } else if count < 0 {
        throw FileError(reading: path)
      } else if count == 0 {
        guard isPipe(file) else { break }
        // A pipe hangs up when its last writer has gone. One that never had any has no event.
        let events = events(of: file)
        let end = deadline ?? Clock.seconds + patience
        deadline = end
        let hasEnded = events & POLLHUP != 0 && events & POLLIN == 0
        if hasEnded || events == 0 && Clock.seconds >= end { break }
      } else {
        filled += count
      }
    }
    return filled
  }

  /// What there is to know of a pipe: `POLLIN` where there is something to read, `POLLHUP` where its last writer has gone;
  /// zero where nothing comes within a tenth of a second, or a signal does.
  private static func events(of pipe: Int32) -> Int32 {
    var request = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 100) > 0 ? Int32(request.revents) : 0
  }

  private static func isPipe(_ file: Int32) -> Bool {
    var status = stat()
    return fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  // MARK: Changing

  /// Writes all bytes, in as many parts as the system wants.
  package static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, _ path: String) throws
  {
    var rest = bytes[...]
    while !rest.isEmpty {
      try willChange(.write(path))
      // One call writes two gigabytes at most.
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let count = uninterrupted { Glibc.write(file, part.baseAddress, part.count) }
      guard count >= 0 else { throw FileError(writing: path) }
      rest = rest.dropFirst(count)
    }
  }

  /// Cuts a file to a length.
  static func truncate(_ file: Int32, _ path: String, to length: Int) throws {
    try willChange(.truncate(path))
    guard uninterrupted({ ftruncate(file, off_t(length)) }) == 0 else {
      throw FileError(writing: path)
    }
  }

  /// Waits until what was written to a file or folder is on the disk.
  static func synchronize(_ file: Int32, _ path: String) throws {
    try willChange(.synchronize(path))
    // Pipes and some file systems have nothing to wait for, and say so with EINVAL.
    guard uninterrupted({ fsync(file) }) == 0 || errno == EINVAL else {
      throw FileError(writing: path)
    }
  }

  /// Repeats a system call for as long as signals interrupt it.
  package static func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }
}
