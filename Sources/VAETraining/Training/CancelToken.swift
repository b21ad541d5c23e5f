import Synchronization

/// A request to stop that any thread or a signal handler may make; training stops at the next step
/// boundary.
public final class CancelToken: Sendable {
  private let flag = Atomic<Bool>(false)
  private let parent: CancelToken?

  /// A token that has not been used.
  ///
  /// - Parameter parent: a token of a whole of which this one's work is a part: a stop of the whole is one of
  ///   the part as well, and not the other way round. Nil for none.
  public init(partOf parent: CancelToken? = nil) { self.parent = parent }

  /// Asks for a stop: one atomic store.
  public func cancel() {
    flag.store(true, ordering: .relaxed)
  }

  /// Takes the request back, so that the token can serve again; that of a whole stays.
  public func reset() {
    flag.store(false, ordering: .relaxed)
  }

  /// Whether a stop was asked for.
  public var isCancelled: Bool {
    flag.load(ordering: .relaxed) || parent?.isCancelled == true
  }
}
