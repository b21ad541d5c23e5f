import Communication
import Tensors

/// What a rank exchanges with the others.
public struct Traffic: Equatable, Sendable {
  /// The calls of its communicator.
  public var calls = 0
  /// The bytes that it sends to others, and as many come from them.
  public var bytes = 0

  /// Nothing.
  public init() {}

  /// What was exchanged since an earlier moment.
  public static func - (now: Traffic, before: Traffic) -> Traffic {
    var difference = now
    difference.calls -= before.calls
    difference.bytes -= before.bytes
    return difference
  }
}

/// A rank of a group of which the others are taken to do what it does: what it would send comes from each of them.
///
/// Nothing leaves the process. It computes, copies and adds up what a rank of so many does, without the time of a
/// network, and its exchanges are counted. Sums are not those of a group: each rank's part of one is this rank's own.
public final class MirrorCommunicator: Communicator {
  /// The number of this rank, from zero.
  public let rank: Int
  /// The number of ranks.
  public let size: Int
  private let counted = Lock(Traffic())

  /// A rank of so many.
  public init(rank: Int = 0, size: Int) {
    (self.rank, self.size) = (rank, max(1, size))
  }

  /// What it has exchanged so far.
  public var traffic: Traffic { counted.withLock { $0 } }

  /// Every rank sends what this one has for itself.
  public func allToAll(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer)
  {
    let length = receive.count / size
    count((size - 1) * length)
    fill(
      receive, with: UnsafeRawBufferPointer(rebasing: send[rank * length..<(rank + 1) * length]))
  }

  /// Every rank sends what this one does.
  public func allGather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer)
  {
    count((size - 1) * send.count)
    fill(receive, with: send)
  }

  /// The bytes stay as they are.
  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {
    count(buffer.count)
  }

  /// Nothing: nobody waits.
  public func abort(_ reason: String) {}

  private func count(_ bytes: Int) {
    counted.withLock {
      $0.calls += 1
      $0.bytes += bytes
    }
  }

  private func fill(_ receive: UnsafeMutableRawBufferPointer, with block: UnsafeRawBufferPointer) {
    guard block.count > 0 else { return }
    for start in stride(from: 0, to: receive.count, by: block.count) {
      UnsafeMutableRawBufferPointer(rebasing: receive[start..<start + block.count])
        .copyMemory(from: block)
    }
  }
}
