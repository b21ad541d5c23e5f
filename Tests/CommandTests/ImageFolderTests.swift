import Foundation
import XCTest

/// Folders of images and CIFAR files as `--data`.
final class ImageFolderTests: CommandTestCase {
  /// A folder of grey PNG files in two splits and two classes.
  private func makeImages(
    _ name: String = "photos", count: Int = 24, height: Int = 10, width: Int = 14
  ) throws -> String {
    let images = TestImages(count, height: height, width: width)
    for number in 0..<count {
      let size = height * width
      let pixels = Array(images.bytes[number * size..<(number + 1) * size])
      let split = number % 4 == 0 ? "test" : "train"
      _ = try write(
        ArrayFile.png(height: height, width: width, grey: pixels),
        "\(name)/\(split)/\(number % 3 == 0 ? "cats" : "dogs")/\(number).png")
    }
    return path(name)
  }

  private func recipe(_ run: String) throws -> [String: Any] {
    let json = try JSONSerialization.jsonObject(with: Data(bytes("\(run)/recipe.json")))
    return try XCTUnwrap((json as? [String: Any])?["data"] as? [String: Any])
  }

  private let training = ["--epochs", "1"]

  func testLaterCommandsPrepareImagesAsTheTrainingDid() throws {
    let data = try makeImages()
    try run(Small.train(data, path("run"), training + ["--size", "6", "--crop"]))
    let recorded = try recipe(path("run"))
    XCTAssertEqual(recorded["preparation"] as? String, "size=6 crop")
    XCTAssertEqual(recorded["height"] as? Int, 6)
    XCTAssertEqual(recorded["width"] as? Int, 6)
    XCTAssertEqual(recorded["channels"] as? Int, 1)

    let other = try makeImages("others", height: 20, width: 12)
    for data in [data, other] {
      let outcome = try run(["evaluate", path("run"), "--data", data, "--json"])
      XCTAssertEqual(try number(object(outcome.out), "examples"), 6)
      for command in ["reconstruct", "interpolate", "traverse"] {
        try run([command, path("run"), "--data", data, "--out", path("out.png")])
      }
      try run(["encode", path("run"), "--data", data, "--out", path("out.npy")])
    }
    XCTAssertTrue(exists(path("others-6-crop.cache.npz")))

    // What is given takes the place of what was recorded.
    try assertRefused(
      ["evaluate", path("run"), "--data", data, "--size", "7"], status: 65,
      naming: ["7x7x1", "6x6x1"])
    let squeezed = try run(["evaluate", path("run"), "--data", data, "--size", "6", "--json"])
    let cropped = try run(["evaluate", path("run"), "--data", data, "--json"])
    XCTAssertNotEqual(
      try number(object(squeezed.out), "elbo"), try number(object(cropped.out), "elbo"))

    try run(
      Small.train(
        data, path("run"), ["--epochs", "2", "--size", "6", "--crop", "--resume"]))
    try assertRefused(
      Small.train(data, path("run"), ["--epochs", "3", "--size", "6", "--resume"]), status: 64,
      naming: ["size=6 crop"])
  }

  func testARunThatGoesOnWritesNothingBesideTheFolderOnRecord() throws {
    let data = try makeImages()
    try run(Small.train(data, path("run"), training))
    let cache = path("photos.cache.npz")
    XCTAssertTrue(exists(cache))
    try FileManager.default.removeItem(atPath: cache)
    let resume = ["train", "--out", path("run"), "--resume", "--epochs", "2", "--threads", "1"]
    let outcome = try run(resume)
    XCTAssertTrue(outcome.err.contains("are not kept beside \(data)"), outcome.err)
    XCTAssertFalse(exists(cache))
    // Who names it says that it may be used.
    try run(Small.train(data, path("run"), ["--resume", "--epochs", "3"]))
    XCTAssertTrue(exists(cache))
  }

  func testARunRecordsTheNamesOfTheClasses() throws {
    let data = try makeImages()
    try run(Small.train(data, path("run"), training))
    let file = try SafetensorsFile(bytes(path("run/records/examples.safetensors")))
    let metadata = try XCTUnwrap(file.header["__metadata__"] as? [String: String])
    let examples = try object(XCTUnwrap(metadata.values.first { $0.contains("split") }))
    XCTAssertEqual(examples["classes"] as? [String], ["cats", "dogs"])
    XCTAssertTrue(file.names.contains("labels"))
    try run(["report", path("run")])
    let page = String(decoding: try bytes(path("run/report.html")), as: UTF8.self)
    XCTAssertTrue(page.contains("</svg>cats</span>"))
  }

  func testJPEGFilesTrainAndDamagedFilesAreNamed() throws {
    let reference = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("VAEImagesTests/Reference")
    let names = (1...4).map { "orientation-\($0).jpg" } + ["color.jpg", "progressive.jpg"]
    for name in names {
      let file = [UInt8](try Data(contentsOf: reference.appendingPathComponent(name)))
      _ = try write(file, "photos/\(name)")
    }
    _ = try write(Array("no picture".utf8), "photos/broken.jpg")
    let outcome = try run(
      Small.train(
        path("photos"), path("run"),
        training + ["--batch-size", "2", "--cache", path("packed"), "--size", "8", "--grey"]))
    XCTAssertTrue(
      outcome.err.contains(
        "left out: \(path("photos"))/broken.jpg: not a readable picture: it is neither a PNG nor a "
          + "JPEG\n"), outcome.err)
    XCTAssertTrue(outcome.err.contains("6 training images of 8×8×1"), outcome.err)
    XCTAssertEqual(try recipe(path("run"))["channels"] as? Int, 1)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: path("packed")).count, 1)
  }

  func testImagesOfDifferentSizesAreRefusedNamingTwo() throws {
    let data = try makeImages()
    _ = try write(
      ArrayFile.png(height: 3, width: 3, grey: [UInt8](repeating: 9, count: 9)),
      "photos/train/cats/z.png")
    try assertRefused(
      Small.train(data, path("run"), training), status: 65,
      naming: ["train/cats/15.png has 14x10", "train/cats/z.png has 3x3", "--size N"])
    XCTAssertFalse(exists(path("run")))
    XCTAssertFalse(exists(path("photos.cache.npz")))
  }

  func testAFolderOfDamagedFilesIsRefused() throws {
    _ = try write([1, 2, 3], "photos/a.png")
    try assertRefused(
      Small.train(path("photos"), path("run"), training), status: 65,
      naming: [path("photos"), "a.png"])
    XCTAssertFalse(exists(path("run")))
  }

  /// A limit of file sizes stands for a disk that fills.
  private func runLimited(_ arguments: [String]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments =
      ["-c", "ulimit -f 8; exec \"$@\"", "bash", Command.executable] + arguments
    process.standardInput = FileHandle.nullDevice
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    try process.run()
    let texts = try [out, err].map {
      String(decoding: try $0.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, out: texts[0], err: texts[1])
  }

  func testADiskThatFillsLeavesNoPartOfACache() throws {
    let data = try makeImages(count: 80, height: 16, width: 16)
    try run(Small.train(data, path("run"), training))
    try FileManager.default.removeItem(atPath: path("photos.cache.npz"))
    let asked = try runLimited([
      "evaluate", path("run"), "--data", data, "--cache", path("packed"), "--json",
    ])
    XCTAssertEqual(asked.status, 73, asked.err)
    XCTAssertTrue(
      asked.err.hasPrefix("vae-zoo: \(path("packed"))/photos-")
        && asked.err.hasSuffix("cannot be written: File too large\n"), asked.err)
    XCTAssertEqual(asked.err.filter { $0 == "\n" }.count, 1, asked.err)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: path("packed")), [])
    // Where nobody asked for a cache, the command does its work.
    let unasked = try runLimited(["evaluate", path("run"), "--data", data, "--json"])
    XCTAssertEqual(unasked.status, 0, unasked.err)
    XCTAssertTrue(unasked.err.contains("File too large; choose a folder"), unasked.err)
    XCTAssertEqual(try number(object(unasked.out), "examples"), 20)
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
      ["packed", "photos", "run"])
  }

  func testCIFARFilesTrain() throws {
    let record = [UInt8](repeating: 3, count: 1) + (0..<3072).map { UInt8($0 % 251) }
    _ = try write(Array(repeatElement(record, count: 20).joined()), "cifar/data_batch_1.bin")
    _ = try write(Array(repeatElement(record, count: 8).joined()), "cifar/test_batch.bin")
    let outcome = try run(Small.train(path("cifar"), path("run"), training + ["--grey"]))
    XCTAssertTrue(outcome.err.contains("1 of the 5 files"), outcome.err)
    XCTAssertEqual(try recipe(path("run"))["preparation"] as? String, "grey")
    let measured = try run(["evaluate", path("run"), "--data", path("cifar"), "--json"])
    XCTAssertEqual(try number(object(measured.out), "examples"), 8)
    let one = try run([
      "evaluate", path("run"), "--data", path("cifar/data_batch_1.bin"), "--split", "train",
      "--json",
    ])
    XCTAssertEqual(try number(object(one.out), "examples"), 20)
  }

  func testOptionsThatDoNotFitAreRefused() throws {
    let data = try makeData()
    for size in ["0", "4097", "-3"] {
      try assertRefused(
        Small.train(data, path("run"), ["--size=\(size)"]), status: 64,
        naming: ["--size", "4096"])
    }
    try assertRefused(
      Small.train(data, path("run"), ["--crop"]), status: 65, naming: [data, "--crop"])
    try assertRefused(
      Small.train("shapes:32", path("run"), ["--cache", folder]), status: 65,
      naming: ["shapes:32", "--cache"])
    let shared = try TrainedRun.shared()
    try assertRefused(
      ["traverse", shared.run, "--out", path("a.png"), "--grey"], status: 64, naming: ["--data"])
    XCTAssertFalse(exists(path("run")))
  }
}
