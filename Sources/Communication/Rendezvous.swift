import Glibc

/// A place where a fixed number of threads wait for each other, as often as they like.
///
/// Threads sleep while they wait. What a thread wrote before it came is seen by all after they have met.
package final class Rendezvous: @unchecked Sendable {
  private let count: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var waiting = 0
  private var meeting = 0
  private var reason: String?

  /// A place for `count` threads.
  package init(_ count: Int) {
    self.count = count
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    condition = .allocate(capacity: 1)
    condition.initialize(to: pthread_cond_t())
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Waits until all have come.
  ///
  /// - Returns: nil, or why they will never meet again.
  package func meet() -> String? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard reason == nil else { return reason }
    waiting += 1
    if waiting == count {
      waiting = 0
      meeting += 1
      pthread_cond_broadcast(condition)
      return nil
    }
    let mine = meeting
    while meeting == mine && reason == nil { pthread_cond_wait(condition, mutex) }
    return meeting == mine ? reason : nil
  }

  /// Sends away all who wait and all who will come. The first reason stays.
  package func close(_ text: String) {
    pthread_mutex_lock(mutex)
    reason = reason ?? text
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}
