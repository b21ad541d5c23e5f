import Glibc
import Messages

/// The processes that `mpirun` or `mpiexec` has started, connected by the MPI library of that launcher.
///
/// The library is looked for when a launcher has started this process and at no other time: `VAE_MPI_LIBRARY`
/// names it, else it is that of the launcher. Only bytes are exchanged, and no reduction of the library is used.
public final class MPICommunicator: Communicator {
  /// The variable that names the library.
  public static let libraryVariable = "VAE_MPI_LIBRARY"

  /// The number of this process, from zero.
  public let rank: Int
  /// The number of processes.
  public let size: Int
  /// What the launcher has told.
  public let launcher: MPILauncher
  private let library: MPILibrary
  private let ownsSession: Bool
  /// What the calls belong to. Written while no call is made: lanes that make calls begin afterwards, and end before.
  private nonisolated(unsafe) var place: String?
  /// The bytes of one call, which counts in 32 bits.
  private static let mostBytes = 1 << 30

  /// The processes that a launcher has started with this one; nil where none has.
  ///
  /// - Throws: `CommunicationError` of kind `unavailable`, with what to do.
  public static func started() throws -> MPICommunicator? {
    guard let launcher = MPILauncher() else { return nil }
    return try MPICommunicator(launcher)
  }

  private init(_ launcher: MPILauncher) throws {
    self.launcher = launcher
    library = try Self.library(of: launcher)
    var isInitialized: Int32 = 0
    _ = library.initialized(&isInitialized)
    ownsSession = isInitialized == 0
    if ownsSession {
      var provided: Int32 = 0
      let status = library.initThread(nil, nil, library.serialized, &provided)
      guard status == 0, provided >= library.serialized else {
        throw CommunicationError(
          .unavailable,
          text:
            "\(library.name) cannot be started for calls of one thread at a time (status \(status))"
        )
      }
    }
    _ = library.setErrorHandler(library.world, library.errorsReturn)
    var (rank, size): (Int32, Int32) = (0, 0)
    guard library.rank(library.world, &rank) == 0, library.size(library.world, &size) == 0 else {
      throw CommunicationError(
        .unavailable, text: "\(library.name) does not say which rank this is")
    }
    guard Int(size) == launcher.size else {
      throw CommunicationError(
        .unavailable,
        text:
          "\(library.name) is not the library of the launcher: it knows of \(size) processes, and \(launcher.variable) "
          + "says \(launcher.size); name the launcher's by \(Self.libraryVariable)")
    }
    (self.rank, self.size) = (Int(rank), Int(size))
  }

  private static func library(of launcher: MPILauncher) throws -> MPILibrary {
    if let name = MPILauncher.environment(libraryVariable), !name.isEmpty {
      return try MPILibrary(name)
    }
    var reasons: [String] = []
    for name in launcher.libraries {
      do throws(CommunicationError) {
        return try MPILibrary(name)
      } catch {
        reasons.append(error.message.description)
      }
    }
    throw CommunicationError(
      .unavailable,
      text:
        "a launcher has started \(launcher.size) processes (\(launcher.variable)), but its library cannot be used "
        + "(\(reasons.joined(separator: "; "))); install it, or name the file by \(libraryVariable)"
    )
  }

  /// Sends a block of bytes to each process and receives one from each.
  public func allToAll(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try inPieces(send, receive, sendBlocks: size, library.allToAll, "MPI_Alltoall")
  }

  /// Gives every process the bytes of all.
  public func allGather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try inPieces(send, receive, sendBlocks: 1, library.allGather, "MPI_Allgather")
  }

  /// Gives every process the bytes of one.
  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    var start = 0
    while start < buffer.count {
      let count = min(Self.mostBytes, buffer.count - start)
      let status = library.broadcast(
        buffer.baseAddress.map { $0 + start }, Int32(count), library.byte, Int32(root),
        library.world)
      try check(status, "MPI_Bcast")
      start += count
    }
  }

  /// Takes note of what the calls that follow belong to, for the errors of the library.
  public func enter(_ place: String?) { self.place = place }

  /// Prints the reason and ends all processes.
  public func abort(_ reason: String) {
    let line = Array("rank \(rank) failed: \(PlainText.line(reason))\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    _ = library.abort(library.world, 70)
  }

  /// Ends the use of the library, on all processes, where this communicator has begun it. Nothing else is called
  /// afterwards.
  public func finish() {
    if ownsSession { _ = library.finalize() }
  }

  /// Makes a collective call, in several where a block is longer than one takes.
  private func inPieces(
    _ send: UnsafeRawBufferPointer, _ receive: UnsafeMutableRawBufferPointer, sendBlocks: Int,
    _ call: MPILibrary.Collective, _ name: String
  ) throws {
    let length = receive.count / size
    let most = Self.mostBytes / size
    guard length > most else {
      let status = call(
        send.baseAddress, Int32(length), library.byte, receive.baseAddress, Int32(length),
        library.byte, library.world)
      return try check(status, name)
    }
    var start = 0
    while start < length {
      let count = min(most, length - start)
      var packed = [UInt8]()
      for block in 0..<sendBlocks {
        packed += send[block * length + start..<block * length + start + count]
      }
      var arrived = [UInt8](repeating: 0, count: count * size)
      let status = call(
        packed, Int32(count), library.byte, &arrived, Int32(count), library.byte, library.world)
      try check(status, name)
      for block in 0..<size {
        UnsafeMutableRawBufferPointer(
          rebasing: receive[block * length + start..<block * length + start + count]
        )
        .copyBytes(from: arrived[block * count..<(block + 1) * count])
      }
      start += count
    }
  }

  private func check(_ status: Int32, _ name: String) throws(CommunicationError) {
    guard status != 0 else { return }
    throw failure("\(name) of \(library.name) failed with status \(status)", in: place)
  }
}
