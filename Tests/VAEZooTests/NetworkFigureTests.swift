import Communication
import Foundation
import VAEBenchmark
import VAEScaling
import VAEZoo
import XCTest

/// What is said of ranks on a network: the figures by their formulas, and what a rank that mirrors itself exchanges.
final class NetworkFigureTests: XCTestCase {
  private func traffic(calls: Int, bytes: Int) -> Traffic {
    var traffic = Traffic()
    (traffic.calls, traffic.bytes) = (calls, bytes)
    return traffic
  }

  func testACallTakesAMessageForEachDoublingOfTheRanks() throws {
    let network = try Network(speed: "2kB", latency: "3s")
    for (ranks, rounds) in [
      (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (4096, 12),
    ] {
      XCTAssertEqual(
        network.seconds(for: traffic(calls: 7, bytes: 500), ranks: ranks),
        0.25 + 21 * Double(rounds), accuracy: 1e-9, "\(ranks)")
    }
    let usual = try Network(speed: "1B")
    XCTAssertEqual(usual.latencySeconds, 5e-5, accuracy: 1e-12)
    XCTAssertEqual(
      traffic(calls: 7, bytes: 500) - traffic(calls: 2, bytes: 30), traffic(calls: 5, bytes: 470))
  }

  func testAPredictionIsWrittenByItsNamesWithFourDecimals() throws {
    let network = try Network(speed: "1MB", latency: "2ms")
    let prediction = ScalingPrediction(
      .weak, ranks: 3, batch: 10, traffic: traffic(calls: 4, bytes: 123_456), over: network,
      aloneMilliseconds: 60, rankMilliseconds: 20.123_46)
    // 123.456 ms for the bytes, and four calls of two messages: 16 ms.
    let step = 20.123_46 + 139.456
    XCTAssertEqual(prediction.stepMilliseconds, step, accuracy: 1e-9)
    let object = try XCTUnwrap(prediction.json.object)
    XCTAssertEqual(
      object.members.map(\.name),
      [
        "batch_size", "examples_per_rank", "rank_ms", "calls", "bytes", "network_ms", "step_ms",
        "speed_up", "efficiency",
      ])
    XCTAssertEqual(object["batch_size"]?.integer, 10)
    XCTAssertEqual(object["examples_per_rank"]?.integer, 4)
    XCTAssertEqual(object["calls"]?.integer, 4)
    XCTAssertEqual(object["bytes"]?.integer, 123_456)
    for (name, value) in [
      ("rank_ms", 20.1235), ("network_ms", 139.456), ("step_ms", 159.5795),
      ("speed_up", 1.128), ("efficiency", 0.376),
    ] {
      XCTAssertEqual(try XCTUnwrap(object[name]?.double), value, accuracy: 1e-9, name)
    }
  }

  func testAMirrorGivesEveryRankItsOwnBytesAndCountsThoseOfTheOthers() {
    let mirror = MirrorCommunicator(rank: 1, size: 3)
    var received = [UInt8](repeating: 0, count: 6)
    received.withUnsafeMutableBytes { receive in
      ([1, 2, 3, 4, 5, 6] as [UInt8]).withUnsafeBytes { mirror.allToAll($0, into: receive) }
    }
    XCTAssertEqual(received, [3, 4, 3, 4, 3, 4])
    XCTAssertEqual(mirror.traffic, traffic(calls: 1, bytes: 4))
    received.withUnsafeMutableBytes { receive in
      ([7, 8] as [UInt8]).withUnsafeBytes { mirror.allGather($0, into: receive) }
    }
    XCTAssertEqual(received, [7, 8, 7, 8, 7, 8])
    XCTAssertEqual(mirror.traffic, traffic(calls: 2, bytes: 8))
    received.withUnsafeMutableBytes { mirror.broadcast($0, from: 2) }
    XCTAssertEqual(received, [7, 8, 7, 8, 7, 8])
    XCTAssertEqual(mirror.traffic, traffic(calls: 3, bytes: 14))
    XCTAssertEqual([mirror.rank, mirror.size], [1, 3])
  }

  func testTheResultOfDividedStepsSaysWhatWasMeasured() throws {
    let workload = try XCTUnwrap(Workload.all.first { $0.name == "mlp" })
      .resized(batch: 5, side: 8)
    let members = InProcessCommunicator.group(of: 2)
    let results = RankResults()
    DispatchQueue.concurrentPerform(iterations: 2) { rank in
      results.set(rank, Result { try workload.measure(among: members[rank], seconds: 0) })
    }
    let result = try XCTUnwrap(results[0]?.get())
    XCTAssertEqual(result.workload, "mlp")
    XCTAssertEqual([result.size.batch, result.ranks], [5, 2])
    XCTAssertLessThanOrEqual(result.minimumMilliseconds, result.medianMilliseconds)
    let network = try Network(speed: "1MB", latency: "10ms")
    let more = Double(result.traffic.bytes) / 1e3 + 10 * Double(result.traffic.calls)
    XCTAssertEqual(
      result.predictedMilliseconds(over: network), result.rankMilliseconds + more, accuracy: 1e-6)
    let object = try XCTUnwrap(result.json(over: network).object)
    let numbers = [
      ("min_ms", result.minimumMilliseconds), ("median_ms", result.medianMilliseconds),
      ("rank_ms", result.rankMilliseconds),
      ("predicted_ms", result.predictedMilliseconds(over: network)),
    ]
    for (name, value) in numbers {
      XCTAssertEqual(try XCTUnwrap(object[name]?.double), value, accuracy: 5.1e-5, name)
    }
    XCTAssertEqual(object["batch_size"]?.integer, 5)
    XCTAssertEqual(object["image_size"]?.integer, result.size.side)
    XCTAssertEqual(object["ranks"]?.integer, 2)
    XCTAssertEqual(object["calls"]?.integer, result.traffic.calls)
    XCTAssertEqual(object["bytes"]?.integer, result.traffic.bytes)
    XCTAssertNil(result.json(over: nil).object?["predicted_ms"])
  }

  func testRanksHaveTheBatchOfEachWhereItGrowsAndDivideThatOfOneWhereItDoesNot() throws {
    let workload = try XCTUnwrap(Workload.all.first { $0.name == "mlp" }).resized(batch: 3, side: 8)
    let network = try Network(speed: "1GB", latency: "1ms")
    let alone = try XCTUnwrap(workload.measure(seconds: 0))
    func predicted(
      _ kind: ScalingPrediction.Kind, _ ranks: Int, cancel: CancelToken = CancelToken()
    ) throws -> ScalingPrediction? {
      try workload.predicted(
        kind, ranks: ranks, over: network, from: alone, seconds: 0, cancel: cancel)
    }
    for (kind, ranks, batch, own) in [
      (ScalingPrediction.Kind.weak, 2, 6, 3), (.weak, 5, 15, 3), (.strong, 2, 3, 2),
      (.strong, 3, 3, 1),
    ] {
      let found = try XCTUnwrap(predicted(kind, ranks), "\(kind) \(ranks)")
      XCTAssertEqual([found.batch, found.ranks, found.examplesPerRank], [batch, ranks, own])
      XCTAssertEqual(found.kind, kind)
      XCTAssertEqual(found.aloneMilliseconds, alone.medianMilliseconds)
      XCTAssertEqual(
        found.networkMilliseconds, 1e3 * network.seconds(for: found.traffic, ranks: ranks))
      XCTAssertGreaterThan(found.traffic.bytes, 0)
    }
    // Of three examples four ranks have none.
    XCTAssertNil(try predicted(.strong, 4))
    let draws = try XCTUnwrap(Workload.all.first { $0.name == "pixelcnn-sample" })
    XCTAssertNil(
      try draws.predicted(.weak, ranks: 2, over: network, from: alone, seconds: 0))
  }
}
