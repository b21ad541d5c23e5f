import Foundation
import XCTest

/// A model that is told a label: trained on labelled files, measured, asked for one class, reported.
final class ConditionTests: CommandTestCase {
  private static let small = [
    "--set", "hidden=8", "--set", "latent=2", "--batch-size", "16", "--threads", "1",
  ]

  /// Binary images, of which some arrays say more.
  private func archive(
    _ name: String, labels: (Int) -> UInt8 = { UInt8($0 % 3) }, count: Int = 48,
    _ others: [(name: String, npy: [UInt8])] = [], isLabelled: Bool = true
  ) throws -> String {
    let images = TestImages(count)
    var arrays = [
      (name: "train", npy: ArrayFile.npy(images, binary: true)),
      (name: "test", npy: ArrayFile.npy(images, binary: true)),
    ]
    if isLabelled {
      let values = ArrayFile.npy([count], (0..<count).map(labels))
      arrays += [(name: "train_labels", npy: values), (name: "y_test", npy: values)]
    }
    return try write(ArrayFile.npz(arrays + others), "\(name).npz")
  }

  private func train(_ data: String, _ run: String) throws {
    try self.run(
      ["train", "conditional-vae", "--data", data, "--out", path(run), "--epochs", "1"]
        + Self.small)
  }

  func testARunGoesOnWithTheLabelsThatItWasBegunWithAlone() throws {
    let data = try archive("labelled")
    try train(data, "run")
    let other = try archive("other", labels: { UInt8(($0 + 1) % 3) })
    let resume = ["train", "--out", path("run"), "--resume", "--epochs", "2", "--threads", "1"]
    try assertRefused(
      resume + ["--data", other], status: 64,
      naming: ["was begun with the data ", "other.npz has other labels or conditions", "--force"])
    // Which data are wrong comes before how far the run has come.
    let fewer = try archive("fewer", count: 32)
    try assertRefused(resume + ["--data", fewer], status: 65, naming: ["updates an epoch"])
    try run(resume + ["--data", data])
  }

  func testALabelTravelsFromTheDataToSamplesAndReport() throws {
    let data = try archive("labelled")
    try train(data, "run")
    let recipe = try object(String(contentsOfFile: path("run") + "/recipe.json", encoding: .utf8))
    let condition = try XCTUnwrap(
      (recipe["data"] as? [String: Any])?["condition"] as? [String: Any])
    XCTAssertEqual(condition["kind"] as? String, "label")
    XCTAssertEqual(condition["width"] as? Int, 3)
    let measured = try object(
      try run(["evaluate", path("run"), "--data", data, "--json"]).out)
    XCTAssertEqual(measured["bound_on"] as? String, "log p(x|y)")
    let classes = try XCTUnwrap(measured["elbo_per_class"] as? [[String: Any]])
    XCTAssertEqual(classes.map { $0["class"] as? String }, ["0", "1", "2"])
    XCTAssertEqual(classes.compactMap { $0["examples"] as? Int }, [16, 16, 16])
    let mean = try classes.reduce(0) { try $0 + number($1, "elbo") } / 3
    XCTAssertEqual(mean, try number(measured, "elbo"), accuracy: 1e-4 * abs(mean))
    XCTAssertTrue(try run(["evaluate", path("run"), "--data", data]).out.contains("log p(x|y)"))
    try run(["report", path("run")])
    let page = try String(contentsOfFile: path("run") + "/report.html", encoding: .utf8)
    XCTAssertTrue(page.contains("bounds on log p(x|y)"))
    XCTAssertTrue(page.contains("The bound of each class"))

    // One class is what the classes in turn have at its places.
    let turn = try run(
      ["sample", path("run"), "--count", "6", "--out", path("turn.npy")])
    XCTAssertTrue(
      turn.err.contains(
        ": the samples take the classes in turn, 0, 1, …; choose one by --condition label=0\n"),
      turn.err)
    XCTAssertTrue(turn.err.hasSuffix("wrote 6 samples to \(path("turn.npy"))\n"), turn.err)
    try run(
      ["sample", path("run"), "--count", "6", "--condition", "label=1", "--out", path("one.npy")])
    let (all, one) = (try floats("turn.npy"), try floats("one.npy"))
    for place in 0..<6 {
      let range = place * 64..<(place + 1) * 64
      if place % 3 == 1 {
        XCTAssertEqual(all[range], one[range])
      } else {
        XCTAssertNotEqual(all[range], one[range])
      }
    }
    try run(["encode", path("run"), "--data", data, "--out", path("z.npy")])
    try run(
      [
        "decode", path("run"), "--latents", path("z.npy"), "--condition", "label=2", "--out",
        path("twos.npy"),
      ])
    try run(
      [
        "decode", path("run"), "--latents", path("z.npy"), "--condition", "label=1", "--out",
        path("ones.npy"),
      ])
    XCTAssertNotEqual(try floats("ones.npy"), try floats("twos.npy"))
    let ways = [
      "interpolate", path("run"), "--data", data, "--steps", "3", "--count", "2", "--out",
    ]
    try run(ways + [path("told-1.npy"), "--condition", "label=1"])
    try run(ways + [path("told-2.npy"), "--condition", "label=2"])
    try run(ways + [path("own.npy")])
    XCTAssertEqual(
      Set([try floats("told-1.npy"), try floats("told-2.npy"), try floats("own.npy")]).count, 3)
    for label in ["0", "1"] {
      try run([
        "traverse", path("run"), "--condition", "label=\(label)", "--steps", "3", "--out",
        path("units-\(label).npy"),
      ])
    }
    XCTAssertNotEqual(try floats("units-0.npy"), try floats("units-1.npy"))
    try run(["reconstruct", path("run"), "--data", data, "--out", path("again.png")])
    try run(["interpolate", path("run"), "--data", data, "--out", path("between.png")])
    try run(["traverse", path("run"), "--condition", "label=0", "--out", path("units.png")])
    try run(
      ["traverse", path("run"), "--data", data, "--from", "3", "--out", path("from.png")])
  }

  /// The numbers of an array file.
  private func floats(_ name: String) throws -> [Float] {
    let file = try bytes(path(name))
    let start = 10 + Int(file[8]) + 256 * Int(file[9])
    return stride(from: start, to: file.count, by: 4).map { place in
      Float(
        bitPattern: (0..<4).reduce(0) { $0 | UInt32(file[place + $1]) << UInt32(8 * $1) })
    }
  }

  func testAttributesAndVectorsComeFromArraysOfTheirNames() throws {
    let attributes = ArrayFile.npy([48, 2], (0..<96).map { UInt8($0 % 5 == 0 ? 1 : 0) })
    let vectors = ArrayFile.npy([48, 2], floats: (0..<96).map { Float($0) / 96 })
    for (kind, array, condition) in [
      ("attributes", attributes, "attributes=1,0"), ("conditions", vectors, "condition=0.5,-1"),
    ] {
      let data = try archive(
        kind, [(name: "train_\(kind)", npy: array), (name: "test_\(kind)", npy: array)],
        isLabelled: false)
      try train(data, kind)
      try run(["evaluate", path(kind), "--data", data])
      try run(
        ["sample", path(kind), "--count", "2", "--condition", condition, "--out", path("s.npy")])
      try assertRefused(
        ["sample", path(kind), "--count", "2", "--out", path("no.npy")], status: 65,
        naming: ["--condition", kind == "attributes" ? "2 attributes" : "a vector of 2 numbers"])
    }
    XCTAssertFalse(exists(path("no.npy")))
  }

  func testWhatIsNotKnownIsRefusedAndNothingIsWritten() throws {
    let bare = try archive("bare", isLabelled: false)
    try assertRefused(
      ["train", "conditional-vae", "--data", bare, "--out", path("none")] + Self.small,
      status: 65, naming: ["bare.npz", "neither labels nor conditions", "conditional-vae"])
    XCTAssertFalse(exists(path("none")))
    let data = try archive("labelled")
    try train(data, "run")
    try assertRefused(
      ["evaluate", path("run"), "--data", bare], status: 65,
      naming: ["bare.npz", "a label of 3 classes"])
    let wide = try archive("wide", labels: { UInt8($0 % 4) })
    try assertRefused(
      ["evaluate", path("run"), "--data", wide], status: 65,
      naming: ["wide.npz", "label 3 is not in 0…2"])
    let out = path("out.png")
    for (condition, word) in [
      ("label=3", "3 is not in 0…2"), ("label=seven", "no class"), ("0.5,0.5", "2 numbers"),
      ("colour=1", "colour"),
    ] {
      try assertRefused(
        ["sample", path("run"), "--out", out, "--condition", condition], status: 64,
        naming: ["label", word])
    }
    try assertRefused(
      ["traverse", path("run"), "--out", out], status: 65, naming: ["--condition"])
    let plain = path("plain")
    try run(
      ["train", "gaussian-vae", "--data", data, "--out", plain, "--epochs", "0"] + Self.small)
    try assertRefused(
      ["sample", plain, "--out", out, "--condition", "label=1"], status: 64,
      naming: ["a model of p(x)", "leave it out"])
    XCTAssertFalse(exists(out))
    let short = try archive(
      "short",
      [(name: "train_conditions", npy: ArrayFile.npy([3, 2], floats: [0, 1, 0, 1, 0, 1]))])
    try assertRefused(
      ["train", "conditional-vae", "--data", short, "--out", path("none")] + Self.small,
      status: 65, naming: ["train_conditions has 3 rows", "48 images"])
  }

  func testAnyVariantWithAPartThatListensIsConditional() throws {
    let data = try archive("labelled")
    try run(
      [
        "train", "beta-vae", "--data", data, "--out", path("beta"), "--epochs", "1",
        "--set", "architecture=conditional-mlp",
      ] + Self.small)
    try run(
      ["sample", path("beta"), "--condition", "label=2", "--count", "1", "--out", path("b.npy")])
  }
}
