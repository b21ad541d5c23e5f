import Foundation
import XCTest

/// Pictures that commands write show what they are of.
final class PictureTests: CommandTestCase {
  /// A grey picture.
  private struct Picture {
    let height: Int
    let width: Int
    let pixels: [UInt8]

    /// The pixel in the middle of each one of a picture in a grid, whose pixels are enlarged by a factor and which
    /// stands between borders of two pixels.
    ///
    /// - Parameter left: where the grid begins.
    func part(
      row: Int, column: Int, height: Int, width: Int, scale: Int, left: Int = 0
    ) -> [UInt8] {
      (0..<height * width).map { place in
        let y = 2 + row * (height * scale + 2) + place / width * scale + scale / 2
        let x = left + 2 + column * (width * scale + 2) + place % width * scale + scale / 2
        return pixels[y * self.width + x]
      }
    }
  }

  /// A PNG file as the command itself reads one as data, which it keeps as an array.
  private func picture(_ file: String) throws -> Picture {
    let folder = path("seen-\(UUID().uuidString)")
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder + "/images", withIntermediateDirectories: true)
    try manager.copyItem(atPath: file, toPath: folder + "/images/one.png")
    try run([
      "describe", "gaussian-vae", "--shapes", "--data", folder + "/images", "--cache",
      folder + "/cache",
    ])
    let name = try XCTUnwrap(manager.contentsOfDirectory(atPath: folder + "/cache").first)
    // A member of the archive, which is stored as it is, behind 30 bytes, its name and what extends them.
    let archive = try bytes("\(folder)/cache/\(name)")
    let member = try XCTUnwrap(archive.firstRange(of: Array("train.npy".utf8)))
    let extended = Int(archive[member.lowerBound - 2]) | Int(archive[member.lowerBound - 1]) << 8
    let array = try StoredArray(Array(archive[(member.upperBound + extended)...]))
    let (height, width) = (array.shape[1], array.shape[2])
    XCTAssertEqual(array.shape, [1, height, width, 1], "one grey picture")
    return Picture(height: height, width: width, pixels: array.content)
  }

  private func assertShows(
    _ pixels: [UInt8], _ values: some Collection<Float>, _ title: String, line: UInt = #line
  ) {
    XCTAssertEqual(pixels.count, values.count, line: line)
    let off = zip(pixels, values).filter { abs(Float($0) - 255 * $1) > 1 }
    XCTAssertTrue(off.isEmpty, "\(title): \(off.prefix(5))", line: line)
  }

  func testSamplesStandInTheirOrderFromLeftToRight() throws {
    let run = try TrainedRun.shared().run
    for name in ["s.npy", "s.png"] {
      try self.run(["sample", run, "--count", "10", "--seed", "4", "--out", path(name)])
    }
    let (values, shown) = (try array(path("s.npy")).floats, try picture(path("s.png")))
    XCTAssertEqual([shown.height, shown.width], [2 * 66 + 2, 5 * 66 + 2])
    for number in 0..<10 {
      assertShows(
        shown.part(row: number / 5, column: number % 5, height: 8, width: 8, scale: 8),
        values[number * 64..<(number + 1) * 64], "\(number)")
    }
    XCTAssertEqual(shown.pixels[0], 128, "the ground between them")
  }

  func testOriginalsStandAboveWhatBecameOfThem() throws {
    let shared = try TrainedRun.shared()
    try run([
      "reconstruct", shared.run, "--data", shared.data, "--split", "train", "--count", "64",
      "--out", path("r.png"),
    ])
    let shown = try picture(path("r.png"))
    let images = TestImages(64, seed: 1).binary
    let known = Set(
      (0..<64).map { number in images[number * 64..<(number + 1) * 64].map { $0 * 255 } })
    var originals: Set<[UInt8]> = []
    // Eight to a row.
    XCTAssertEqual([shown.height, shown.width], [16 * 66 + 2, 8 * 66 + 2])
    for row in 0..<8 {
      for column in 0..<8 {
        let original = shown.part(row: 2 * row, column: column, height: 8, width: 8, scale: 8)
        originals.insert(original)
        let made = shown.part(row: 2 * row + 1, column: column, height: 8, width: 8, scale: 8)
        XCTAssertFalse(known.contains(made), "\(row) \(column)")
      }
    }
    XCTAssertEqual(originals, known)
  }

  func testImputedImagesStandBelowTheirTornOnes() throws {
    let pixels = (0..<40 * 16).map { Float(($0 * 7) % 11) / 10 }
    // The last row of every third image is missing.
    let torn = pixels.enumerated().map { place, value in
      place % 16 > 11 && place / 16 % 3 == 1 ? Float.nan : value
    }
    let data = try write(
      ArrayFile.npz([
        (name: "train", npy: ArrayFile.npy([40, 4, 4], floats: pixels)),
        (name: "test", npy: ArrayFile.npy([40, 4, 4], floats: torn)),
      ]), "data.npz")
    try run([
      "train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1", "--epochs",
      "1", "--batch-size", "16", "--set", "latent=2", "--set", "importance_samples=2",
    ])
    let impute = [
      "impute", path("run"), "--data", data, "--importance-samples", "5", "--threads", "1", "--out",
    ]
    try run(impute + [path("whole.npy")])
    try run(impute + [path("whole.png"), "--count", "3"])
    let (whole, shown) = (try array(path("whole.npy")).floats, try picture(path("whole.png")))
    XCTAssertEqual([shown.height, shown.width], [2 * 66 + 2, 3 * 66 + 2])
    for (column, number) in [1, 4, 7].enumerated() {
      let range = number * 16..<(number + 1) * 16
      assertShows(
        shown.part(row: 0, column: column, height: 4, width: 4, scale: 16),
        torn[range].map { $0.isNaN ? 0.5 : $0 }, "torn \(number)")
      assertShows(
        shown.part(row: 1, column: column, height: 4, width: 4, scale: 16), whole[range],
        "whole \(number)")
    }
  }

  func testTheNoiseOfAPictureThatComesBackIsSaidInDecibels() throws {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("VAEZooTests/Reference/tiny-diffusers")
    let model = path("tiny.safetensors")
    try run(["import", source.path, "--out", model])
    let pixels = (0..<96).map { UInt8($0 * 37 % 256) }
    let photo = try write(ArrayFile.png(height: 8, width: 12, grey: pixels), "photo.png")
    try run(["encode", model, "--images", photo, "--out", path("z.npy")])
    try run(["decode", model, "--latents", path("z.npy"), "--out", path("back.npy")])
    let back = try array(path("back.npy")).floats
    XCTAssertEqual(back.count, 96 * 3)
    let squares = back.enumerated().reduce(0.0) { sum, item in
      let difference = Double(item.element) - Double(pixels[item.offset / 3]) / 255
      return sum + difference * difference
    }
    let wanted = -10 * log10(squares / Double(back.count))
    let reconstruct = ["reconstruct", model, "--images", photo, "--out", path("back.png")]
    let line = try object(run(reconstruct + ["--json"]).out)
    XCTAssertEqual(try number(line, "psnr"), wanted, accuracy: 1e-3)
    XCTAssertEqual(
      try run(reconstruct).err,
      "\(photo), 8x12 (height x width): PSNR \(String(format: "%.2f", wanted)) dB\n"
        + "wrote 1 picture to \(path("back.png"))\n")
  }

  func testARowOfAPictureIsAWayFromLeftToRight() throws {
    let shared = try TrainedRun.shared()
    for name in ["w.npy", "w.png"] {
      try run([
        "interpolate", shared.run, "--data", shared.data, "--count", "2", "--steps", "3", "--out",
        path(name),
      ])
    }
    let (values, shown) = (try array(path("w.npy")).floats, try picture(path("w.png")))
    XCTAssertEqual(values.count, 2 * 3 * 64)
    XCTAssertEqual(shown.height, 2 * 66 + 2)
    // Before each row stands what it is.
    let left = shown.width - (3 * 66 + 2)
    XCTAssertGreaterThan(left, 20)
    for row in 0..<2 {
      for step in 0..<3 {
        let start = (row * 3 + step) * 64
        assertShows(
          shown.part(row: row, column: step, height: 8, width: 8, scale: 8, left: left),
          values[start..<start + 64], "\(row) \(step)")
      }
    }
  }

  func testValuesOfNoFixedRangeGoFromBlackToWhite() throws {
    let data = try write(
      ArrayFile.npy([40, 8, 8], floats: TestImages(40).bytes.map { Float($0) / 127.5 - 3 }), "x.npy"
    )
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    for name in ["s.npy", "s.png"] {
      try run(["sample", path("run"), "--count", "4", "--out", path(name)])
    }
    let (values, shown) = (try array(path("s.npy")).floats, try picture(path("s.png")))
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    XCTAssertLessThan(low, 0)
    for number in 0..<4 {
      assertShows(
        shown.part(row: number / 2, column: number % 2, height: 8, width: 8, scale: 8),
        values[number * 64..<(number + 1) * 64].map { ($0 - low) / (high - low) }, "\(number)")
    }
  }
}
