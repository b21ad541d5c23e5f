import Glibc

/// Watches over the calls of one rank, from a thread of its own that sleeps while nothing is to be said.
///
/// The thread looks at the clock when a call could have lasted too long, and no call wakes it, so that a call costs two
/// looks at the clock.
final class CallWatch: Sendable {
  /// What both threads see.
  private final class Shared: @unchecked Sendable {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    var place: String? = "the beginning"
    /// When the present call began, in seconds; nil between calls, and once it has been said that it waits.
    var begun: Double?
    var hasEnded = false
    /// The process that has the thread; 0 before there is one. One made by `fork` has it no more.
    var process: pid_t = 0

    init() {
      mutex.initialize(to: pthread_mutex_t())
      pthread_mutex_init(mutex, nil)
      var attributes = pthread_condattr_t()
      pthread_condattr_init(&attributes)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      condition.initialize(to: pthread_cond_t())
      pthread_cond_init(condition, &attributes)
      pthread_condattr_destroy(&attributes)
    }

    deinit {
      pthread_cond_destroy(condition)
      condition.deallocate()
      pthread_mutex_destroy(mutex)
      mutex.deallocate()
    }

    func locked<Result>(_ body: () -> Result) -> Result {
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      return body()
    }

    /// Sleeps to a time, with the lock, or until it is to end.
    func sleep(until time: Double) {
      var wanted = timespec()
      wanted.tv_sec = Int(time)
      wanted.tv_nsec = Int((time - Double(Int(time))) * 1e9)
      pthread_cond_timedwait(condition, mutex, &wanted)
    }
  }

  private final class Seat {
    let watch: CallWatch
    init(_ watch: CallWatch) { self.watch = watch }
  }

  private let shared = Shared()
  private let rank: Int
  private let limit: Double
  private let report: @Sendable (String) -> Void

  init(rank: Int, limit: Double, report: @escaping @Sendable (String) -> Void) {
    (self.rank, self.report) = (rank, report)
    // What is longer than a year is for ever.
    self.limit = max(0.001, min(limit, 31_536_000))
  }

  func enter(_ place: String?) { shared.locked { shared.place = place } }

  /// Makes a call, and watches over it.
  func during(_ call: () throws -> Void) rethrows {
    let isNew = shared.locked {
      shared.begun = shared.place == nil ? nil : Self.now
      guard shared.process != getpid() else { return false }
      shared.process = getpid()
      return true
    }
    if isNew { start() }
    defer { shared.locked { shared.begun = nil } }
    try call()
  }

  /// Ends the thread.
  func end() {
    shared.locked {
      shared.hasEnded = true
      pthread_cond_signal(shared.condition)
    }
  }

  /// Begins the thread. Where the system has no more of them nothing is said.
  private func start() {
    let seat = Unmanaged.passRetained(Seat(self))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Seat>.fromOpaque(context).takeRetainedValue().watch.serve()
        return nil
      }, seat.toOpaque())
    guard status == 0 else { return seat.release() }
    pthread_detach(thread)
  }

  private func serve() {
    // Signals are for the threads that do the work.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    while let text = next() { if !text.isEmpty { report(text) } }
  }

  /// Sleeps until something may have to be said: what, if anything, or nil at the end.
  private func next() -> String? {
    shared.locked {
      guard !shared.hasEnded else { return nil }
      shared.sleep(until: (shared.begun ?? Self.now) + limit)
      guard !shared.hasEnded else { return nil }
      let late = Self.now - (shared.begun ?? .infinity) - limit
      guard let place = shared.place, late >= 0 else { return "" }
      guard late < Self.longestLateness else {
        // This process has slept, and not waited: it had been stopped, or the machine.
        shared.begun = Self.now
        return ""
      }
      // Once for each call.
      shared.begun = nil
      let seconds = limit == limit.rounded() ? "\(Int(limit))" : "\(limit)"
      return "rank \(rank) has waited for \(seconds) s in \(place) for ranks that have not come"
    }
  }

  /// Seconds by which this thread is late on a crowded machine, at most.
  private static let longestLateness = 5.0

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
