import CVAE
import Glibc
import Tensors

/// Sees to it that a call that changes an object overlaps no other one with it: one that would is refused.
/// Calls that only read may overlap each other.
///
/// While a callback of a call runs, the thread that it runs on may make calls that only read.
final class Exclusion: Sendable {
  /// What a call does to the object.
  enum Access {
    case reading
    case changing
  }

  /// The calls that are under way.
  private struct Calls {
    /// The thread of the call that has the object to itself, zero for none.
    var owner: UInt = 0
    /// Whether that call is in a callback.
    var isInCallback = false
    /// How many reading calls each thread is in: more than one where a callback makes others.
    var readers: [UInt: Int] = [:]
  }

  private let calls = Lock(Calls())
  private let readsOverlap: Bool

  /// - Parameter readsOverlap: whether calls that only read may overlap each other.
  init(readsOverlap: Bool = true) {
    self.readsOverlap = readsOverlap
  }

  /// What to do when a call has returned.
  private enum Leave {
    case owner
    case reader
    case nothing
  }

  /// Runs a call.
  ///
  /// - Throws: `CallError` of status `VAE_ERR_BUSY`, and what the call throws.
  func run<Result>(
    _ name: String, _ access: Access, _ body: () throws -> Result
  ) throws -> Result {
    let thread = UInt(pthread_self())
    let leave = try enter(name, access, thread)
    defer { self.leave(leave, thread) }
    return try body()
  }

  private func enter(
    _ name: String, _ access: Access, _ thread: UInt
  ) throws(CallError) -> Leave {
    let readsOverlap = readsOverlap
    return try calls.withLock { (calls) throws(CallError) in
      if calls.owner == thread, calls.isInCallback {
        guard access == .reading else { throw Self.refusal(ofChanging: name) }
        return .nothing
      }
      guard calls.owner == 0 else { throw Self.refusal(name) }
      if access == .reading, readsOverlap {
        calls.readers[thread, default: 0] += 1
        return .reader
      }
      guard calls.readers.isEmpty else {
        throw calls.readers[thread] == nil
          ? Self.refusal(name) : Self.refusal(ofChanging: name)
      }
      calls.owner = thread
      calls.isInCallback = false
      return .owner
    }
  }

  private func leave(_ leave: Leave, _ thread: UInt) {
    calls.withLock { calls in
      switch leave {
      case .owner: calls.owner = 0
      case .reader:
        let count = calls.readers[thread] ?? 1
        calls.readers[thread] = count > 1 ? count - 1 : nil
      case .nothing: break
      }
    }
  }

  private static func refusal(_ name: String) -> CallError {
    CallError(VAE_ERR_BUSY, "another call is using the \(name); wait until it returns")
  }

  private static func refusal(ofChanging name: String) -> CallError {
    CallError(
      VAE_ERR_BUSY, "a callback may read the \(name) that it is called for, but not change it")
  }

  /// Runs a callback of the call of this thread that is under way.
  func runCallback<Result>(_ body: () throws(CallError) -> Result) throws(CallError) -> Result {
    let thread = UInt(pthread_self())
    // A callback may make calls that have callbacks of their own.
    let former = calls.withLock { calls in
      let former = calls.isInCallback
      if calls.owner == thread { calls.isInCallback = true }
      return former
    }
    defer {
      calls.withLock { calls in if calls.owner == thread { calls.isInCallback = former } }
    }
    return try body()
  }
}
