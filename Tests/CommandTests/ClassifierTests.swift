import Foundation
import XCTest

/// A classifier from labelled files, and what is measured and trained by it.
final class ClassifierTests: CommandTestCase {
  private func archive(_ name: String, isLabelled: Bool = true) throws -> String {
    let count = 40
    let images = TestImages(count)
    var arrays = [
      (name: "train", npy: ArrayFile.npy(images, binary: true)),
      (name: "test", npy: ArrayFile.npy(images, binary: true)),
    ]
    if isLabelled {
      let labels = ArrayFile.npy([count], (0..<count).map { UInt8($0 % 2) })
      arrays += [(name: "train_labels", npy: labels), (name: "test_labels", npy: labels)]
    }
    return try write(ArrayFile.npz(arrays), "\(name).npz")
  }

  private let small = [
    "--epochs", "1", "--batch-size", "8", "--threads", "1", "--set", "width=2", "--set",
    "features=4",
  ]

  func testItsNetworkMeasuresAModelAndTrainsAPerceptualOneThatNamesIt() throws {
    let data = try archive("labelled")
    let network = path("network.safetensors")
    let outcome = try run(["classifier", "--data", data, "--out", network, "--json"] + small)
    let lines = try outcome.lines.map { try object($0) }
    XCTAssertEqual(lines.count, 2)
    XCTAssertEqual(lines[0]["epoch"] as? Int, 1)
    XCTAssertEqual(try number(lines[1], "accuracy"), try number(lines[0], "accuracy"))
    XCTAssertEqual(lines[1]["held_out"] as? String, "test")
    XCTAssertEqual(lines[1]["out"] as? String, network)
    try run(["check", network])

    let train =
      [
        "train", "perceptual-vae", "--data", data, "--epochs", "1", "--batch-size", "8",
        "--threads", "1",
      ]
      + ["--set", "architecture=mlp", "--set", "hidden=8", "--set", "latent=2"]
    try assertRefused(
      train + ["--out", path("run")], status: 64,
      naming: ["needs the file of a frozen network", "--set objective.network=FILE"])
    try assertRefused(
      train + ["--out", path("run"), "--set", "network=\(path("none"))"], status: 66,
      naming: [path("none")])
    try assertRefused(
      train + ["--out", path("run"), "--set", "network=\(network)"], status: 65,
      naming: ["it has no layer", "relu2_2", "--set objective.layers"])
    XCTAssertFalse(exists(path("run")))
    let named = ["--set", "network=\(network)", "--set", "objective.layers=relu1_1,features"]
    try run(train + ["--out", path("run")] + named)
    let recipe = try object(String(contentsOfFile: path("run") + "/recipe.json", encoding: .utf8))
    let objective = try XCTUnwrap(recipe["objective"] as? [String: Any])
    XCTAssertEqual((objective["network_sha256"] as? String)?.count, 64)

    let measured = try object(
      try run([
        "evaluate", path("run"), "--data", data, "--network", network, "--metrics",
        "frechet_distance,classifier_confidence", "--json", "--threads", "1",
      ]).out)
    let distance = try XCTUnwrap(measured["frechet_distance"] as? [String: Any])
    XCTAssertEqual(distance["images"] as? Int, 40)
    XCTAssertGreaterThan(try number(distance, "samples"), 0)
    let by = try XCTUnwrap(measured["network"] as? [String: Any])
    XCTAssertEqual(by["sha256"] as? String, objective["network_sha256"] as? String)

    let compared = [
      "evaluate", path("run"), "--data", data, "--network", network, "--metrics",
      "frechet_distance", "--threads", "1",
    ]
    let said = try run(compared)
    XCTAssertEqual(
      said.err,
      "images compared by \(network), layer features, SHA-256 \(by["sha256"] as? String ?? "")\n")
    XCTAssertTrue(
      said.out.contains(String(format: "%.3f", try number(distance, "samples"))), said.out)
    let other = try object(run(compared + ["--network-layer", "relu1_1", "--json"]).out)
    XCTAssertNotEqual(
      try number(XCTUnwrap(other["frechet_distance"] as? [String: Any]), "samples"),
      try number(distance, "samples"))

    // No heads of LPIPS are in it, but layers that a decoder can be trained on by, with a discriminator.
    try assertRefused(
      [
        "evaluate", path("run"), "--data", data, "--network", network, "--metrics", "lpips",
        "--threads", "1",
      ], status: 64, naming: ["lpips needs a frozen network with the heads of LPIPS", "--network"])
    let stage = [
      "train", "--stage", "decoder", "--from", path("run"), "--data", data, "--out", path("tuned"),
      "--epochs", "1", "--batch-size", "8", "--threads", "1", "--set", "objective.name=adversarial",
      "--set", "objective.layers=relu1_1", "--set", "objective.discriminator_start=0", "--set",
      "objective.discriminator_channels=2", "--set", "training.average_decay=0.9",
    ]
    try assertRefused(
      stage, status: 64, naming: ["objective.layers", "--set objective.network=FILE"])
    try run(stage + ["--set", "objective.network=\(network)"])
    let tuned = try object(String(contentsOfFile: path("tuned") + "/recipe.json", encoding: .utf8))
    XCTAssertEqual(
      (tuned["objective"] as? [String: Any])?["network_sha256"] as? String,
      objective["network_sha256"] as? String)
    let record = try object(
      XCTUnwrap(String(contentsOfFile: path("tuned") + "/metrics.jsonl", encoding: .utf8)))
    let terms = try XCTUnwrap(record["terms"] as? [String: Any])
    XCTAssertGreaterThan(try number(terms, "feature_distance"), 0)

    // A network that was named from another folder is found, and the same one elsewhere is taken.
    let folder = path("elsewhere")
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false)
    func inFolder(_ folder: String, _ arguments: [String]) throws {
      let outcome = try Command(arguments, currentFolder: folder).wait()
      XCTAssertEqual(outcome.status, 0, outcome.err)
    }
    try assertRefused(
      train + ["--out", path("none"), "--set", "network=none.safetensors"], status: 66,
      naming: ["cannot use the frozen network none.safetensors", "name a file that is there"])
    try assertRefused(
      train + ["--out", path("none"), "--set", "network=\(folder)"], status: 65,
      naming: ["cannot use the frozen network", "it is a folder"])
    let relative = ["--set", "network=network.safetensors", "--set", "objective.layers=relu1_1"]
    try inFolder(path(""), train + ["--out", "other"] + relative)
    let goOn = ["train", "--resume", "--out", path("other"), "--data", data, "--threads", "1"]
    try inFolder(folder, goOn + ["--epochs", "2"])
    try FileManager.default.moveItem(atPath: network, toPath: folder + "/moved.safetensors")
    try assertRefused(
      goOn + ["--epochs", "3"], status: 66,
      naming: ["network.safetensors", "does not exist", "the same one where it lies now"])
    try inFolder(
      folder, goOn + ["--epochs", "3", "--set", "objective.network=moved.safetensors"])

    // Another network by the same name is not the one that the run was trained with.
    try run(["classifier", "--data", data, "--out", network, "--seed", "1"] + small)
    try assertRefused(
      ["train", "--resume", "--out", path("run"), "--epochs", "2", "--threads", "1"], status: 65,
      naming: ["network.safetensors", "SHA-256", "another file"])
    try run(["evaluate", path("run"), "--data", data, "--threads", "1"])
    // Nor does it take that one's place in a recipe, unless somebody says so.
    let again = [
      "train", "--recipe", path("run/recipe.json"), "--data", data, "--out", path("again"),
      "--epochs", "1", "--threads", "1", "--set",
      "objective.network=\(folder)/../network.safetensors",
    ]
    try assertRefused(
      again, status: 65, naming: ["another network", "--set objective.network_sha256="])
    let given = try XCTUnwrap(
      Command(again).wait().err.components(separatedBy: "--set objective.network_sha256=").last)
    try run(again + ["--set", "objective.network_sha256=\(given.prefix(64))"])
  }

  func testWhatCannotBeIsRefusedBeforeAnythingIsWritten() throws {
    let data = try archive("bare", isLabelled: false)
    let out = path("network.safetensors")
    try assertRefused(
      ["classifier", "--data", data, "--out", out], status: 65, naming: ["bare.npz has no labels"])
    try assertRefused(
      ["classifier", "--data", data, "--out", path("network.txt")], status: 64,
      naming: ["must end in .safetensors"])
    try assertRefused(
      ["classifier", "--data", try archive("labelled"), "--out", out, "--epochs", "0"], status: 64,
      naming: ["epochs cannot be 0"])
    XCTAssertFalse(exists(out))
    let model = try TrainedRun.shared()
    try assertRefused(
      ["evaluate", model.run, "--data", model.data, "--network", data], status: 65,
      naming: ["bare.npz", "damaged"])
    try assertRefused(
      ["evaluate", model.run, "--data", model.data, "--metrics", "frechet_distance"], status: 64,
      naming: ["--network"])
  }

  func testItSaysWhatItComesToAndTakesItsOptions() throws {
    let data = try archive("labelled")
    let common = ["classifier", "--data", data, "--threads", "1", "--set", "width=2"]
    let options = [
      "--set", "features=4", "--epochs", "2", "--batch-size", "8", "--learning-rate", "0.01",
      "--seed", "3", "--precision", "float32",
    ]
    let network = path("network.safetensors")
    let text = try run(common + options + ["--out", network])
    let result = try object(
      XCTUnwrap(run(common + options + ["--out", path("other.safetensors"), "--json"]).lines.last))
    XCTAssertEqual(try bytes(network), try bytes(path("other.safetensors")))
    let settings = try XCTUnwrap(result["options"] as? [String: Any])
    for (name, value) in [
      ("epochs", 2), ("batch_size", 8), ("learning_rate", 0.01), ("seed", 3), ("width", 2),
      ("features", 4),
    ] { XCTAssertEqual(try number(settings, name), value, name) }
    let accuracy = try number(result, "accuracy")
    XCTAssertEqual(
      text.err,
      "wrote a classifier of 2 classes to \(network): it finds the class of "
        + String(format: "%.2f", 100 * accuracy) + " % of 40 examples of test\n")
    XCTAssertEqual(text.lines.count, 2)
    XCTAssertTrue(text.lines[0].hasPrefix("epoch 1/2  loss "), text.out)
    XCTAssertTrue(
      text.lines[1].hasPrefix("epoch 2/2  loss ")
        && text.lines[1].contains(
          "  held-out accuracy " + String(format: "%.4f", accuracy) + "  "),
      text.out)
  }

  func testAnInterruptedOneWritesNothing() throws {
    let out = path("network.safetensors")
    let command = try Command(
      ["classifier", "--data", archive("labelled"), "--out", out, "--epochs", "9000"]
        + small.dropFirst(2))
    while command.isRunning && command.outputSoFar.isEmpty { usleep(1000) }
    command.send(SIGINT)
    let outcome = try command.wait()
    XCTAssertEqual(outcome.status, 130, outcome.err)
    XCTAssertEqual(outcome.err, "interrupted; nothing is written\n")
    XCTAssertFalse(exists(out))
  }
}
