import Foundation
import XCTest

/// What `bench` prints. Whether the numbers are good is not for a test on a shared machine.
final class BenchTests: CommandTestCase {
  func testJSONIsAnArrayWithTheDocumentedKeys() throws {
    let outcome = try run(["bench", "mlp", "--threads", "1", "--json"])
    XCTAssertEqual(outcome.lines.count, 1)
    XCTAssertEqual(outcome.err, "")
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let results = try XCTUnwrap(value as? [[String: Any]])
    XCTAssertEqual(results.count, 1)
    XCTAssertEqual(
      Set(results[0].keys),
      [
        "workload", "dtype", "batch_size", "image_size", "threads", "min_ms", "median_ms", "flops",
        "gflops", "peak_gflops", "utilization", "peak_rss_mb",
      ])
    XCTAssertEqual(results[0]["workload"] as? String, "mlp")
    XCTAssertEqual(results[0]["dtype"] as? String, "float32")
    XCTAssertEqual(results[0]["threads"] as? Int, 1)
    let median = try number(results[0], "median_ms")
    XCTAssertLessThanOrEqual(try number(results[0], "min_ms"), median)
    XCTAssertEqual(
      try number(results[0], "gflops"), try number(results[0], "flops") / median / 1e6,
      accuracy: 0.5)
    XCTAssertEqual(
      try number(results[0], "utilization"),
      try number(results[0], "gflops") / number(results[0], "peak_gflops"), accuracy: 1e-3)
  }

  func testASizeIsMeasuredAndPrintedAndWhatRanksWouldGain() throws {
    let outcome = try run([
      "bench", "mlp", "--threads", "1", "--batch-size", "16", "--image-size", "12", "--json",
      "--network", "1Gb", "--ranks", "32", "--latency", "0us",
    ])
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let result = try XCTUnwrap((value as? [[String: Any]])?.first)
    XCTAssertEqual(result["batch_size"] as? Int, 16)
    XCTAssertEqual(result["image_size"] as? Int, 12)
    // 144·400 + 400·40 + 20·400 + 400·144 multiply-adds.
    XCTAssertEqual(try number(result, "flops"), 6 * 16 * 139_200)
    let scaling = try XCTUnwrap(result["scaling"] as? [String: Any])
    XCTAssertTrue(scaling["strong"] is NSNull, "16 examples cannot be divided among 32 ranks")
    let weak = try XCTUnwrap(scaling["weak"] as? [String: Any])
    XCTAssertEqual(weak["batch_size"] as? Int, 512)
    XCTAssertEqual(
      try number(weak, "network_ms"), try number(weak, "bytes") / 125e6 * 1e3, accuracy: 1e-3)
    XCTAssertEqual(
      try number(weak, "efficiency"), try number(result, "median_ms") / number(weak, "step_ms"),
      accuracy: 0.01)
  }

  func testWhatIsNoNetworkOrContradictsOneIsRefused() throws {
    let network = ["--network", "10Gb"]
    for (arguments, environment, words) in [
      (["--network", "10", "--ranks", "2"], [:], ["10 is no speed", "10Gb"]),
      (network + ["--ranks", "2", "--latency", "5"], [:], ["5 is no latency", "50us"]),
      (network, [:], ["--network and --ranks go together"]),
      (["--ranks", "2"], [:], ["--network and --ranks go together"]),
      (["--latency", "5us"], [:], ["--latency", "--network"]),
      (network + ["--ranks", "1"], [:], ["--ranks must be between 2 and 4096, not 1"]),
      (network + ["--ranks", "2", "--profile"], [:], ["--profile", "--network"]),
      (["pixelcnn-sample", "--ranks", "2"] + network, [:], ["pixelcnn-sample does not train"]),
      (["--ranks", "3"], ["PMI_SIZE": "2"], ["--ranks 3", "started, 2"]),
      (["conv"], ["PMI_SIZE": "65"], ["conv", "batch of 64", "fewer than 65 processes"]),
    ] as [([String], [String: String], [String])] {
      let outcome = try Command.run(["bench"] + arguments, environment: environment)
      XCTAssertEqual(outcome.status, 64, outcome.err)
      for word in words { XCTAssertTrue(outcome.err.contains(word), outcome.err) }
    }
  }

  func testSizesThatAWorkloadCannotHaveAreRefused() throws {
    for (arguments, words) in [
      (["conv", "--image-size", "48"], ["conv", "multiple of 32", "48"]),
      (["vqvae", "--image-size", "30"], ["vqvae", "multiple of 4", "30"]),
      (["mlp", "--batch-size", "0"], ["a batch of 0"]),
      (["mlp", "--batch-size", "9223372036854775807"], ["a batch of 9223372036854775807"]),
      (["mlp", "--image-size=-28"], ["not -28"]),
      (["conv", "--batch-size", "65536"], ["conv", "smaller batch"]),
    ] {
      try assertRefused(["bench"] + arguments, status: 64, naming: words)
    }
  }

  func testAProfileHasEveryOperationAndTheRest() throws {
    let outcome = try run(["bench", "mlp", "--threads", "1", "--profile", "--json"])
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let result = try XCTUnwrap((value as? [[String: Any]])?.first)
    let profile = try XCTUnwrap(result["profile"] as? [String: Any])
    let operations = try XCTUnwrap(profile["operations"] as? [[String: Any]])
    // Of the arithmetic the gradient of the data is left out, and of both other products of the first
    // layer what multiplies zeros, 87 % of the data.
    let firstLayer = 2.0 * 128 * 784 * 400
    let (sparse, dense) = (
      operations.filter { $0["operation"] as? String == "sparse matrix product" },
      operations.filter { $0["operation"] as? String != "sparse matrix product" }
    )
    let flops = try dense.reduce(0) { try $0 + number($1, "flops") }
    XCTAssertEqual(flops, try number(result, "flops") - 3 * firstLayer)
    XCTAssertEqual(sparse.compactMap { $0["pass"] as? String }.sorted(), ["backward", "forward"])
    for product in sparse {
      XCTAssertEqual(try number(product, "flops") / firstLayer, 0.13, accuracy: 0.01)
    }
    XCTAssertEqual(Set(operations.compactMap { $0["pass"] as? String }), ["forward", "backward"])
    XCTAssertGreaterThan(try number(profile, "median_ms"), 0)
    XCTAssertGreaterThanOrEqual(try number(profile, "outside_ms"), 0)
  }

  /// The cells of a table's row: what stands two spaces apart.
  private func cells(_ line: String) -> [String] {
    line.components(separatedBy: "  ").filter { !$0.isEmpty }.map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  /// The rows of the table whose header begins with a word, each by its header's words.
  private func table(_ outcome: Outcome, headedBy word: String) throws -> [[String: String]] {
    let lines = outcome.out.components(separatedBy: "\n")
    let start = try XCTUnwrap(lines.firstIndex { $0.hasPrefix(word) }, outcome.out)
    let header = cells(lines[start])
    return lines[(start + 1)...].prefix { !$0.isEmpty }.map { line in
      Dictionary(zip(header, cells(line)), uniquingKeysWith: { first, _ in first })
    }
  }

  private func number(_ row: [String: String], _ name: String) throws -> Double {
    try XCTUnwrap(Double(try XCTUnwrap(row[name], "\(name) in \(row)")), "\(name) in \(row)")
  }

  func testTheTablesShowEachNumberUnderItsName() throws {
    let outcome = try run([
      "bench", "mlp", "--threads", "1", "--batch-size", "16", "--image-size", "12", "--network",
      "1Gb", "--ranks", "4", "--latency", "20us",
    ])
    let result = try XCTUnwrap(table(outcome, headedBy: "workload").first)
    XCTAssertEqual(
      ["workload", "dtype", "batch", "image", "threads"].map { result[$0] },
      ["mlp", "float32", "16", "12×12", "1"])
    let median = try number(result, "median ms")
    XCTAssertLessThanOrEqual(try number(result, "min ms"), median)
    // 6 · 16 · 139,200 operations.
    let rate = 13.3632 / median
    XCTAssertEqual(try number(result, "GFLOP/s"), rate, accuracy: 0.06 + 0.02 * rate)
    XCTAssertEqual(
      try number(result, "utilization"),
      try number(result, "GFLOP/s") / number(result, "peak GFLOP/s"), accuracy: 0.011)
    XCTAssertGreaterThan(try number(result, "peak MB"), 10)

    XCTAssertTrue(
      outcome.out.contains(
        "\npredicted for 4 ranks on a network of 1.000 Gb/s and 20.0 µs; rank ms is measured here:\n"
      ),
      outcome.out)
    let second = try XCTUnwrap(outcome.out.range(of: "measured here:\n"))
    let rest = Outcome(status: 0, out: String(outcome.out[second.upperBound...]), err: "")
    let rows = try table(rest, headedBy: "workload")
    XCTAssertEqual(rows.map { $0["scaling"] }, ["weak", "strong"])
    XCTAssertEqual(rows.map { $0["batch"] }, ["64", "16"])
    XCTAssertEqual(rows.map { $0["a rank's"] }, ["16", "4"])
    for (row, scale) in zip(rows, [4.0, 1]) {
      // A message goes through two rounds of four ranks.
      let wire = try number(row, "MB sent") * 8 + number(row, "calls") * 2 * 0.02
      XCTAssertEqual(try number(row, "network ms"), wire, accuracy: 0.05)
      let step = try number(row, "step ms")
      XCTAssertEqual(
        step, try number(row, "rank ms") + number(row, "network ms"), accuracy: 0.011)
      let gain = scale * median / step
      XCTAssertEqual(try number(row, "speed-up"), gain, accuracy: 0.011 + 0.01 * gain)
      XCTAssertEqual(
        try number(row, "efficiency"), try number(row, "speed-up") / 4, accuracy: 0.006)
    }
  }

  func testSharesOfAProfileAreOfTheStep() throws {
    let outcome = try run([
      "bench", "mlp", "--threads", "1", "--batch-size", "16", "--image-size", "12", "--profile",
    ])
    let lines = outcome.out.components(separatedBy: "\n")
    let start = try XCTUnwrap(lines.firstIndex { $0.hasPrefix("min ms") }, outcome.out)
    XCTAssertEqual(
      cells(lines[start]),
      [
        "min ms", "median ms", "share", "calls", "Mflop", "MB", "GFLOP/s", "GB/s", "utilization",
        "pass", "mlp",
      ])
    let whole = try XCTUnwrap(lines.last { $0.hasSuffix("  the step") })
    let median = try XCTUnwrap(Double(cells(whole)[0]))
    XCTAssertEqual(cells(whole)[1], "100.0%")
    XCTAssertTrue(lines.contains { $0.hasSuffix("  outside operations") })
    // 2 · 16 · 400 · 144 operations, of 16 × 400, 400 × 144 and 16 × 144 floats.
    let product = try XCTUnwrap(lines.first { $0.hasSuffix("matrix product 16×400 · 400×144") })
    let found = cells(product)
    let (least, middle) = (try XCTUnwrap(Double(found[0])), try XCTUnwrap(Double(found[1])))
    XCTAssertLessThanOrEqual(least, middle)
    XCTAssertEqual(
      try XCTUnwrap(Double(found[2].dropLast())), 100 * middle / median,
      accuracy: 0.051 + 0.1 / median)
    XCTAssertEqual(found[2].last, "%")
    XCTAssertEqual(Array(found[3...4]), ["1", "1.8"])
    XCTAssertEqual(
      try XCTUnwrap(Double(found[6])), 1.8432 / middle, accuracy: 0.06 + 0.03 * 1.8432 / middle)
    XCTAssertEqual(found[9], "forward")
    let medians = lines[(start + 1)...].prefix { !$0.isEmpty }.dropLast(2).compactMap {
      cells($0).dropFirst().first.flatMap { Double($0) }
    }
    XCTAssertEqual(medians, medians.sorted(by: >), "the most expensive first")
  }
}
