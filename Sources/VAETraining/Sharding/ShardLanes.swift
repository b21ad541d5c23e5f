import Communication
import Glibc

/// Threads that compute the local shards of a batch beside the one that trains, which computes the first.
///
/// They are kept from one update to the next, because what oneDNN prepares is kept for each thread. In a process made
/// by `fork` they are made anew.
final class ShardLanes {
  /// What the threads share; written by the training thread before they meet.
  private final class Shared: @unchecked Sendable {
    let rendezvous: Rendezvous
    var body: ((Int) -> Void)?

    init(_ count: Int) { rendezvous = Rendezvous(count) }

    func serve(_ lane: Int) {
      while rendezvous.meet() == nil {
        body?(lane)
        _ = rendezvous.meet()
      }
    }
  }

  private final class Seat {
    let shared: Shared
    let lane: Int
    init(_ shared: Shared, _ lane: Int) { (self.shared, self.lane) = (shared, lane) }
  }

  private let count: Int
  private var shared: Shared?
  private var process: pid_t = 0

  init(_ count: Int) { self.count = count }

  deinit { end() }

  /// Calls a closure with each number below the count at the same time, and waits for all.
  ///
  /// - Returns: false where the system has no more threads, and nothing was called.
  func run(_ body: (Int) -> Void) -> Bool {
    guard count > 1 else {
      body(0)
      return true
    }
    guard let shared = started() else { return false }
    withoutActuallyEscaping(body) { body in
      shared.body = body
      _ = shared.rendezvous.meet()
      body(0)
      _ = shared.rendezvous.meet()
      shared.body = nil
    }
    return true
  }

  private func started() -> Shared? {
    if let shared, process == getpid() { return shared }
    let fresh = Shared(count)
    for lane in 1..<count {
      let seat = Unmanaged.passRetained(Seat(fresh, lane))
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { context in
          guard let context else { return nil }
          let seat = Unmanaged<Seat>.fromOpaque(context).takeRetainedValue()
          seat.shared.serve(seat.lane)
          return nil
        }, seat.toOpaque())
      guard status == 0 else {
        seat.release()
        fresh.rendezvous.close("the system has no more threads")
        return nil
      }
      pthread_detach(thread)
    }
    (shared, process) = (fresh, getpid())
    return fresh
  }

  private func end() {
    if process == getpid() { shared?.rendezvous.close("done") }
  }
}
