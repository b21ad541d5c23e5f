import CVAE
import Glibc
import Synchronization

/// Sees to it that calls with one object do not overlap: one that would is refused.
///
/// While a callback of such a call runs, the thread that it runs on may make calls that only read.
final class Exclusion: Sendable {
  /// What a call does to the object.
  enum Access {
    case reading
    case changing
  }

  /// The thread inside a call, zero for none.
  private let owner = Atomic<UInt>(0)
  private let isInCallback = Atomic<Bool>(false)

  /// Runs a call.
  ///
  /// - Throws: `CallError` of status `VAE_ERR_BUSY`, and what the call throws.
  func run<Result>(
    _ name: String, _ access: Access, _ body: () throws -> Result
  ) throws -> Result {
    let thread = UInt(pthread_self())
    let (isFree, present) = owner.compareExchange(
      expected: 0, desired: thread, ordering: .acquiring)
    if isFree {
      defer { owner.store(0, ordering: .releasing) }
      return try body()
    }
    guard present == thread, isInCallback.load(ordering: .relaxed) else {
      throw CallError(VAE_ERR_BUSY, "another call is using the \(name); wait until it returns")
    }
    guard access == .reading else {
      throw CallError(
        VAE_ERR_BUSY, "a callback may read the \(name) that it is called for, but not change it")
    }
    return try body()
  }

  /// Runs a callback of the call that is under way.
  func runCallback<Result>(_ body: () throws(CallError) -> Result) throws(CallError) -> Result {
    // A callback may make calls that have callbacks of their own.
    let former = isInCallback.exchange(true, ordering: .relaxed)
    defer { isInCallback.store(former, ordering: .relaxed) }
    return try body()
  }
}
