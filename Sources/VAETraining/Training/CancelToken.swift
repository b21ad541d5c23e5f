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

  /// Whether a stop was asked for.
  public var isCancelled: Bool {
    flag.load(ordering: .relaxed)
  }
}
