import Synchronization

/// A request to stop that any thread or a signal handler may make; training stops at the next step
/// boundary.
public final class CancelToken: Sendable {
  private let flag = Atomic<Bool>(false)

  /// A token that has not been used.
  public init() {}

  /// Asks for a stop: one atomic store.
  public func cancel() {
    flag.store(true, ordering: .relaxed)
  }

  /// Takes the request back, so that the token can serve again.
  public func reset() {
    flag.store(false, ordering: .relaxed)
  }

  /// Whether a stop was asked for.
  public var isCancelled: Bool {
    flag.load(ordering: .relaxed)
  }
}
