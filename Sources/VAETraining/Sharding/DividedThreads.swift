import Tensors

/// The threads of the process while they are divided among the shards of a batch, each of which is computed by a thread
/// of its own. They are the whole process's: while several trainings go on, the one with the most shards says how many
/// each shard has.
enum DividedThreads {
  private struct State {
    /// The shards of each training that goes on.
    var shards: [Int] = []
    /// What the threads were before the first of them.
    var whole = 1

    /// Changes which trainings go on.
    mutating func change(_ body: (inout [Int]) -> Void) {
      if shards.isEmpty { whole = Engine.threads }
      body(&shards)
      Engine.threads = max(1, whole / (shards.max() ?? 1))
    }
  }

  private static let state = Lock(State())

  /// The threads that are to be divided.
  static var whole: Int { state.withLock { $0.shards.isEmpty ? Engine.threads : $0.whole } }

  /// Runs a closure in which each of some shards has its share of the threads.
  static func run<Result>(among shards: Int, _ body: () throws -> Result) rethrows -> Result {
    guard shards > 1 else { return try body() }
    state.withLock { $0.change { $0.append(shards) } }
    defer {
      state.withLock { state in
        state.change { all in
          if let place = all.firstIndex(of: shards) { all.remove(at: place) }
        }
      }
    }
    return try body()
  }
}
