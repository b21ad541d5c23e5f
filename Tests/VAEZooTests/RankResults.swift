import Foundation
import VAEScaling

/// What each of several ranks measured, each on a thread of its own.
final class RankResults: @unchecked Sendable {
  private let lock = NSLock()
  private var results: [Int: Result<DividedResult?, any Error>] = [:]

  func set(_ rank: Int, _ result: Result<DividedResult?, any Error>) {
    lock.withLock { results[rank] = result }
  }

  subscript(rank: Int) -> Result<DividedResult?, any Error>? { lock.withLock { results[rank] } }
}
