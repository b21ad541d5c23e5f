import Foundation
import XCTest

/// Data of which values are missing, from files.
final class MissingDataTests: CommandTestCase {
  private func floats(missing interval: Int, seed: UInt64 = 1) -> [Float] {
    TestImages(seed: seed).bytes.enumerated().map { place, byte in
      interval > 0 && place % interval == 0 ? .nan : Float(byte) / 255
    }
  }

  private func npy(_ floats: [Float]) -> [UInt8] { ArrayFile.npy([64, 8, 8], floats: floats) }

  private let masked = ["--set", "encoder.name=masked-mlp", "--epochs"]

  func testAModelThatTakesMasksTrainsOnTornDataAndMeasuresHiddenValues() throws {
    let hidden = (0..<64 * 64).map { UInt8($0 % 5 == 0 ? 1 : 0) }
    let data = try write(
      ArrayFile.npz([
        (name: "train", npy: npy(floats(missing: 4))),
        (name: "test", npy: npy(floats(missing: 0, seed: 2))),
        (name: "test_hidden", npy: ArrayFile.npy([64, 8, 8], hidden)),
      ]), "torn.npz")
    try run(Small.train(data, path("torn"), masked + ["2"]))
    let found = try object(run(["evaluate", path("torn"), "--data", data, "--json"]).out)
    XCTAssertTrue(try number(found, "elbo").isFinite)
    XCTAssertTrue(try number(found, "hidden_distortion").isFinite)
    XCTAssertNil(found["bits_per_dim"])
    for metric in ["bits_per_dim", "psnr", "sharpness"] {
      try assertRefused(
        ["evaluate", path("torn"), "--data", data, "--metrics", metric], status: 65,
        naming: ["\(metric) is of whole images", "may be missing; choose another metric"])
    }
    try run([
      "reconstruct", path("torn"), "--data", data, "--out", path("images.png"), "--count", "4",
    ])
    try run(["sample", path("torn"), "--count", "3", "--out", path("drawn.npy")])
    try run(["report", path("torn"), "--out", path("page.html")])
    try run(["check", path("torn")])
    // Where nothing is hidden the metric has nothing to be of.
    let whole = try write(npy(floats(missing: 0)), "whole.npy")
    let plain = try object(
      run(["evaluate", path("torn"), "--data", whole, "--json", "--split", "train"]).out)
    XCTAssertNil(plain["hidden_distortion"])
    try assertRefused(
      [
        "evaluate", path("torn"), "--data", whole, "--split", "train", "--metrics",
        "hidden_distortion",
      ], status: 65, naming: ["hidden_distortion needs values that are hidden"])
  }

  func testAnInterruptedTrainingOnTornDataResumesToTheSameWeights() throws {
    let data = try write(npy(floats(missing: 3)), "torn.npy")
    try run(Small.train(data, path("whole"), masked + ["2"]))
    try run(Small.train(data, path("parts"), masked + ["1"]))
    try run(["train", "--out", path("parts"), "--resume", "--epochs", "2", "--threads", "1"])
    XCTAssertEqual(
      try bytes(path("parts/weights.safetensors")), try bytes(path("whole/weights.safetensors")))
  }

  func testAModelThatTakesNoMasksRefusesTornDataNamingTheValueAndTheOption() throws {
    let torn = try write(npy(floats(missing: 7)), "torn.npy")
    try assertRefused(
      Small.train(torn, path("run")), status: 65,
      naming: ["torn.npy[0, 0, 0] is nan", "--set encoder.name=masked-mlp"])
    XCTAssertFalse(exists(path("run")))
    let whole = try write(npy(floats(missing: 0)), "whole.npy")
    try run(Small.train(whole, path("run"), ["--epochs", "1"]))
    for command in [
      ["evaluate", path("run"), "--split", "train"],
      ["encode", path("run"), "--out", path("z.npy")],
      ["reconstruct", path("run"), "--split", "train", "--out", path("x.png")],
    ] {
      try assertRefused(
        command + ["--data", torn], status: 65, naming: ["is nan", "encoder.name=masked-mlp"])
    }
    let empty = try write(npy([Float](repeating: .nan, count: 64 * 64)), "empty.npy")
    try assertRefused(
      Small.train(empty, path("other"), masked + ["1"]), status: 65,
      naming: ["empty.npy", "every value", "is NaN"])
    // Infinity is no way to say that a value is missing.
    var endless = floats(missing: 0)
    endless[70] = .infinity
    let bad = try write(npy(endless), "endless.npy")
    try assertRefused(
      Small.train(bad, path("other"), masked + ["1"]), status: 65, naming: ["[1, 0, 6] is inf"])
  }
}
