import Glibc
import Messages

/// A communicator that says when one of its calls waits long for other ranks, once for each such call: which rank waits, and
/// where in its work.
///
/// ```swift
/// let members = InProcessCommunicator.group(of: 2)
/// let watched = WatchedCommunicator(members[0], limit: 30)
/// watched.enter("update 7")
/// // After 30 s in a call: rank 0 has waited for 30 s in update 7 for ranks that have not come
/// ```
public final class WatchedCommunicator: Communicator {
  /// How long a call may wait before that is said, in seconds, unless something else is asked for.
  public static let usualLimit = 60.0

  /// The number of this member, from zero.
  public var rank: Int { inner.rank }
  /// The number of members.
  public var size: Int { inner.size }

  private let inner: any Communicator
  private let watch: CallWatch

  /// A communicator around another one.
  ///
  /// - Parameters:
  ///   - inner: what makes the calls.
  ///   - limit: how long one may wait, in seconds.
  ///   - report: given a line of text, on a thread of its own; standard error gets it otherwise.
  public init(
    _ inner: any Communicator, limit: Double = WatchedCommunicator.usualLimit,
    report: @escaping @Sendable (String) -> Void = WatchedCommunicator.say
  ) {
    self.inner = inner
    watch = CallWatch(rank: inner.rank, limit: limit, report: report)
  }

  deinit { watch.end() }

  /// A communicator with somebody who watches over it: itself where it has one, or connects nobody.
  public static func watching(_ communicator: any Communicator) -> any Communicator {
    communicator.size == 1 || communicator is WatchedCommunicator
      ? communicator : WatchedCommunicator(communicator)
  }

  /// Writes a line to standard error.
  @Sendable public static func say(_ text: String) {
    let line = Array("\(PlainText.line(text))\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }

  /// Sends a block of bytes to each rank and receives one from each.
  public func allToAll(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try watch.during { try inner.allToAll(send, into: receive) }
  }

  /// Gives every rank the bytes of all.
  public func allGather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try watch.during { try inner.allGather(send, into: receive) }
  }

  /// Gives every rank the bytes of one.
  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try watch.during { try inner.broadcast(buffer, from: root) }
  }

  /// Says what the calls that follow belong to.
  public func enter(_ place: String?) {
    watch.enter(place)
    inner.enter(place)
  }

  /// Ends what the ranks do together.
  public func abort(_ reason: String) { inner.abort(reason) }
}
