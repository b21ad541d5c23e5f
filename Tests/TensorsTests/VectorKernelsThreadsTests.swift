import CVectorKernels
import Dispatch
import Synchronization
import XCTest

final class VectorKernelsThreadsTests: VectorKernelsTestCase {
  func testThreadCountsAreKeptBetweenOneAndTheLimit() {
    for (asked, expected) in [(3, 3), (0, 1), (-7, 1), (100_000, 256)] as [(Int32, Int32)] {
      vk_set_threads(asked)
      XCTAssertEqual(vk_threads(), expected)
    }
  }

  func testThreadCountHoldsInOtherThreads() async {
    vk_set_threads(3)
    let seen = await Task.detached { vk_threads() }.value
    XCTAssertEqual(seen, 3)
  }

  func testAnInstructionSetThatTheProcessorLacksIsLowered() {
    vk_isa_select(VK_ISA_AVX512)
    XCTAssertEqual(vk_isa_current(), vk_isa_supported())
    vk_isa_select(VK_ISA_BASELINE)
    XCTAssertEqual(vk_isa_current(), VK_ISA_BASELINE)
  }

  func testRecordingIsThreadLocal() {
    XCTAssertEqual(vk_recording(), 1)
    vk_set_recording(0)
    defer { vk_set_recording(1) }
    let elsewhere = Mutex<Int32>(-1), group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      elsewhere.withLock { $0 = vk_recording() }
    }
    group.wait()
    XCTAssertEqual(elsewhere.withLock { $0 }, 1)
    XCTAssertEqual(vk_recording(), 0)
  }

  /// libgomp's pool dies in a fork, and a child that used it would hang.
  func testAForkedChildComputes() throws {
    // Swift hides fork, whose child may do little; calling kernels is what is tested.
    let symbol = try XCTUnwrap(dlsym(dlopen(nil, RTLD_NOW), "fork"))
    let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
    vk_set_threads(2)
    let x = numbers(60_000, seed: 111), before = vk_sum_f64(x, x.count)
    let child = fork()
    if child == 0 {
      alarm(20)
      _exit(vk_sum_f64(x, x.count) == before ? 0 : 1)
    }
    var status: Int32 = -1
    XCTAssertEqual(waitpid(child, &status, 0), child)
    XCTAssertEqual(status, 0, "the child hangs (14) or computes another sum (256)")
    XCTAssertEqual(vk_sum_f64(x, x.count), before)
  }

  func testSeveralHostThreadsMayComputeAtOnce() {
    vk_set_threads(2)
    let x = numbers(60_000, seed: 110)
    let expected = columnMeans(x)
    let results = Mutex([[Float]]())
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      let means = columnMeans(x)
      results.withLock { $0.append(means) }
    }
    XCTAssertEqual(results.withLock { $0 }, [[Float]](repeating: expected, count: 8))
  }
}

private func columnMeans(_ x: [Float]) -> [Float] {
  var mean = unwritten(3), variance = unwritten(3)
  vk_column_moments(x, &mean, &variance, x.count / 3, 3)
  return mean + variance
}
