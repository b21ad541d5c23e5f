import Foundation
import XCTest

/// The parts that a recipe may name train, are stored, and are read again.
final class CompositionTests: CommandTestCase {
  /// Trains on grey images, evaluates and draws; returns the last record and the evaluation.
  private func trainAndUse(
    _ name: String, _ settings: [String], data: String, epochs: Int = 2
  ) throws -> (record: [String: Any], evaluation: [String: Any]) {
    let common = [
      "train", "gaussian-vae", "--data", data, "--out", path(name), "--epochs", "\(epochs)",
      "--batch-size", "16", "--seed", "1", "--threads", "1", "--json",
    ]
    let outcome = try run(common + settings)
    let record = try object(try XCTUnwrap(outcome.lines.last))
    let valid = try XCTUnwrap(record["valid"] as? [String: Any])
    XCTAssertTrue(try number(valid, "elbo").isFinite)
    try run(["sample", path(name), "--count", "3", "--out", path("\(name).npy")])
    try run(["reconstruct", path(name), "--data", data, "--out", path("\(name).png")])
    let evaluation = try run([
      "evaluate", path(name), "--data", data, "--seed", "1", "--threads", "1", "--json",
    ])
    let result = try object(evaluation.out)
    // Both sum the same terms, in another order.
    let bound = try number(result, "elbo")
    XCTAssertEqual(try number(valid, "elbo"), bound, accuracy: 1e-12 * abs(bound), name)
    return (record, result)
  }

  private func recipe(_ name: String, _ part: String) throws -> [String: Any] {
    let recipe = try object(String(contentsOfFile: path("\(name)/recipe.json"), encoding: .utf8))
    return try XCTUnwrap(recipe[part] as? [String: Any])
  }

  func testGreyImagesMadeBinaryHaveABernoulliLikelihood() throws {
    let data = try makeData()
    for how in ["threshold", "dynamic"] {
      let (_, evaluation) = try trainAndUse(how, ["--binarize", how], data: data)
      XCTAssertNotNil(evaluation["bits_per_dim"])
      XCTAssertEqual(try recipe(how, "likelihood")["name"] as? String, "bernoulli")
      XCTAssertEqual(try recipe(how, "data")["range"] as? String, "binary")
    }
  }

  func testThresholdedGreyImagesTrainAsBinaryOnes() throws {
    let grey = try makeData("grey")
    let binary = try makeData("binary", binary: true)
    _ = try trainAndUse("threshold", ["--binarize", "threshold"], data: grey)
    _ = try trainAndUse("stored", [], data: binary)
    XCTAssertEqual(
      try bytes(path("threshold/weights.safetensors")),
      try bytes(path("stored/weights.safetensors"))
    )
  }

  func testDynamicBinarizationIsDrawnAnewInTrainingAndNotInEvaluation() throws {
    let data = try makeData()
    _ = try trainAndUse("dynamic", ["--binarize", "dynamic"], data: data)
    _ = try trainAndUse("threshold", ["--binarize", "threshold"], data: data)
    XCTAssertNotEqual(
      try bytes(path("dynamic/weights.safetensors")),
      try bytes(path("threshold/weights.safetensors")))
    let outputs = try (0..<2).map { _ in
      try run(["evaluate", path("dynamic"), "--data", data, "--json", "--threads", "1"]).out
    }
    XCTAssertEqual(outputs[0], outputs[1])
  }

  func testConvolutionalArchitecturesTakeImagesOfAnySize() throws {
    let data = try makeData(binary: true, height: 9, width: 7)
    for architecture in ["conv", "resnet"] {
      let settings = ["--set", "architecture=\(architecture)", "--set", "channels=4,8"]
      _ = try trainAndUse(architecture, settings, data: data)
      XCTAssertEqual(try recipe(architecture, "encoder")["name"] as? String, architecture)
      XCTAssertEqual(try recipe(architecture, "encoder")["channels"] as? [Int], [4, 8])
      XCTAssertEqual(try recipe(architecture, "decoder")["channels"] as? [Int], [8, 4])
      let header = String(
        decoding: try bytes(path("\(architecture).npy")).prefix(128), as: UTF8.self)
      XCTAssertTrue(header.contains("(3, 9, 7, 1)"), header)
    }
  }

  func testGaussianLikelihoodsWithFixedLearntAndOptimalDeviation() throws {
    let data = try makeData()
    for sigma in ["0.1", "learnt", "optimal"] {
      let settings = [
        "--set", "likelihood=gaussian", "--set", "sigma=\(sigma)", "--set", "hidden=32",
        "--learning-rate", "0.005",
      ]
      let (_, first) = try trainAndUse("begun-\(sigma)", settings, data: data, epochs: 1)
      let (_, last) = try trainAndUse("sigma-\(sigma)", settings, data: data, epochs: 20)
      XCTAssertGreaterThan(try number(last, "elbo"), try number(first, "elbo") + 1, sigma)
      XCTAssertNil(last["bits_per_dim"])
    }
    let names = try ["0.1", "learnt", "optimal"].map { sigma in
      try SafetensorsFile(try bytes(path("sigma-\(sigma)/weights.safetensors"))).names
        .filter { $0.hasPrefix("likelihood.") }
    }
    XCTAssertEqual(names, [[], ["likelihood.log_deviation"], ["likelihood.variance"]])
    let variance = try SafetensorsFile(try bytes(path("sigma-optimal/weights.safetensors")))
      .floats("likelihood.variance")
    // The images' values spread over 0…1, so the error's variance is well below one and above their
    // noise of (40/255)²/12.
    XCTAssertTrue((0.002..<0.2).contains(try XCTUnwrap(variance.first)), "\(variance)")
  }

  func testBetaChangesWhatIsTrainedAndNotWhatIsReported() throws {
    let data = try makeData(binary: true)
    let (plain, _) = try trainAndUse("plain", [], data: data)
    let (weighted, evaluation) = try trainAndUse(
      "weighted", ["--set", "beta=4", "--set", "warmup_epochs=1"], data: data)
    let terms = try XCTUnwrap(weighted["train"] as? [String: Any])
    XCTAssertEqual(
      try number(terms, "elbo"), -(try number(terms, "rate") + number(terms, "distortion")),
      accuracy: 1e-9)
    XCTAssertEqual(
      try number(evaluation, "elbo"),
      -(try number(evaluation, "rate") + number(evaluation, "distortion")), accuracy: 1e-9)
    XCTAssertNotEqual(
      try number(XCTUnwrap(plain["train"] as? [String: Any]), "elbo"), try number(terms, "elbo"))
  }
}
