import Communication
import VAEBenchmark
import VAEScaling
import VAEZoo
import XCTest

final class ScalingTests: XCTestCase {
  private func workload(_ name: String, batch: Int) throws -> Workload {
    try XCTUnwrap(Workload.all.first { $0.name == name }).resized(batch: batch, side: nil)
  }

  func testSpeedsAreReadAsPeopleWriteThem() throws {
    for (text, bytes) in [
      ("10Gb", 1.25e9), ("10Gb/s", 1.25e9), ("10Gbit/s", 1.25e9), ("10Gbps", 1.25e9),
      ("1GB/s", 1e9), ("1.25GB", 1.25e9), ("100Mbit", 12.5e6), ("8kb", 1e3), ("64B", 64),
    ] {
      XCTAssertEqual(try Network(speed: text).bytesPerSecond, bytes, accuracy: 1e-9 * bytes, text)
    }
    for (text, seconds) in [("50us", 5e-5), ("0.05ms", 5e-5), ("5µs", 5e-6), ("0ns", 0)] {
      let network = try Network(speed: "1Gb", latency: text)
      XCTAssertEqual(network.latencySeconds, seconds, accuracy: 1e-12, text)
    }
  }

  func testWhatIsNoSpeedIsNamed() {
    for text in [
      "", "10", "Gb", "0Gb", "-1Gb", "1e3Gb", "10 Gb", "infGb", "10Gb/sps", "10Gb/h", "10gb",
      "10GiB",
      String(repeating: "9", count: 400) + "Gb",
    ] {
      XCTAssertThrowsError(try Network(speed: text), text) {
        XCTAssertTrue("\($0)".hasPrefix("\(text) is no speed"), "\($0)")
      }
    }
    for text in ["", "5", "-1us", "11s", "5Us"] {
      XCTAssertThrowsError(try Network(speed: "1Gb", latency: text), text) {
        XCTAssertTrue("\($0)".hasPrefix("\(text) is no latency"), "\($0)")
      }
    }
  }

  /// 784·400 + 400, 400·40 + 40, 20·400 + 400 and 400·784 + 784 parameters.
  private let parameters = 652_824

  func testARankSendsEachGradientTwiceButItsOwnShare() throws {
    let mlp = try workload("mlp", batch: 8)
    var calls: Set<Int> = []
    for ranks in [2, 4, 8] {
      let traffic = try XCTUnwrap(
        mlp.mirrored(batch: 8, ranks: ranks, precision: .float32, seconds: 0)?.traffic)
      let share = (parameters + ranks - 1) / ranks
      let sums = 2 * (ranks - 1) * share * 4
      // Losses, and which parameters have gradients, come on top.
      XCTAssertTrue((sums + 1...sums + 500 * ranks).contains(traffic.bytes), "\(traffic)")
      calls.insert(traffic.calls)
    }
    XCTAssertEqual(calls.count, 1, "\(calls)")
  }

  /// A member of a group that counts as others do.
  private final class Counting: Communicator, @unchecked Sendable {
    let member: InProcessCommunicator
    var traffic = Traffic()
    var rank: Int { member.rank }
    var size: Int { member.size }

    init(_ member: InProcessCommunicator) { self.member = member }

    private func count(_ bytes: Int) {
      traffic.calls += 1
      traffic.bytes += bytes
    }

    func allToAll(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws {
      count(send.count - send.count / size)
      try member.allToAll(send, into: receive)
    }

    func allGather(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws {
      count(receive.count - send.count)
      try member.allGather(send, into: receive)
    }

    func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
      try member.broadcast(buffer, from: root)
    }

    func abort(_ reason: String) { member.abort(reason) }
  }

  func testRanksThatStepTogetherExchangeWhatOneOfThemIsPredictedTo() throws {
    // Its normalisations exchange sums, too.
    let ladder = try workload("lvae", batch: 4)
    let members = InProcessCommunicator.group(of: 2).map(Counting.init)
    let results = RankResults()
    DispatchQueue.concurrentPerform(iterations: 2) { rank in
      let result = Result { try ladder.measure(among: members[rank], seconds: 0) }
      results.set(rank, result)
    }
    let all = try (0..<2).map { try XCTUnwrap(results[$0]?.get()) }
    XCTAssertEqual(all[0].traffic, all[1].traffic)
    XCTAssertGreaterThan(all[0].traffic.calls, 30)
    // A warm-up of five steps, and eight that are timed.
    XCTAssertEqual(members[0].traffic.calls, 13 * all[0].traffic.calls)
    XCTAssertEqual(members[0].traffic.bytes, 13 * all[0].traffic.bytes)
  }

  func testAPredictionAddsTheNetworkToWhatARankComputes() throws {
    var traffic = Traffic()
    (traffic.calls, traffic.bytes) = (10, 1_000_000)
    let network = try Network(speed: "1GB", latency: "100us")
    // 1 ms for the bytes, and 10 calls of ⌈log₂ 5⌉ messages: 3 ms.
    func prediction(_ kind: ScalingPrediction.Kind) -> ScalingPrediction {
      ScalingPrediction(
        kind, ranks: 5, batch: 64, traffic: traffic, over: network, aloneMilliseconds: 16,
        rankMilliseconds: 4)
    }
    XCTAssertEqual(prediction(.strong).networkMilliseconds, 4, accuracy: 1e-9)
    XCTAssertEqual(prediction(.strong).speedUp, 2, accuracy: 1e-9)
    XCTAssertEqual(prediction(.strong).efficiency, 0.4, accuracy: 1e-9)
    XCTAssertEqual(prediction(.strong).examplesPerRank, 13)
    XCTAssertEqual(prediction(.weak).speedUp, 10, accuracy: 1e-9)
    XCTAssertEqual(prediction(.weak).efficiency, 2, accuracy: 1e-9)
  }
}
