import Tensors
import VAEBenchmark
import VAEZoo
import XCTest

/// The models of workloads, and how their steps are timed.
final class BenchmarkTests: XCTestCase {
  private func workload(_ name: String) throws -> Workload {
    try XCTUnwrap(Workload.all.first { $0.name == name })
  }

  // MARK: Steps

  func testStepsAreTimedAfterAWarmUpOfFive() throws {
    var count = 0
    let times = try XCTUnwrap(try StepTimes.measure(seconds: 0) { count += 1 })
    XCTAssertEqual(times.count, 8)
    XCTAssertEqual(count, 13)
    XCTAssertEqual(times, times.sorted())
  }

  func testStepsGoOnAsLongAsOthersSayAndAreToldWhetherMoreAreWanted() throws {
    var asked: [Bool] = []
    let times = try StepTimes.measure(
      seconds: 0,
      goesOn: { isWanted in
        asked.append(isWanted)
        return asked.count <= 10
      }
    ) {}
    XCTAssertEqual(times?.count, 10)
    XCTAssertEqual(asked, [Bool](repeating: true, count: 8) + [false, false, false])
  }

  func testAStopEndsTheTimingWithoutAResult() throws {
    let cancel = CancelToken()
    var count = 0
    let times = try StepTimes.measure(seconds: 0, cancel: cancel) {
      count += 1
      if count == 7 { cancel.cancel() }
    }
    XCTAssertNil(times)
    XCTAssertEqual(count, 7)
    let begun = CancelToken()
    begun.cancel()
    XCTAssertNil(try StepTimes.measure(seconds: 0, cancel: begun) { XCTFail("it steps") })
  }

  // MARK: Models

  func testFlopsOfTheLadderAreThoseCountedByHand() throws {
    // Up: 784·512 + 512² + 512·128, 512·256 + 256² + 256·64, …; down; the decoder: 2,165,248 in all.
    let up = 729_088 + 212_992 + 53_248 + 13_312 + 3_328
    let down = 344_064 + 86_016 + 21_504 + 5_376
    let decoder = 64 * 512 + 512 * 512 + 512 * 784
    XCTAssertEqual(up + down + decoder, 2_165_248)
    XCTAssertEqual(try workload("lvae").flops, Double(2_165_248 * 256 * 6))
    // Of smaller images the two layers at the pixels are smaller.
    let small = try workload("lvae").resized(batch: 2, side: 14)
    XCTAssertEqual(small.flops, Double((2_165_248 - 2 * 512 * (784 - 196)) * 2 * 6))
  }

  func testModelsHaveTheLayersThatTheirSummariesSay() throws {
    // 784-400-(20)-400-784, each layer with its bias.
    let mlp = try XCTUnwrap(workload("mlp").training())
    XCTAssertEqual(
      mlp.model.parameterCount, 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784)
    XCTAssertEqual(mlp.batch.shape, [128, 28, 28, 1])
    let share = mlp.batch.floats.reduce(0, +) / Float(mlp.batch.count)
    XCTAssertEqual(share, 0.13, accuracy: 0.01)
    XCTAssertEqual(Set(mlp.batch.floats), [0, 1])

    let conv = try XCTUnwrap(workload("conv").resized(batch: 2, side: nil).training())
    XCTAssertEqual(conv.batch.shape, [2, 64, 64, 3])
    XCTAssertEqual(conv.batch.floats.min() ?? 0, -1, accuracy: 0.01)
    XCTAssertEqual(conv.batch.floats.max() ?? 0, 1, accuracy: 0.01)

    let masked = try XCTUnwrap(workload("pixelcnn").resized(batch: 2, side: 12).training())
    XCTAssertEqual(masked.batch.shape, [2, 12, 12, 1])
    XCTAssertNil(try workload("pixelcnn-sample").training())
    XCTAssertEqual(Workload.all.filter(\.trains).count, 5)

    let codes = try XCTUnwrap(workload("vqvae").resized(batch: 4, side: 16).training())
    XCTAssertEqual(codes.batch.shape, [4, 16, 16, 3])
    let ladder = try XCTUnwrap(workload("lvae").resized(batch: 4, side: 8).training())
    XCTAssertEqual(ladder.batch.shape, [4, 8, 8, 1])
    XCTAssertEqual(Set(ladder.batch.floats), [0, 1])
  }

  // MARK: Sizes

  func testAWorkloadHasTheSizesThatAreGivenAndItsOwnOtherwise() throws {
    let conv = try workload("conv")
    XCTAssertEqual(conv.size, WorkloadSize(batch: 64, side: 64))
    XCTAssertEqual(try conv.resized(batch: 3, side: nil).size, WorkloadSize(batch: 3, side: 64))
    XCTAssertEqual(try conv.resized(batch: nil, side: 96).size, WorkloadSize(batch: 64, side: 96))
    XCTAssertEqual(WorkloadSize(batch: 3, side: 5).pixels, 75)
    for (name, batch, side) in [
      ("mlp", 128, 28), ("lvae", 256, 28), ("vqvae", 32, 32), ("pixelcnn", 64, 28),
      ("pixelcnn-sample", 16, 28),
    ] { XCTAssertEqual(try workload(name).size, WorkloadSize(batch: batch, side: side)) }
  }

  func testAWorkloadGrowsToThirtyTwoTimesItsPixels() throws {
    let mlp = try workload("mlp")
    XCTAssertNoThrow(try mlp.resized(batch: 32 * 128, side: nil))
    XCTAssertThrowsError(try mlp.resized(batch: 32 * 128 + 1, side: nil)) {
      XCTAssertTrue("\($0)".contains("more than 32 times the 128 of 28×28"), "\($0)")
    }
    XCTAssertNoThrow(try mlp.resized(batch: 1, side: 1024 / 4))
    XCTAssertThrowsError(try mlp.resized(batch: 65_537, side: 1))
    XCTAssertNoThrow(try mlp.resized(batch: 65_536, side: 1))
    XCTAssertThrowsError(try mlp.resized(batch: 1, side: 1025)) {
      XCTAssertTrue("\($0)".contains("up to 1024, not 1025"), "\($0)")
    }
  }

  // MARK: Measurements

  private func number(_ json: JSON, _ name: String) throws -> Double {
    try XCTUnwrap(json.object?[name]?.double, name)
  }

  func testAMeasurementHasTheNumbersOfItsSteps() throws {
    let mlp = try workload("mlp").resized(batch: 3, side: 6)
    let found = try XCTUnwrap(try mlp.measure(seconds: 0))
    XCTAssertEqual(found.workload, "mlp")
    XCTAssertEqual(found.size, WorkloadSize(batch: 3, side: 6))
    XCTAssertEqual(found.precision, .float32)
    XCTAssertEqual(found.threads, Engine.threads)
    // 36·400 + 400·40 + 20·400 + 400·36 multiply-adds.
    XCTAssertEqual(found.flops, 6 * 3 * 52_800)
    XCTAssertGreaterThan(found.minimumMilliseconds, 0)
    XCTAssertLessThanOrEqual(found.minimumMilliseconds, found.medianMilliseconds)
    XCTAssertEqual(
      found.gflops, found.flops / (found.medianMilliseconds / 1e3) / 1e9, accuracy: 1e-9)
    XCTAssertEqual(found.utilization, found.gflops / found.peakGflops, accuracy: 1e-12)
    XCTAssertGreaterThan(found.peakMegabytes, 10)
    XCTAssertLessThan(found.peakMegabytes, 1e5)
    let json = found.json
    for (name, value, least) in [
      ("min_ms", found.minimumMilliseconds, 1e-4), ("median_ms", found.medianMilliseconds, 1e-4),
      ("gflops", found.gflops, 1e-2), ("peak_gflops", found.peakGflops, 1e-2),
      ("utilization", found.utilization, 1e-4), ("peak_rss_mb", found.peakMegabytes, 1e-1),
      ("flops", found.flops, 0), ("batch_size", 3, 0), ("image_size", 6, 0),
    ] { XCTAssertEqual(try number(json, name), value, accuracy: least / 2 + 1e-9, name) }
    XCTAssertEqual(json.object?["dtype"]?.text, "float32")
    let cancel = CancelToken()
    cancel.cancel()
    XCTAssertNil(try mlp.measure(seconds: 0, cancel: cancel))
  }

  func testAProfileHasTheOperationsOfAStep() throws {
    let mlp = try workload("mlp").resized(batch: 3, side: 6)
    let profile = try XCTUnwrap(try mlp.profile(seconds: 0))
    XCTAssertEqual(profile.workload, "mlp")
    XCTAssertGreaterThan(profile.peakGflops, 1)
    let medians = profile.lines.map(\.medianMilliseconds)
    XCTAssertEqual(medians, medians.sorted(by: >))
    for line in profile.lines {
      XCTAssertLessThanOrEqual(line.minimumMilliseconds, line.medianMilliseconds)
      XCTAssertEqual(
        line.gflops, line.cost.flops / line.medianMilliseconds / 1e6, accuracy: 1e-9)
      XCTAssertEqual(
        line.gigabytes, line.cost.bytes / line.medianMilliseconds / 1e6, accuracy: 1e-9)
    }
    // The layer from three draws of 20 units to 400.
    let product = try XCTUnwrap(
      profile.lines.first { $0.cost.name == "matrix product" && $0.cost.sizes == "3×20 · 20×400" })
    XCTAssertEqual(product.cost.flops, 2 * 3 * 20 * 400)
    XCTAssertEqual(product.cost.pass, .forward)
    guard case .array(let operations)? = profile.json.object?["operations"] else {
      return XCTFail("no operations")
    }
    XCTAssertEqual(operations.count, profile.lines.count)
    XCTAssertEqual(try number(profile.json, "median_ms"), profile.medianMilliseconds)
    XCTAssertEqual(try number(profile.json, "outside_ms"), profile.outsideMilliseconds)
    for (json, line) in zip(operations, profile.lines) {
      XCTAssertEqual(json.object?["operation"]?.text, line.cost.name)
      XCTAssertEqual(json.object?["sizes"]?.text, line.cost.sizes)
      XCTAssertEqual(json.object?["pass"]?.text, line.cost.pass.rawValue)
      for (name, value) in [
        ("calls", Double(line.cost.calls)), ("min_ms", line.minimumMilliseconds),
        ("median_ms", line.medianMilliseconds), ("flops", line.cost.flops),
        ("bytes", line.cost.bytes), ("utilization", line.gflops / profile.peakGflops),
      ] { XCTAssertEqual(try number(json, name), value, name) }
    }
  }
}
