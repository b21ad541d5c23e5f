import Glibc

/// A value that one thread at a time reads or changes.
///
/// It stands in for `Synchronization.Mutex`, whose Linux implementation remembers the number of its
/// thread: in a process made by `fork` that number is the parent's, and the first contended lock
/// ends the child. What goes in and comes out is `sending`, as there: nothing that could be reached
/// from elsewhere is put behind the lock, and nothing behind it gets out.
package final class Lock<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// A lock around a value.
  package init(_ value: sending Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs a closure with the value while no other thread has it.
  package func withLock<Result, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
