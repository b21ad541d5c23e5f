import Synchronization
import Tensors
import XCTest

final class EngineDivisionTests: XCTestCase {
  func testEveryUnitIsWorkedOnOnceByAnyNumberOfThreads() {
    let before = Engine.threads
    defer { Engine.threads = before }
    for threads in [1, 2, 3, 7] {
      Engine.threads = threads
      for (count, block) in [(0, 4), (1, 4), (7, 4), (8, 4), (1000, 1), (1000, 7), (50, 0)] {
        let parts = Mutex<[Range<Int>]>([])
        Engine.divide(count, block: block) { part in parts.withLock { $0.append(part) } }
        XCTAssertEqual(
          parts.withLock { $0 }.flatMap { Array($0) }.sorted(), Array(0..<count),
          "\(count) in blocks of \(block) on \(threads) threads")
      }
    }
  }

  func testTooLittleWorkStaysOnTheCallingThread() {
    let before = Engine.threads
    defer { Engine.threads = before }
    Engine.threads = 4
    let own = pthread_self()
    let strangers = Atomic(0)
    Engine.divide(15, block: 8) { _ in
      if pthread_equal(pthread_self(), own) == 0 { strangers.add(1, ordering: .relaxed) }
    }
    XCTAssertEqual(strangers.load(ordering: .relaxed), 0)
  }
}
