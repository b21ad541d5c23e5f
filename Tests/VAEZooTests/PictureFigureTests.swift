import Foundation
import VAEZoo
import XCTest

/// What a coder of pictures says beside latents: scaled moments and draws, bytes, what it refuses, and memory.
final class PictureFigureTests: XCTestCase {
  private func coder(_ settings: [(key: String, value: String)] = []) throws -> PictureCoder {
    var recipe = try Registry.builtIn.recipe(for: "autoencoder-kl")
    recipe.data = DataDescription(
      height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255")
    try Registry.builtIn.apply(
      [
        (key: "encoder.level_channels", value: "4,4"),
        (key: "encoder.attention", value: "0,0"), (key: "decoder.attention", value: "0,0"),
        (key: "encoder.middle_attention", value: "false"),
        (key: "decoder.middle_attention", value: "false"),
        (key: "decoder.level_channels", value: "4,4"), (key: "prior.levels", value: "1"),
        (key: "encoder.blocks", value: "1"), (key: "decoder.blocks", value: "2"),
        (key: "norm_groups", value: "2"),
      ] + settings, to: &recipe)
    return try PictureCoder(
      TrainedModel(
        model: Registry.builtIn.model(recipe, seed: 1), recipe: recipe, source: "memory"))
  }

  private func pictures(_ count: Int, _ height: Int, _ width: Int) -> Tensor {
    RandomSource(seed: 5).stream("pictures").uniform([count, height, width, 3])
  }

  private func assertEqual(
    _ found: Tensor?, _ expected: Tensor, line: UInt = #line, _ map: (Float) -> Float = { $0 }
  ) {
    XCTAssertEqual(found?.shape, expected.shape, line: line)
    for (a, b) in zip(found?.floats ?? [], expected.floats) {
      XCTAssertEqual(a, map(b), accuracy: 1e-5 + 1e-4 * abs(map(b)), line: line)
    }
  }

  func testScaledLatentsHaveMomentsAndDrawsOfTheScale() throws {
    let coder = try coder([
      (key: "prior.scaling_factor", value: "0.25"), (key: "prior.shift_factor", value: "0.5"),
    ])
    let images = pictures(2, 6, 10)
    let plain = try coder.encoding(of: images, seed: 3)
    let scaled = try coder.encoding(of: images, isScaled: true, seed: 3)
    let (mean, variance) = (try XCTUnwrap(plain.mean), try XCTUnwrap(plain.variance))
    XCTAssertEqual(mean.shape, [2, 3, 5, 4])
    assertEqual(scaled.mean, mean) { ($0 - 0.5) * 0.25 }
    assertEqual(scaled.variance, variance) { $0 * 0.0625 }
    assertEqual(scaled.samples[0], plain.samples[0]) { ($0 - 0.5) * 0.25 }
  }

  func testDrawsAreTheMeanAndAsManyDeviationsAsTheNoiseOfThePictureAndTheSeed() throws {
    let coder = try coder()
    let images = pictures(3, 8, 12)
    let all = try coder.encoding(of: images)
    let alone = try coder.encoding(of: images.rows(1..<2))
    assertEqual(alone.samples[0], all.samples[0].rows(1..<2))
    assertEqual(alone.variance, try XCTUnwrap(all.variance).rows(1..<2))
    let (mean, variance) = (try XCTUnwrap(all.mean).floats, try XCTUnwrap(all.variance).floats)
    let noise = all.samples[0].floats.indices.map {
      Double((all.samples[0].floats[$0] - mean[$0]) / variance[$0].squareRoot())
    }
    let count = Double(noise.count)
    let centre = noise.reduce(0, +) / count
    XCTAssertEqual(centre, 0, accuracy: 4 / count.squareRoot())
    XCTAssertEqual(
      noise.reduce(0) { $0 + $1 * $1 } / count, 1, accuracy: 4 * (2 / count).squareRoot())
    XCTAssertNotEqual(
      all.samples[0].floats, try coder.encoding(of: images, seed: 1).samples[0].floats)
  }

  func testPicturesLieNearZeroToOneWithTheirChannelsLast() throws {
    let coder = try coder()
    func misfit(_ values: [Float], _ shape: Shape = [1, 1, 1, 3]) -> String {
      coder.misfit(ofPictures: Tensor(values, shape: shape)).map { "\($0)" } ?? "none"
    }
    XCTAssertEqual(misfit([-0.25, 0.5, 1.25]), "none")
    XCTAssertTrue(misfit([-0.26, 0.5, 1]).hasPrefix(" hold numbers from -0.26 to 1.0,"))
    XCTAssertTrue(misfit([0, 0.5, 1.26]).hasPrefix(" hold numbers from 0.0 to 1.26,"))
    XCTAssertEqual(misfit([0, .nan, 1]), " hold numbers that are not finite")
    let twelve = [Float](repeating: 0.5, count: 12)
    XCTAssertTrue(misfit(twelve, [1, 3, 2, 2]).contains("channels seem to come first"))
    XCTAssertTrue(misfit(twelve, [1, 2, 2, 3]) == "none")
    let found = misfit(twelve, [2, 2, 3])
    XCTAssertTrue(found.contains("[2, 2, 3], but the model takes [N, height, width, 3]"), found)
    XCTAssertFalse(misfit(twelve, [6, 1, 1, 2]).contains("first"))
  }

  func testBytesOfPicturesAreTheNearestLevels() throws {
    XCTAssertEqual(
      try PictureCoder.bytes(
        ofPictures: Tensor([-0.1, 0, 0.00195, 0.00197, 0.5, 0.998, 0.999, 1, 1.2])),
      [0, 0, 0, 1, 128, 254, 255, 255, 255])
    let tiny = try WeightImport(
      ForeignWeights.open(
        ForeignReference.path("tiny-raw")),
      size: 8, registry: .builtIn
    ).model
    let bytes = try PictureCoder(tiny).latents(ofBytes: [0, 51, 255], shape: [3]).floats
    for (value, wanted) in zip(bytes, [-3, -1.8, 3] as [Float]) {
      XCTAssertEqual(value, wanted, accuracy: 1e-6)
    }
    XCTAssertEqual(
      try PictureCoder(tiny).latents(ofBytes: Tensor([0, 51, 255])).floats, bytes)
    XCTAssertThrowsError(try coder().bytes(of: Tensor([1])))
  }

  func testProgressOverSeveralPicturesIsThatOfAllOfThem() throws {
    let coder = try coder()
    var fractions: [Double] = []
    let encoding = try coder.encoding(of: pictures(3, 8, 8)) { fractions.append($0) }
    for _ in 0..<2 {
      XCTAssertEqual(fractions, fractions.sorted())
      for third in 0..<3 {
        let bounds = Double(third) / 3...Double(third + 1) / 3
        XCTAssertGreaterThan(fractions.count { bounds.contains($0) }, 1, "\(fractions)")
      }
      XCTAssertTrue(fractions.allSatisfy { (0...1).contains($0) }, "\(fractions)")
      fractions = []
      _ = try coder.decode(XCTUnwrap(encoding.mean)) { fractions.append($0) }
    }
  }

  // MARK: Memory

  func testMemoryAtTheWorstMomentIsThatOfOpeningOrOfTheLargerHalf() throws {
    func memory(_ variant: String, _ height: Int, _ width: Int) throws -> PictureMemory {
      try PictureMemory(
        of: Registry.builtIn.recipe(for: variant), height: height, width: width,
        registry: .builtIn)
    }
    for (variant, height, width) in [
      ("autoencoder-kl", 64, 96), ("autoencoder-tiny", 256, 512), ("autoencoder-tiny", 8, 8),
    ] {
      let found = try memory(variant, height, width)
      XCTAssertEqual(found.opening, 2 * found.weights)
      XCTAssertEqual(
        found.total, max(2 * found.weights, found.weights + max(found.encoding, found.decoding)))
      let turned = try memory(variant, width, height)
      XCTAssertEqual([turned.encoding, turned.decoding], [found.encoding, found.decoding])
      let object = try XCTUnwrap(found.json.object)
      XCTAssertEqual(
        object.members.map(\.name),
        [
          "height", "width", "tile", "weights", "opening", "encoding", "decoding", "total",
          "available",
        ])
      let numbers = [
        height, width, found.weights, found.opening, found.encoding, found.decoding, found.total,
      ]
      let names = ["height", "width", "weights", "opening", "encoding", "decoding", "total"]
      XCTAssertEqual(names.map { object[$0]?.integer }, numbers)
      XCTAssertEqual(object["tile"], .null)
    }
    let tiled = try PictureMemory(
      of: Registry.builtIn.recipe(for: "autoencoder-kl"), height: 1024, width: 1024, tile: 512,
      registry: .builtIn)
    XCTAssertEqual(tiled.json.object?["tile"]?.integer, 512)
  }

  func testSeveralPicturesAreThereTwiceAsTheyArePutTogether() throws {
    let coder = try coder()
    let said = try XCTUnwrap(coder.memory(height: 16, width: 8))
    let picture = 16.0 * 8 * 3 * 4
    for (memory, count, encoding, decoding) in [
      (said, 1, 0, 0), (said, 3, 0, 6), (nil, 1, 2, 2), (nil, 3, 2, 6),
    ] as [(PictureMemory?, Int, Double, Double)] {
      XCTAssertEqual(
        coder.asked(memory, height: 16, width: 8, count: count, \.encoding),
        Double(memory?.encoding ?? 0) + encoding * picture)
      XCTAssertEqual(
        coder.asked(memory, height: 16, width: 8, count: count, \.decoding),
        Double(memory?.decoding ?? 0) + decoding * picture)
    }
  }

  // MARK: Files

  func testLatentsOfAnArrayAreCalledAsItsFileAndCountedWhereThereAreSeveral() throws {
    let coder = try coder()
    let folder = try makeTemporaryFolder()
    let latents = RandomSource(seed: 2).stream("latents").normal([3, 2, 1, 4])
    for (count, name, names) in [
      (1, "sea.view.npy", ["sea.view"]), (3, "sea.npy", ["sea-0", "sea-1", "sea-2"]),
    ] {
      try DurableFiles.replace("\(folder)/\(name)", with: NPYWriter.bytes(latents.rows(0..<count)))
      let found = try MapLatents.read("\(folder)/\(name)", .init(), coder)
      XCTAssertEqual(found.entries.map(\.name), names)
      for (number, entry) in found.entries.enumerated() {
        XCTAssertEqual(entry.latents.floats, latents.rows(number..<number + 1).floats)
        XCTAssertNil(entry.size)
      }
    }
    let twice = MapLatents([
      .init(name: "a", latents: latents.rows(0..<1)),
      .init(name: "a", latents: latents.rows(1..<2)),
    ])
    XCTAssertThrowsError(try twice.safetensors(.init(), coder)) {
      XCTAssertTrue("\($0)".contains("two pictures have the name a"), "\($0)")
    }
  }

  /// Takes the first byte of a file for a picture of one pixel.
  private struct ByteDecoder: ImageDecoder {
    let endings = ["img", "png"]

    func decode(_ file: [UInt8], atLeast side: Int?) throws -> DecodedImage {
      DecodedImage(shape: ImageShape(height: 1, width: 1, channels: 1), bytes: [file[0]])
    }
  }

  func testPicturesOfFoldersStandInTheOrderOfTheirNamesBehindThoseNamedBefore() throws {
    let parent = try makeTemporaryFolder()
    let folder = parent + "/photos"
    try FileManager.default.createDirectory(
      atPath: folder + "/more", withIntermediateDirectories: true)
    for (number, name) in [
      "b.img", "a.png", "C.IMG", ".hidden.img", "notes.txt", "c.webp", "a.img", "more/d.img",
    ].enumerated() {
      try DurableFiles.replace("\(folder)/\(name)", with: [UInt8(10 + number)])
    }
    try DurableFiles.replace("\(parent)/z.img", with: [7])
    let files = try PictureFiles(["\(parent)/z.img", folder], decoder: ByteDecoder())
    XCTAssertEqual(files.names, ["z", "C", "a.img", "a.png", "b"])
    XCTAssertEqual(
      files.paths,
      ["\(parent)/z.img"] + ["C.IMG", "a.img", "a.png", "b.img"].map { "\(folder)/\($0)" })
    XCTAssertEqual(
      try files.paths.indices.map { try files.picture($0).bytes }, [[7], [12], [16], [11], [10]])
    XCTAssertEqual(
      files.notices,
      [
        "\(folder): not read: 1 folder (more), 1 .webp (c.webp); convert pictures to PNG or JPEG"
      ])
    XCTAssertThrowsError(try PictureFiles([parent + "/none"], decoder: ByteDecoder()))
  }
}
