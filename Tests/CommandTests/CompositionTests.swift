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

  func testDequantizedBytesGiveADensityBitsPerDimension() throws {
    let data = try makeData()
    let (_, evaluation) = try trainAndUse("uniform", ["--dequantize", "uniform"], data: data)
    XCTAssertEqual(try recipe("uniform", "training")["dequantize"] as? String, "uniform")
    XCTAssertEqual(try recipe("uniform", "data")["rule"] as? String, "bytes/255")
    let bits = try number(evaluation, "bits_per_dim")
    XCTAssertEqual(
      bits, (-(try number(evaluation, "elbo")) / 64 + log(256)) / log(2), accuracy: 1e-9)
    XCTAssertEqual(
      try number(evaluation, "bits_per_dim_stderr"),
      try number(evaluation, "elbo_stderr") / 64 / log(2), accuracy: 1e-9)
    let again = ["evaluate", path("uniform"), "--data", data, "--json", "--threads", "1"]
    let outputs = try [["--seed", "1"], ["--seed", "1"], ["--seed", "2"]].map {
      try run(again + $0).out
    }
    XCTAssertEqual(outputs[0], outputs[1])
    XCTAssertNotEqual(outputs[0], outputs[2])
    let (_, plain) = try trainAndUse("plain", [], data: data)
    XCTAssertNil(plain["bits_per_dim"], "a density over points has no code")
    XCTAssertNotEqual(
      try bytes(path("uniform/weights.safetensors")), try bytes(path("plain/weights.safetensors")))
  }

  func testDequantizationGoesOnAsItBeganWhenARunIsResumed() throws {
    let data = try makeData()
    func train(_ name: String, epochs: Int, _ more: [String]) throws {
      try run(
        [
          "train", "gaussian-vae", "--data", data, "--out", path(name), "--epochs", "\(epochs)",
          "--batch-size", "16", "--seed", "1", "--threads", "1", "--set", "hidden=16",
        ] + more)
    }
    try train("whole", epochs: 2, ["--dequantize", "uniform"])
    try train("parts", epochs: 1, ["--dequantize", "uniform"])
    try run(["train", "--out", path("parts"), "--resume", "--epochs", "2", "--threads", "1"])
    XCTAssertEqual(
      try bytes(path("whole/weights.safetensors")), try bytes(path("parts/weights.safetensors")))
  }

  func testFloatsThatAreDividedBytesTrainLikelihoodsOfBytesAsTheBytesDo() throws {
    let images = TestImages()
    let bytes = try write(ArrayFile.npy(images), "bytes.npy")
    let floats = try write(
      ArrayFile.npy([64, 8, 8], floats: images.bytes.map { Float($0) / 255 }), "floats.npy")
    for likelihood in ["categorical", "logistic-mixture"] {
      var weights: [[UInt8]] = []
      for (name, data) in [("bytes", bytes), ("floats", floats)] {
        let out = path("\(likelihood)-\(name)")
        try run([
          "train", "gaussian-vae", "--data", data, "--out", out, "--epochs", "1", "--batch-size",
          "16", "--seed", "1", "--threads", "1", "--set", "likelihood=\(likelihood)",
        ])
        weights.append(try self.bytes("\(out)/weights.safetensors"))
        // Either kind measures either model.
        for other in [bytes, floats] {
          let evaluation = try object(
            run(["evaluate", out, "--data", other, "--split", "train", "--json"]).out)
          XCTAssertGreaterThan(try number(evaluation, "bits_per_dim"), 0)
        }
      }
      XCTAssertEqual(weights[0], weights[1], likelihood)
      var off = images.bytes.map { Float($0) / 255 }
      off[70] = 0.3
      let data = try write(ArrayFile.npy([64, 8, 8], floats: off), "off.npy")
      try assertRefused(
        ["evaluate", path("\(likelihood)-bytes"), "--data", data, "--split", "train"], status: 65,
        naming: ["off.npy[1, 0, 6] is 0.3", "takes bytes"])
    }
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
