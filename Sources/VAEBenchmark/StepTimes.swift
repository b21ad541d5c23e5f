import VAEZoo

/// How long steps take.
package enum StepTimes {
  /// Times at least 30 steps and about `seconds` of them, after a warm-up; fewer, but at least 8, where 30 take more
  /// than five times as long.
  ///
  /// - Parameters:
  ///   - cancel: ends it early.
  ///   - goesOn: asked before each step, and told whether another one is wanted here; ranks that step together answer
  ///     alike.
  ///   - step: makes one.
  /// - Returns: the seconds of each, the shortest first; nil where the token asks for a stop.
  package static func measure(
    seconds: Double, cancel: CancelToken = CancelToken(),
    goesOn: (Bool) throws -> Bool = { $0 }, _ step: () throws -> Void
  ) throws -> [Double]? {
    for _ in 0..<5 where !cancel.isCancelled { try step() }
    var times: [Double] = []
    let begin = Clock.seconds
    func isWanted() -> Bool {
      let passed = Clock.seconds - begin
      let isShort =
        times.count < 8 || passed < seconds || (times.count < 30 && passed < 5 * seconds)
      return times.count < 10_000 && isShort
    }
    while try goesOn(isWanted()) {
      guard !cancel.isCancelled else { return nil }
      let start = Clock.seconds
      try step()
      times.append(Clock.seconds - start)
    }
    return times.sorted()
  }
}
