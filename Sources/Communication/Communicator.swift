/// What carries bytes between the processes, or threads, that train one model, or measure one, together.
///
/// The zoo never asks it to add anything up: bytes are exchanged, and sums are made by the zoo in a fixed order,
/// so that results depend neither on the library behind a communicator nor on the number of ranks.
///
/// All ranks make the same calls in the same order, each from the thread that trains, and with the same sizes. A
/// call may block until the others have come. An error is final: after it, a communicator is not called again but
/// for `abort(_:)`.
public protocol Communicator: AnyObject, Sendable {
  /// The number of this member, from zero.
  var rank: Int { get }
  /// The number of members.
  var size: Int { get }

  /// Sends a block of bytes to each rank and receives one from each.
  ///
  /// - Parameters:
  ///   - send: `size` blocks of the same length, the block for rank r at place r.
  ///   - receive: `size` blocks of that length; the block from rank r comes to place r.
  /// - Throws: `CommunicationError`.
  func allToAll(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws

  /// Gives every rank the bytes of all.
  ///
  /// - Parameters:
  ///   - send: the bytes of this rank, as many as those of each other.
  ///   - receive: `size` blocks of that length; the bytes of rank r come to place r.
  /// - Throws: `CommunicationError`.
  func allGather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws

  /// Gives every rank the bytes of one.
  ///
  /// - Parameters:
  ///   - buffer: what `root` sends and the others receive, as long on all ranks.
  ///   - root: the rank that sends.
  /// - Throws: `CommunicationError`.
  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws

  /// Says what the calls that follow belong to, for whoever watches over them.
  ///
  /// - Parameter place: such as "update 1,204"; nil where it is no wonder that this rank waits for others.
  func enter(_ place: String?)

  /// Ends what the ranks do together because this one cannot go on: calls in which others wait, or which they
  /// make later, fail, or their processes end.
  ///
  /// - Parameter reason: why, in one line.
  func abort(_ reason: String)
}

extension Communicator {
  /// Nothing: nobody watches.
  public func enter(_ place: String?) {}
}

/// The only member of its group.
public final class SoloCommunicator: Communicator {
  /// The first rank.
  public let rank = 0
  /// One.
  public let size = 1

  /// A group of one.
  public init() {}

  /// Copies the bytes.
  public func allToAll(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer)
  {
    receive.copyMemory(from: send)
  }

  /// Copies the bytes.
  public func allGather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer)
  {
    receive.copyMemory(from: send)
  }

  /// Nothing.
  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {}

  /// Nothing: nobody waits.
  public func abort(_ reason: String) {}
}
