import Glibc

/// Threads for one piece of work, which end with it. They may block, on files or on each other, and may compute with
/// tensors as any thread may; so they are not those of the engine, which wait for each other spinning.
package enum Workers {
  private final class Job {
    let number: Int
    let body: @Sendable (Int) -> Void

    init(number: Int, body: @escaping @Sendable (Int) -> Void) {
      self.number = number
      self.body = body
    }
  }

  /// Calls a closure with each number below `count`, each on a thread of its own, and waits for all.
  package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    guard count > 0 else { return }
    var threads: [pthread_t] = []
    for number in 1..<count {
      let job = Unmanaged.passRetained(Job(number: number, body: body))
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { context in
          guard let context else { return nil }
          let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
          job.body(job.number)
          return nil
        }, job.toOpaque())
      if status == 0 {
        threads.append(thread)
      } else {
        // Where the system has no more threads this one does the work.
        job.release()
        body(number)
      }
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }
}
