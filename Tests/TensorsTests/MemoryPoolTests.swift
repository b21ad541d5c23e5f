import Dispatch
import Tensors
import XCTest

final class MemoryPoolTests: XCTestCase {
  /// A pool that takes, and gives back, blocks by their sizes.
  private func use(_ pool: MemoryPool, _ sizes: [Int]) {
    let blocks = sizes.map { (pool.take(bytes: $0), $0) }
    for case (let block?, let size) in blocks { pool.give(back: block, bytes: size) }
  }

  // MARK: Size classes

  func testASizeClassHoldsTheRequestAndWastesAnEighthAtMost() {
    for bytes in Array(0...5000) + [1 << 20, 1 << 20 + 1, 3 << 20 - 1, 1 << 40 + 12345] {
      let size = MemoryPool.sizeClass(bytes: bytes)
      XCTAssertGreaterThanOrEqual(size, max(1, bytes))
      XCTAssertEqual(size % 64, 0)
      XCTAssertEqual(MemoryPool.sizeClass(bytes: size), size, "a class is its own")
      XCTAssertLessThanOrEqual(size - bytes, bytes > 1024 ? bytes / 8 : 64, "\(bytes) bytes")
    }
  }

  func testLargerRequestsHaveNoSmallerClasses() {
    let sizes = (1...10_000).map { MemoryPool.sizeClass(bytes: $0 * 37) }
    XCTAssertEqual(sizes, sizes.sorted())
  }

  // MARK: Taking and giving back

  func testABlockThatCameBackServesRequestsOfItsClass() throws {
    let pool = MemoryPool(period: 1000)
    let first = try XCTUnwrap(pool.take(bytes: 5000))
    XCTAssertEqual(UInt(bitPattern: first) % 64, 0)
    let size = MemoryPool.sizeClass(bytes: 5000)
    XCTAssertEqual(pool.statistics.bytesInUse, size)
    pool.give(back: first, bytes: 5000)
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
    XCTAssertEqual(pool.statistics.bytesCached, size)
    XCTAssertEqual(pool.take(bytes: size), first)
    XCTAssertEqual(pool.statistics.systemAllocations, 1)
    XCTAssertEqual(pool.statistics.bytesCached, 0)
    let other = try XCTUnwrap(pool.take(bytes: size + 1))
    XCTAssertNotEqual(other, first)
    XCTAssertEqual(pool.statistics.systemAllocations, 2)
    XCTAssertEqual(
      pool.statistics.peakBytes, size + MemoryPool.sizeClass(bytes: size + 1))
    pool.give(back: first, bytes: size)
    pool.give(back: other, bytes: size + 1)
  }

  func testThreadsNeverHoldTheSameBlock() {
    let pool = MemoryPool(period: 64)
    let faults = Lock(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<500 {
        let sizes = (0..<5).map { 64 << (($0 + round) % 7) }
        let blocks = sizes.compactMap { pool.take(bytes: $0) }
        let mark = UInt64(thread << 32 | round)
        for (block, size) in zip(blocks, sizes) {
          for word in 0..<size / 8 {
            block.storeBytes(of: mark, toByteOffset: word * 8, as: UInt64.self)
          }
        }
        for (block, size) in zip(blocks, sizes) {
          for word in 0..<size / 8
          where block.load(fromByteOffset: word * 8, as: UInt64.self) != mark {
            faults.withLock { $0 += 1 }
          }
          pool.give(back: block, bytes: size)
        }
        if round % 100 == 99 { pool.trim() }
      }
    }
    XCTAssertEqual(faults.withLock { $0 }, 0)
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
    pool.trim()
    XCTAssertEqual(pool.statistics.bytesCached, 0)
  }

  // MARK: Giving back to the system

  func testTrimmingLeavesWhatIsInUseAlone() throws {
    let pool = MemoryPool(period: 1000)
    use(pool, [100, 2000, 3 << 20])
    let kept = try XCTUnwrap(pool.take(bytes: 2000))
    kept.storeBytes(of: 42, as: UInt64.self)
    pool.trim()
    XCTAssertEqual(pool.statistics.bytesCached, 0)
    XCTAssertEqual(pool.statistics.bytesInUse, MemoryPool.sizeClass(bytes: 2000))
    XCTAssertEqual(kept.load(as: UInt64.self), 42)
    pool.give(back: kept, bytes: 2000)
    let before = pool.statistics.systemAllocations
    use(pool, [100, 2000])
    XCTAssertEqual(pool.statistics.systemAllocations, before + 1, "one block was still there")
  }

  func testSparingWorkHoldsNoMoreThanWasInUseAtOnceAndLetsNothingGoWithoutNeed() throws {
    let pool = MemoryPool(period: 1000)
    let unit = 4 << 20
    try pool.sparingly {
      // Two maps at a time, which double, then small ones again.
      for size in [1, 2, 4, 2, 1] {
        let first = try XCTUnwrap(pool.take(bytes: size * unit))
        use(pool, [size * unit, size * unit])
        pool.give(back: first, bytes: size * unit)
      }
    }
    XCTAssertEqual(pool.statistics.peakBytes, 12 * unit)
    // The second time all that is needed is there.
    let before = pool.statistics.systemAllocations
    pool.sparingly { use(pool, [unit]) }
    XCTAssertEqual(pool.statistics.systemAllocations, before)
  }

  func testLargeBlocksTakeThePagesOfOthersThatAreNotNeededAndLeaveTheRest() throws {
    let pool = MemoryPool(period: 1000)
    let unit = 4 << 20
    func mark(_ block: UnsafeMutableRawPointer, _ units: Range<Int>) {
      for number in units {
        block.storeBytes(of: number, toByteOffset: number * unit, as: Int.self)
      }
    }
    try pool.sparingly {
      let (first, second) = (
        try XCTUnwrap(pool.take(bytes: 8 * unit)), try XCTUnwrap(pool.take(bytes: unit))
      )
      mark(first, 0..<8)
      pool.give(back: first, bytes: 8 * unit)
      // Five units of the eight, which nobody has to clear, and three that stay.
      let third = try XCTUnwrap(pool.take(bytes: 5 * unit))
      XCTAssertEqual(
        (0..<5).map { third.load(fromByteOffset: $0 * unit, as: Int.self) }, Array(0..<5))
      XCTAssertEqual(pool.statistics.bytesCached, 3 * unit)
      let fourth = try XCTUnwrap(pool.take(bytes: 3 * unit))
      XCTAssertEqual(
        (0..<3).map { fourth.load(fromByteOffset: $0 * unit, as: Int.self) }, Array(5..<8))
      XCTAssertEqual(pool.statistics.bytesCached, 0)
      // A block of pages from several others.
      mark(third, 0..<5)
      mark(fourth, 0..<3)
      pool.give(back: third, bytes: 5 * unit)
      pool.give(back: fourth, bytes: 3 * unit)
      let fifth = try XCTUnwrap(pool.take(bytes: 7 * unit))
      XCTAssertEqual(
        (0..<7).map { fifth.load(fromByteOffset: $0 * unit, as: Int.self) }, [0, 1, 2, 3, 4, 0, 1])
      XCTAssertEqual(pool.statistics.bytesCached, unit)
      pool.give(back: fifth, bytes: 7 * unit)
      pool.give(back: second, bytes: unit)
    }
    XCTAssertEqual(pool.statistics.peakBytes, 9 * unit)
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
    pool.trim()
    XCTAssertEqual(pool.statistics.bytesCached, 0)
  }

  func testWherePagesCannotBeMovedABlockIsFreshAndNothingIsLostFromTheCount() throws {
    let pool = MemoryPool(period: 1000)
    let unit = 4 << 20
    for pages in [0, 1, 5] {
      try pool.sparingly {
        let first = try XCTUnwrap(pool.take(bytes: 8 * unit))
        let second = try XCTUnwrap(pool.take(bytes: unit))
        pool.give(back: first, bytes: 8 * unit)
        try pool.limitingMoves(to: pages) {
          let third = try XCTUnwrap(pool.take(bytes: 5 * unit), "\(pages) pages")
          for number in 0..<5 { third.storeBytes(of: 7, toByteOffset: number * unit, as: Int.self) }
          XCTAssertEqual(pool.statistics.bytesInUse, 6 * unit)
          pool.give(back: third, bytes: 5 * unit)
        }
        pool.give(back: second, bytes: unit)
      }
      XCTAssertEqual(pool.statistics.bytesInUse, 0)
      pool.trim()
      XCTAssertEqual(pool.statistics.bytesCached, 0)
    }
  }

  func testWhatOtherThreadsTakeMeanwhileIsKept() {
    let pool = MemoryPool(period: 1000)
    pool.sparingly {
      Workers.run(2) { number in
        guard number == 1 else { return }
        for size in [1 << 20, 2 << 20, 4 << 20] {
          if let block = pool.take(bytes: size) { pool.give(back: block, bytes: size) }
        }
      }
    }
    XCTAssertEqual(pool.statistics.bytesCached, 7 << 20)
  }

  func testWhatStepsUseAgainAndAgainStays() {
    let pool = MemoryPool(period: 50)
    let step = [64, 1000, 1000, 5000, 5000, 5000, 1 << 20]
    for _ in 0..<2 { use(pool, step) }
    let before = pool.statistics
    for _ in 0..<500 { use(pool, step) }
    XCTAssertEqual(pool.statistics.systemAllocations, before.systemAllocations)
    XCTAssertEqual(pool.statistics.bytesCached, before.bytesCached)
  }

  func testWhatAWholePeriodHadNoUseForGoesBack() {
    let pool = MemoryPool(period: 50)
    let step = [1000, 1000, 5000]
    use(pool, step)
    let needed = pool.statistics.bytesCached
    use(pool, [1 << 20, 1 << 20, 5000, 5000, 5000, 300])
    XCTAssertGreaterThan(pool.statistics.bytesCached, needed + (2 << 20))
    for _ in 0..<50 { use(pool, step) }
    XCTAssertEqual(pool.statistics.bytesCached, needed)
    XCTAssertEqual(pool.statistics.bytesInUse, 0)
  }
}
