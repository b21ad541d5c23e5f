import Tensors

/// The threads of the process while they are divided among the shards of a batch, each of which is computed by a thread
/// of its own. They are the whole process's, so that trainings that go on at the same time begin and end this together.
enum DividedThreads {
  private struct State {
    var users = 0
    /// What they were before the first of them.
    var whole = 1
  }

  private static let state = Lock(State())

  /// The threads that are to be divided.
  static var whole: Int { state.withLock { $0.users > 0 ? $0.whole : Engine.threads } }

  /// Runs a closure in which each of some shards has its share of the threads.
  static func run<Result>(among shards: Int, _ body: () throws -> Result) rethrows -> Result {
    guard shards > 1 else { return try body() }
    state.withLock {
      if $0.users == 0 { $0.whole = Engine.threads }
      $0.users += 1
      Engine.threads = max(1, $0.whole / shards)
    }
    defer {
      state.withLock {
        $0.users -= 1
        if $0.users == 0 { Engine.threads = $0.whole }
      }
    }
    return try body()
  }
}
