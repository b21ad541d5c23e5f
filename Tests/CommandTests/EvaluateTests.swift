import Foundation
import XCTest

/// What `evaluate` measures and prints.
final class EvaluateTests: CommandTestCase {
  private func evaluate(
    _ model: String, _ data: String, _ more: [String] = []
  ) throws -> [String: Any] {
    let outcome = try run(["evaluate", model, "--data", data, "--json", "--threads", "1"] + more)
    XCTAssertEqual(outcome.lines.count, 1, outcome.out)
    return try object(outcome.out)
  }

  private static let keys: Set<String> = [
    "variant", "split", "examples", "elbo", "elbo_stderr", "rate", "rate_stderr", "distortion",
    "distortion_stderr", "bits_per_dim", "bits_per_dim_stderr", "active_units",
    "active_units_stderr", "rate_per_unit", "bits_per_dim_bound", "aggregate_posterior",
    "rate_decomposition",
  ]

  /// A flow of the pixels under the decoder's output, with learnt noise between the levels of bytes.
  func testAConditionalCouplingOfBytesResumesBitForBitAndHasBitsPerDimension() throws {
    let data = try makeData()
    let settings = [
      "--set", "likelihood=conditional-coupling", "--set", "likelihood.dequantization=variational",
      "--set", "likelihood.hidden_channels=4", "--set", "likelihood.steps=2",
    ]
    try run(Small.train(data, path("whole"), ["--epochs", "2"] + settings))
    try run(Small.train(data, path("parts"), ["--epochs", "1"] + settings))
    try run(Small.train(data, path("parts"), ["--epochs", "2", "--resume"] + settings))
    for name in ["weights", "optimizer", "model"] {
      XCTAssertEqual(
        try bytes(path("parts/\(name).safetensors")), try bytes(path("whole/\(name).safetensors")))
    }
    let result = try evaluate(path("whole"), data, ["--importance-samples", "5"])
    let (elbo, nll) = (try number(result, "elbo"), try number(result, "nll"))
    XCTAssertLessThan(nll, -elbo)
    XCTAssertEqual(
      try number(result, "bits_per_dim"), nll / (64 * log(2)), accuracy: 1e-9 * abs(nll))
    // Draws of bytes are bytes; the model's file alone makes them.
    try run([
      "sample", path("whole/model.safetensors"), "--draw", "--count", "3", "--out",
      path("draws.npy"),
    ])
    let draws = try bytes(path("draws.npy")).suffix(3 * 64 * 4)
    for place in stride(from: draws.startIndex, to: draws.endIndex, by: 4) {
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(draws[place + $1]) << UInt32(8 * $1) }
      let level = 255 * Float(bitPattern: bits)
      XCTAssertEqual(level, level.rounded(), accuracy: 1e-3)
    }
    try assertRefused(
      Small.train(data, path("other"), settings + ["--dequantize", "uniform"]), status: 64,
      naming: ["--dequantize uniform", "likelihood=gaussian"])
  }

  func testJSONHasTheDocumentedKeysAndTypes() throws {
    let shared = try TrainedRun.shared()
    let result = try evaluate(shared.run, shared.data)
    XCTAssertEqual(Set(result.keys), Self.keys)
    XCTAssertEqual(result["variant"] as? String, "gaussian-vae")
    XCTAssertEqual(result["split"] as? String, "test")
    XCTAssertEqual(result["examples"] as? Int, TrainedRun.testImages)
    XCTAssertNotNil(result["active_units"] as? Int)
    let rates = try XCTUnwrap(result["rate_per_unit"] as? [Double])
    XCTAssertEqual(rates.count, TrainedRun.latent)
    let (elbo, rate, distortion) = (
      try number(result, "elbo"), try number(result, "rate"), try number(result, "distortion")
    )
    XCTAssertEqual(elbo, -(rate + distortion), accuracy: 1e-9 * abs(elbo))
    XCTAssertEqual(rates.reduce(0, +), rate, accuracy: 1e-4 * max(1, rate))
    XCTAssertEqual(
      try number(result, "bits_per_dim"), -elbo / (64 * log(2)), accuracy: 1e-9 * abs(elbo))
    for key in Self.keys where key.hasSuffix("_stderr") {
      XCTAssertGreaterThanOrEqual(try number(result, key), 0, key)
    }
    XCTAssertGreaterThan(try number(result, "elbo_stderr"), 0)
    XCTAssertEqual(result["bits_per_dim_bound"] as? String, "elbo")
    let aggregate = try XCTUnwrap(result["aggregate_posterior"] as? [String: Double])
    XCTAssertEqual(Set(aggregate.keys), ["mean_norm", "kl"])
    // A mean that far away costs this much alone.
    let norm = try XCTUnwrap(aggregate["mean_norm"])
    XCTAssertGreaterThan(try XCTUnwrap(aggregate["kl"]), norm * norm / 2 - 1e-9)
    XCTAssertGreaterThan(norm, 0)
    let terms = try XCTUnwrap(result["rate_decomposition"] as? [String: Double])
    let parts = try ["mutual_information", "total_correlation", "dimension_wise_kl"].map {
      try XCTUnwrap(terms[$0], $0)
    }
    // The rate has a closed form; its terms are of draws.
    XCTAssertEqual(parts.reduce(0, +), rate, accuracy: 0.1 * rate + 0.5)
  }

  func testImportanceSamplesAddALikelihoodThatTheBoundDoesNotExceed() throws {
    let shared = try TrainedRun.shared()
    let result = try evaluate(shared.run, shared.data, ["--importance-samples", "200"])
    XCTAssertEqual(Set(result.keys), Self.keys.union(["nll", "nll_stderr", "nll_samples"]))
    XCTAssertEqual(result["nll_samples"] as? Int, 200)
    let nll = try number(result, "nll")
    XCTAssertGreaterThan(nll, 0)
    // Both are estimates; the bound is one draw per example.
    let slack = try 3 * number(result, "elbo_stderr")
    XCTAssertLessThan(nll, try -number(result, "elbo") + slack)
    XCTAssertEqual(try number(result, "bits_per_dim"), nll / (64 * log(2)), accuracy: 1e-9 * nll)
    XCTAssertEqual(result["bits_per_dim_bound"] as? String, "nll")
  }

  func testADensityOverRealNumbersHasNoBitsADimension() throws {
    let data = try makeData()
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    let result = try evaluate(path("run"), data, ["--importance-samples", "4"])
    XCTAssertNil(result["bits_per_dim"])
    XCTAssertNotNil(result["nll"])
  }

  func testSameSeedGivesTheSameNumbersAndAnotherSeedOthers() throws {
    let shared = try TrainedRun.shared()
    let outputs = try ["7", "7", "8"].map { seed in
      try run([
        "evaluate", shared.run, "--data", shared.data, "--importance-samples", "5", "--seed", seed,
        "--json", "--threads", "1",
      ]).out
    }
    XCTAssertEqual(outputs[0], outputs[1])
    let (first, other) = (try object(outputs[0]), try object(outputs[2]))
    XCTAssertNotEqual(try number(first, "elbo"), try number(other, "elbo"))
    XCTAssertNotEqual(try number(first, "nll"), try number(other, "nll"))
    XCTAssertEqual(
      try number(first, "rate"), try number(other, "rate"), "the closed-form rate draws nothing")
  }

  /// With the images a or d at the first place and b or c at the last, the sums satisfy f(a,b) +
  /// f(d,c) = f(a,c) + f(d,b) just when each place counts for itself; with 501 images the two
  /// places lie in different batches.
  func testAnExampleCountsTheSameWhateverStandsBesideIt() throws {
    let shared = try TrainedRun.shared()
    let pool = TestImages(501, seed: 3)
    func image(_ index: Int) -> ArraySlice<UInt8> { pool.binary[index * 64..<(index + 1) * 64] }
    for count in [2, 501] {
      func sums(_ first: Int, _ last: Int) throws -> [Double] {
        let middle = pool.binary[64..<64 * (count - 1)]
        let test = Array(image(first)) + (count > 2 ? Array(middle) : []) + Array(image(last))
        let data = try write(
          ArrayFile.npz([
            (name: "train", npy: ArrayFile.npy(TestImages(), binary: true)),
            (name: "test", npy: ArrayFile.npy([count, 8, 8], test)),
          ]), "images-\(count)-\(first)-\(last).npz")
        let result = try evaluate(shared.run, data, ["--importance-samples", "3"])
        return try ["rate", "distortion", "nll"].map { try number(result, $0) * Double(count) }
      }
      let (a, b, c, d) = (0, 500, 10, 20)
      let (ab, dc, ac, db) = (try sums(a, b), try sums(d, c), try sums(a, c), try sums(d, b))
      for index in 0..<3 {
        XCTAssertEqual(
          ab[index] + dc[index], ac[index] + db[index], accuracy: 1e-6 * abs(ab[index]))
        XCTAssertNotEqual(ab[index], ac[index])
      }
    }
  }

  func testEverySplitCanBeMeasured() throws {
    let shared = try TrainedRun.shared()
    let train = try evaluate(shared.run, shared.data, ["--split", "train"])
    XCTAssertEqual(train["split"] as? String, "train")
    XCTAssertEqual(train["examples"] as? Int, 64)
  }

  func testTheExportedFileMeasuresAsItsRunDoes() throws {
    let shared = try TrainedRun.shared()
    let arguments = ["--importance-samples", "3"]
    XCTAssertEqual(
      try evaluate(shared.run, shared.data, arguments) as NSDictionary,
      try evaluate(shared.model, shared.data, arguments) as NSDictionary)
  }

  func testTheLastEpochsHeldOutNumbersAreThoseOfEvaluate() throws {
    let shared = try TrainedRun.shared()
    let metrics = try String(contentsOfFile: shared.run + "/metrics.jsonl", encoding: .utf8)
    let last = try object(String(try XCTUnwrap(metrics.split(separator: "\n").last)))
    let valid = try XCTUnwrap(last["valid"] as? [String: Any])
    // Training used seed 1 for its held-out draws.
    let result = try evaluate(shared.run, shared.data, ["--seed", "1"])
    for key in ["rate", "distortion"] {
      XCTAssertEqual(try number(valid, key), try number(result, key), key)
    }
  }

  func testHumanOutputShowsEachNumberWithItsErrorAndUnit() throws {
    let shared = try TrainedRun.shared()
    let outcome = try run([
      "evaluate", shared.run, "--data", shared.data, "--importance-samples", "4",
    ])
    for name in ["−ELBO", "rate", "distortion", "NLL"] {
      let line = try XCTUnwrap(outcome.lines.first { $0.hasPrefix("\(name) ") }, outcome.out)
      XCTAssertTrue(line.contains(" ± ") && line.contains("nats per example"), line)
      XCTAssertFalse(line.contains(" -") || line.hasPrefix("−ELBO  −"), line)
    }
    let active = try XCTUnwrap(outcome.lines.first { $0.hasPrefix("active units") }, outcome.out)
    XCTAssertFalse(active.contains("±"), active)
    for name in ["bits per dimension", "active units"] {
      XCTAssertTrue(outcome.lines.contains { $0.hasPrefix(name) }, outcome.out)
    }
    XCTAssertEqual(outcome.err, "")
  }

  func testLaterCommandsReadValuesByTheRuleOfTraining() throws {
    let data = try makeData()
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    // By themselves bytes of 1 alone would be taken as binary, which makes them as bright as bytes
    // of 255.
    let distortions = try [UInt8(1), 255].map { value in
      let images = ArrayFile.idx([8, 8, 8], [UInt8](repeating: value, count: 512))
      for name in ["train", "t10k"] { _ = try write(images, "\(value)/\(name)-images-idx3-ubyte") }
      return try number(evaluate(path("run"), path("\(value)")), "distortion")
    }
    XCTAssertNotEqual(distortions[0], distortions[1])
  }

  func testARunKeepsWhatWasFoundAndOnWhat() throws {
    let (data, run) = try copyOfTrainedRun()
    let found = try evaluate(run, data, ["--split", "train", "--seed", "9"])
    let kept = try String(contentsOfFile: run + "/records/evaluations.jsonl", encoding: .utf8)
    let last = try object(String(XCTUnwrap(kept.split(separator: "\n").last)))
    for (name, value) in found {
      XCTAssertEqual(last[name] as? NSObject, value as? NSObject, name)
    }
    XCTAssertEqual(last["step"] as? Int, 12)
    XCTAssertEqual(last["seed"] as? Int, 9)
    XCTAssertEqual(last["data"] as? String, data)
    XCTAssertEqual(last["split"] as? String, "train")
  }

  func testTheTextHasTheNumbersOfTheJSON() throws {
    let shared = try TrainedRun.shared()
    let asked = [
      "evaluate", shared.run, "--data", shared.data, "--importance-samples", "4", "--threads", "1",
    ]
    let result = try object(run(asked + ["--json"]).out)
    let lines = try run(asked).lines
    XCTAssertEqual(lines.first, "40 examples of test")
    for (title, name, decimals, sign) in [
      ("−ELBO", "elbo", 3, -1.0), ("rate", "rate", 3, 1), ("distortion", "distortion", 3, 1),
      ("NLL", "nll", 3, 1), ("bits per dimension", "bits_per_dim", 4, 1),
    ] {
      let line = try XCTUnwrap(lines.first { $0.hasPrefix("\(title)  ") }, title)
      let wanted = String(
        format: "%.\(decimals)f ± %.\(decimals)f", sign * (try number(result, name)),
        try number(result, "\(name)_stderr"))
      XCTAssertTrue(line.contains("  \(wanted)  "), "\(line): \(wanted)")
    }
    let nll = try XCTUnwrap(lines.first { $0.hasPrefix("NLL ") })
    XCTAssertTrue(nll.hasSuffix("4 importance samples"), nll)
  }

  // MARK: Disentanglement

  private static let scores = [
    "mig", "factor_vae_score", "dci_disentanglement", "dci_completeness", "dci_informativeness",
  ]

  func testScoresOfDisentanglementAreThereWhereFactorsAreKnown() throws {
    try run(
      Small.train(
        "shapes:32", path("run"), ["--epochs", "1", "--batch-size", "4096", "--set", "hidden=16"]))
    let measured = try run(["evaluate", path("run"), "--data", "shapes:32", "--json"])
    let result = try object(measured.out)
    for score in Self.scores {
      let value = try number(result, score)
      XCTAssertTrue((0...1).contains(value), "\(score) is \(value)")
    }
    let text = try run(["evaluate", path("run"), "--data", "shapes:32"]).out
    for word in ["MIG", "FactorVAE", "DCI"] { XCTAssertTrue(text.contains(word), text) }
  }

  func testScoresOfDisentanglementAreNotMadeUpWithoutFactors() throws {
    let shared = try TrainedRun.shared()
    let result = try object(run(["evaluate", shared.run, "--data", shared.data, "--json"]).out)
    for score in Self.scores { XCTAssertNil(result[score], score) }
  }

  func testScoresThatCannotBeHadAreNamedWhereFactorsAreKnown() throws {
    let files = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Files"
    let lines = try run([
      "evaluate", files + "/evaluations/ladder-vae.safetensors", "--data", "shapes:32", "--threads",
      "1",
    ]).lines
    XCTAssertEqual(lines.first, "7,353 examples of test")
    let rows = lines.filter { $0.contains("not measured") }.map { line in
      line.components(separatedBy: "  ").filter { !$0.isEmpty }.map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    XCTAssertEqual(
      rows.sorted { $0[0] < $1[0] },
      ["DCI disentanglement", "FactorVAE score", "MIG"].map {
        [$0, "not measured", "needs a posterior with one vector of means"]
      })
    let shared = try TrainedRun.shared()
    XCTAssertFalse(
      try run(["evaluate", shared.run, "--data", shared.data]).out.contains("not measured"))
  }
}
