import Foundation
import VAEZoo
import XCTest

/// Pictures of any size, and their latents in files.
final class PictureCoderTests: XCTestCase {
  private let registry = Registry.builtIn

  private func model(
    _ settings: [(key: String, value: String)] = [], channels: Int = 3, range: ValueRange = .unit
  ) throws -> TrainedModel {
    var recipe = try registry.recipe(for: "autoencoder-tiny")
    recipe.data = DataDescription(
      height: 8, width: 8, channels: channels, range: range,
      rule: range == .unit ? "bytes/255" : "binary")
    try registry.apply(
      [
        (key: "encoder.channels", value: "6"), (key: "decoder.channels", value: "6"),
        (key: "encoder.blocks", value: "1,1,1"), (key: "decoder.blocks", value: "1,1,1"),
        (key: "prior.levels", value: "2"),
      ] + settings, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: 6), recipe: recipe, source: "memory")
  }

  private func picture(_ height: Int, _ width: Int, seed: UInt64 = 1) -> Tensor {
    RandomSource(seed: seed).stream("picture").uniform([1, height, width, 3])
  }

  func testAPictureOfTheRecipesSizeHasTheMeanOfThePosterior() throws {
    let trained = try model()
    let coder = try PictureCoder(trained)
    let x = picture(8, 8)
    let context = Context(mode: .evaluation, random: RandomSource(seed: 0), examples: [0])
    let mean = try XCTUnwrap(trained.model.encoder.encode(x, context).mean)
    XCTAssertEqual(try coder.encode(x).floats, mean.floats)
  }

  func testAnySizeIsTakenAndComesBack() throws {
    let coder = try PictureCoder(model())
    for (height, width) in [(1, 1), (3, 5), (4, 4), (8, 8), (9, 30), (17, 2)] {
      let latents = try coder.encode(picture(height, width))
      XCTAssertEqual(latents.shape, [1, (height + 3) / 4, (width + 3) / 4, 4])
      let back = try coder.decode(latents, size: (height, width))
      XCTAssertEqual(back.shape, [1, height, width, 3])
      XCTAssertTrue(back.floats.allSatisfy { (0...1).contains($0) })
    }
  }

  func testAPictureGoesOnAsItEnds() throws {
    let coder = try PictureCoder(model())
    let x = picture(6, 7)
    let rows = Tensor.concatenated([x, x.slice(axis: 1, 5..<6), x.slice(axis: 1, 5..<6)], axis: 1)
    let whole = Tensor.concatenated([rows, rows.slice(axis: 2, 6..<7)], axis: 2)
    XCTAssertEqual(try coder.encode(x).floats, try coder.encode(whole).floats)
  }

  func testPlacesFarApartDoNotSeeEachOther() throws {
    // Nothing normalises over the picture here, so that a change in one corner stays there.
    let coder = try PictureCoder(model())
    let x = picture(8, 96)
    var changed = x.floats
    changed[0] = 1 - changed[0]
    let (old, new) = (try coder.encode(x), try coder.encode(Tensor(changed, shape: x.shape)))
    XCTAssertNotEqual(old.floats[0], new.floats[0])
    XCTAssertEqual(
      old.slice(axis: 2, 20..<24).floats, new.slice(axis: 2, 20..<24).floats)
  }

  func testGreyPicturesBecomeColoursAndColoursAreRefusedByGreyModels() throws {
    let grey = DecodedImage(shape: ImageShape(height: 1, width: 2, channels: 1), bytes: [0, 255])
    let colour = DecodedImage(
      shape: ImageShape(height: 1, width: 1, channels: 3), bytes: [0, 51, 255])
    let coder = try PictureCoder(model())
    XCTAssertEqual(try coder.tensor(grey, name: "g").floats, [0, 0, 0, 1, 1, 1])
    XCTAssertEqual(try coder.tensor(colour, name: "c").floats, [0, 0.2, 1])
    let greyCoder = try PictureCoder(model(channels: 1))
    XCTAssertEqual(try greyCoder.tensor(grey, name: "g").floats, [0, 1])
    XCTAssertThrowsError(try greyCoder.tensor(colour, name: "c"))
  }

  func testModelsOfOneSizeAreRefused() throws {
    var recipe = try registry.recipe(for: "autoencoder-tiny")
    recipe.data = DataDescription(
      height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255")
    try registry.apply([(key: "encoder.name", value: "mlp")], to: &recipe)
    let model = TrainedModel(
      model: try registry.model(recipe, seed: 6), recipe: recipe, source: "memory")
    XCTAssertThrowsError(try PictureCoder(model)) {
      XCTAssertTrue("\($0)".contains("for images of one size"), "\($0)")
    }
    XCTAssertThrowsError(try PictureCoder(self.model(range: .binary)))
  }

  // MARK: Latents in files

  func testLatentsInFilesComeBackAsTheyWere() throws {
    let coder = try PictureCoder(
      model([
        (key: "prior.scaling_factor", value: "0.25"), (key: "prior.shift_factor", value: "0.5"),
      ]))
    let folder = try makeTemporaryFolder()
    let entries = [
      MapLatents.Entry(name: "a", latents: try coder.encode(picture(9, 6)), size: (9, 6)),
      MapLatents.Entry(name: "b", latents: try coder.encode(picture(9, 6, seed: 2)), size: (9, 6)),
      MapLatents.Entry(name: "c", latents: try coder.encode(picture(4, 4, seed: 3)), size: (4, 4)),
    ]
    for number in 0..<8 {
      var storage = MapLatents.Storage()
      (storage.isScaled, storage.isChannelsFirst) = (number & 1 != 0, number & 2 != 0)
      storage.isOfBytes = number & 4 != 0
      // A byte is the nearest of 256 in ±3.
      let tolerance: Float = storage.isOfBytes ? 3.01 / 255 : 1e-5
      for ending in ["npy", "safetensors"] {
        let isArray = ending == "npy"
        let own = MapLatents(isArray ? Array(entries[..<2]) : entries)
        let path = "\(folder)/\(number).\(ending)"
        guard !storage.isScaled || !storage.isOfBytes else {
          XCTAssertThrowsError(
            try isArray ? own.npy(storage, coder) : own.safetensors(storage, coder), path)
          continue
        }
        try DurableFiles.replace(
          path, with: isArray ? own.npy(storage, coder) : own.safetensors(storage, coder))
        // A .safetensors file says itself how it stores them.
        let found = try MapLatents.read(path, isArray ? storage : .init(), coder)
        XCTAssertEqual(found.entries.count, own.entries.count)
        for (old, new) in zip(own.entries, found.entries) {
          XCTAssertEqual(old.latents.shape, new.latents.shape)
          for (a, b) in zip(old.latents.floats, new.latents.floats) {
            XCTAssertEqual(a, b, accuracy: tolerance, path)
          }
          if !isArray {
            XCTAssertEqual(old.name, new.name)
            XCTAssertEqual(new.size?.height, old.size?.height)
            XCTAssertEqual(new.size?.width, old.size?.width)
          }
        }
      }
    }
    XCTAssertThrowsError(try MapLatents(entries).npy(.init(), coder)) {
      XCTAssertTrue("\($0)".contains("write a .safetensors file"), "\($0)")
    }
  }

  func testMemoryFollowsFromTheShapesOfTheLayers() throws {
    func memory(_ variant: String, _ side: Int, tile: Int? = nil) throws -> PictureMemory {
      try PictureMemory(
        of: registry.recipe(for: variant), height: side, width: side, tile: tile,
        registry: registry)
    }
    let map = 4 * 512 * 512
    // In a block of TAESD's 64 channels: what is added to, what a convolution reads and what it writes.
    let tiny = try memory("autoencoder-tiny", 512)
    XCTAssertEqual(tiny.decoding, 3 * 64 * map, accuracy: 64 * map / 64)
    XCTAssertEqual(tiny.encoding, tiny.decoding)
    // In Stable Diffusion's decoder a convolution from 256 channels to 128 beside the shortcut's 128; in the encoder what a
    // convolution reads and what it writes, and bands.
    let large = try memory("autoencoder-kl", 512)
    XCTAssertEqual(large.decoding, (256 + 128 + 128) * map, accuracy: 128 * map / 16)
    XCTAssertEqual(large.encoding, 2 * 128 * map, accuracy: 128 * map / 8)
    XCTAssertEqual(large.weights / 4, 83_653_863, accuracy: 10)
    XCTAssertEqual(
      Double(try memory("autoencoder-kl", 1024).decoding), 4 * Double(large.decoding),
      accuracy: 0.02 * 4 * Double(large.decoding))
    // Tiles take what a picture of their size does, and a little for what waits.
    let tiles = try memory("autoencoder-kl", 2048, tile: 512)
    XCTAssertGreaterThan(tiles.decoding, large.decoding)
    XCTAssertLessThan(tiles.decoding, large.decoding * 3 / 2)
    XCTAssertEqual(try memory("autoencoder-kl", 512, tile: 512).decoding, large.decoding)
    XCTAssertThrowsError(try memory("gaussian-vae", 512)) {
      XCTAssertTrue("\($0)".contains("images of one size"), "\($0)")
    }
  }

  func testAPictureTakesTheMemoryThatIsSaidBefore() throws {
    for hasAttention in [false, true] { try assertMemory(hasAttention: hasAttention) }
  }

  private func assertMemory(hasAttention: Bool) throws {
    // Attention where the map is smallest, in which it has the weights of all pairs of places.
    let side = hasAttention ? 96 : 256
    var recipe = try registry.recipe(for: "autoencoder-kl")
    recipe.data = DataDescription(
      height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255")
    try registry.apply(
      [
        (key: "encoder.level_channels", value: "16,32"),
        (key: "encoder.attention", value: hasAttention ? "0,1" : "0,0"),
        (key: "decoder.level_channels", value: "32,16"),
        (key: "decoder.attention", value: hasAttention ? "1,0" : "0,0"),
        (key: "encoder.middle_attention", value: "\(hasAttention)"),
        (key: "decoder.middle_attention", value: "\(hasAttention)"),
        (key: "prior.levels", value: "1"),
        (key: "encoder.blocks", value: "1"), (key: "decoder.blocks", value: "2"),
        (key: "norm_groups", value: "4"),
      ], to: &recipe)
    let coder = try PictureCoder(
      TrainedModel(model: registry.model(recipe, seed: 1), recipe: recipe, source: "memory"))
    let x = picture(side, side)
    let said = try XCTUnwrap(coder.memory(height: side, width: side))
    func taken(_ work: () throws -> Tensor) throws -> (bytes: Int, result: Tensor) {
      MemoryPool.shared.trim()
      MemoryPool.shared.forgetPeak()
      let before = MemoryPool.shared.statistics.bytesInUse
      let result = try work()
      return (MemoryPool.shared.statistics.peakBytes - before, result)
    }
    let (encoding, latents) = try taken { try coder.encode(x) }
    let (decoding, _) = try taken { try coder.decode(latents) }
    for (name, found, stated) in [
      ("encode", encoding, said.encoding), ("decode", decoding, said.decoding),
    ] {
      XCTAssertLessThan(Double(found), 1.1 * Double(stated) + 2e6, name)
      XCTAssertGreaterThan(Double(found), 0.6 * Double(stated), name)
    }
    // One picture is not asked for twice.
    for part in [\PictureMemory.encoding, \.decoding] {
      XCTAssertEqual(
        coder.asked(said, height: side, width: side, count: 1, part), Double(said[keyPath: part]))
    }
    // In tiles the picture itself counts, too.
    let tiled = try PictureCoder(
      TrainedModel(model: registry.model(recipe, seed: 1), recipe: recipe, source: "memory"),
      PictureComputation(tile: 8))
    let least = try XCTUnwrap(tiled.memory(height: side, width: side))
    XCTAssertLessThan(
      Double(try taken { try tiled.encode(x) }.bytes), 1.1 * Double(least.encoding) + 2e6)
    XCTAssertLessThan(
      Double(try taken { try tiled.decode(latents) }.bytes), 1.1 * Double(least.decoding) + 2e6)
  }

  func testAFileOfWeightsIsTakenUpWithoutASecondCopy() throws {
    let trained = try model([
      (key: "encoder.channels", value: "64"), (key: "decoder.channels", value: "64"),
    ])
    let bytes = trained.encoded()
    MemoryPool.shared.trim()
    MemoryPool.shared.forgetPeak()
    let before = MemoryPool.shared.statistics.bytesInUse
    let again = try TrainedModel.open(bytes: bytes, source: "memory", registry: registry)
    let size = 4 * trained.model.parameterCount
    XCTAssertEqual(again.model.parameterCount, trained.model.parameterCount)
    XCTAssertLessThan(MemoryPool.shared.statistics.peakBytes - before, size * 5 / 4)
  }

  func testWhatDoesNotFitIsRefusedBeforeItIsComputedAndTilesAreNamed() throws {
    let coder = try PictureCoder(model())
    let x = picture(96, 96)
    let latents = try coder.encode(x)
    var layers = 0
    XCTAssertThrowsError(
      try Memory.refusing(request: 1) { try coder.decode(latents) { _ in layers += 1 } })
    XCTAssertThrowsError(
      try Memory.refusing(request: 1) { try coder.encode(x) { _ in layers += 1 } })
    let large = Tensor.zeros([1, 300, 300, 4])
    XCTAssertThrowsError(
      try Memory.refusing(request: 1) { try coder.decode(large) { _ in layers += 1 } }
    ) {
      XCTAssertTrue("\($0)".contains("use tiles, tile=512"), "\($0)")
    }
    XCTAssertEqual(layers, 0)
    for side in [Int.max, 1 << 21, 0, -16, 7] {
      XCTAssertThrowsError(try PictureCoder(model(), PictureComputation(tile: side))) {
        XCTAssertTrue("\($0)".contains("tile"), "\($0)")
      }
    }
  }

  func testASizeThatTheLatentsAreNotOfIsRefused() throws {
    let coder = try PictureCoder(model())
    let path = try makeTemporaryFolder() + "/latents.safetensors"
    let latents = try coder.encode(picture(9, 6))
    for (size, fits) in [
      ("9x6", true), ("12x8", true), ("12x9", false), ("8x6", false), ("9", false), ("x9", false),
      ("9x99999999999999999999", false), ("-9x6", false), ("9x6x1", false),
    ] {
      var file = Safetensors()
      file.add("a", shape: latents.shape.dimensions, latents.floats)
      file.metadata = ["vae_zoo_picture_size.a": size]
      try DurableFiles.replace(path, with: file.encoded())
      guard !fits else {
        XCTAssertNotNil(try MapLatents.read(path, .init(), coder).entries[0].size, size)
        continue
      }
      let isPair = !["9", "x9", "9x99999999999999999999", "9x6x1"].contains(size)
      XCTAssertThrowsError(try MapLatents.read(path, .init(), coder), size) {
        XCTAssertTrue(
          "\($0)".contains(isPair ? "latents of 3×2 places" : "must be a height and a width"),
          "\($0)")
      }
    }
  }

  func testWordsThatALatentFileCannotMeanAreRefused() throws {
    let coder = try PictureCoder(model())
    let path = try makeTemporaryFolder() + "/latents.safetensors"
    let latents = try coder.encode(picture(9, 6))
    for (key, word, refusal) in [
      ("vae_zoo_latents_scaled", "maybe", #"is "maybe", but must be false or true"#),
      ("vae_zoo_latents_layout", "CHWN", #"is "CHWN", but must be NHWC or NCHW"#),
    ] {
      var file = Safetensors()
      file.add("a", shape: latents.shape.dimensions, latents.floats)
      file.metadata = [key: word]
      try DurableFiles.replace(path, with: file.encoded())
      XCTAssertThrowsError(try MapLatents.read(path, .init(), coder)) {
        XCTAssertTrue("\($0)".contains(refusal), "\($0)")
      }
    }
  }

  func testBFloat16GivesNearlyThePictureOfFloat32() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    let trained = try model()
    let x = picture(40, 36)
    let exact = try PictureCoder(trained)
    let rounding = try PictureCoder(trained, PictureComputation(precision: .bfloat16))
    let latents = try exact.encode(x)
    let (expected, found) = (try exact.decode(latents), try rounding.decode(latents))
    XCTAssertNotEqual(expected.floats, found.floats)
    XCTAssertGreaterThan(PictureComparison.peakSignalToNoise(expected, found), 40)
    XCTAssertNotEqual(latents.floats, try rounding.encode(x).floats)
    XCTAssertEqual(try exact.decode(latents).floats, expected.floats, "nothing is left behind")
  }

  func testScaledLatentsAreShiftedThenMultiplied() throws {
    let coder = try PictureCoder(
      model([
        (key: "prior.scaling_factor", value: "0.25"), (key: "prior.shift_factor", value: "0.5"),
      ]))
    XCTAssertEqual(coder.scaling.scaled(Tensor([2.5, 0.5])).floats, [0.5, 0])
    XCTAssertEqual(coder.scaling.unscaled(Tensor([0.5, 0])).floats, [2.5, 0.5])
  }

  func testBytesAreThoseOfTAESD() throws {
    let coder = try PictureCoder(model())
    // clamp(x / 6 + 0.5, 0, 1) · 255, to the nearest.
    XCTAssertEqual(
      try coder.bytes(of: Tensor([-9, -3, -1.5, 0, 0.012, 1, 3, 9])),
      [0, 0, 64, 128, 128, 170, 255, 255])
  }

  func testArraysThatAreNoLatentsAreRefusedWithTheReason() throws {
    let coder = try PictureCoder(model())
    let folder = try makeTemporaryFolder()
    let path = "\(folder)/latents.npy"
    for (array, expected) in [
      (Tensor.zeros([1, 2, 2, 3]), "[N, height, width, 4]"),
      (.zeros([2, 4]), "[N, height, width, 4]"),
      (Tensor([.nan, 0, 0, 0], shape: [1, 1, 1, 4]), "not finite"),
      (.zeros([1, 4, 2, 3]), "channels seem to come first"), (.zeros([2, 2, 4]), "an axis of 1"),
      (Tensor(indices: [0, 255, 3, 4], shape: [1, 1, 1, 4]), "hold 32-bit integers"),
    ] {
      try DurableFiles.replace(path, with: NPYWriter.bytes(array))
      XCTAssertThrowsError(try MapLatents.read(path, .init(), coder)) {
        XCTAssertTrue("\($0)".contains(expected), "\($0)")
      }
    }
  }

  /// The same four bytes under every type of one byte: uint8 alone stands for latents.
  func testOfWholeNumbersOnlyUInt8StandForLatents() throws {
    let coder = try PictureCoder(model())
    let folder = try makeTemporaryFolder()
    let bytes: [UInt8] = [0, 1, 1, 0]
    func header(_ type: String) -> [UInt8] {
      let text = "{\"a\":{\"dtype\":\"\(type)\",\"shape\":[1,1,1,4],\"data_offsets\":[0,4]}}"
      return withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) } + text.utf8
    }
    for (array, tensor, isTaken) in [
      ("u1", "U8", true), ("i1", "I8", false), ("b1", "BOOL", false),
    ] {
      let npy = "\(folder)/\(array).npy"
      var file = NPYWriter.bytes(bytes, shape: [1, 1, 1, 4])
      let place = try XCTUnwrap(file.indices.first { file[$0...].starts(with: "|u1".utf8) })
      file.replaceSubrange(place..<place + 3, with: "|\(array)".utf8)
      try DurableFiles.replace(npy, with: file)
      let named = "\(folder)/\(tensor).safetensors"
      try DurableFiles.replace(named, with: header(tensor) + bytes)
      for path in [npy, named] {
        guard !isTaken else {
          XCTAssertEqual(
            try MapLatents.read(path, .init(), coder).entries[0].latents.floats,
            try coder.latents(ofBytes: bytes, shape: [1, 1, 1, 4]).floats)
          continue
        }
        XCTAssertThrowsError(try MapLatents.read(path, .init(), coder), path) {
          XCTAssertTrue(
            "\($0)".contains("must be floats, or bytes") && "\($0)".contains("uint8"), "\($0)")
        }
      }
    }
  }

  func testBytesThatAFileCallsScaledAreRefusedByWhatTheFileSays() throws {
    let coder = try PictureCoder(model())
    let path = try makeTemporaryFolder() + "/latents.safetensors"
    var file = Safetensors()
    file.add("a", shape: [1, 1, 1, 4], [UInt8](repeating: 3, count: 4))
    file.metadata = ["vae_zoo_latents_scaled": "true"]
    try DurableFiles.replace(path, with: file.encoded())
    XCTAssertThrowsError(try MapLatents.read(path, .init(), coder)) {
      XCTAssertTrue(
        "\($0)".contains("vae_zoo_latents_scaled") && !"\($0)".contains("--scaled"), "\($0)")
    }
  }

  // MARK: A real network, where it is at hand

  /// `VAE_ZOO_TAEF2` names a folder with FLUX.2's tiny autoencoder and `reference.npz`, as
  /// `taef2_encoder.safetensors`, `taef2_decoder.safetensors`; without it there is nothing to test.
  func testTAEF2GivesItsReferenceLatentsAndPictures() throws {
    guard let folder = ProcessInfo.processInfo.environment["VAE_ZOO_TAEF2"] else {
      throw XCTSkip("VAE_ZOO_TAEF2 names no folder")
    }
    let trained = try WeightImport(ForeignWeights.open(folder), registry: registry).model
    XCTAssertEqual(trained.model.prior.latents.map?.channels, 32)
    let coder = try PictureCoder(trained)
    for (name, decibels) in [("china", 21.86), ("flower", 28.48)] {
      func array(_ what: String) throws -> Tensor {
        let path = try makeTemporaryFolder() + "/array.npy"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unzip", "-p", "\(folder)/reference.npz", "\(name)_\(what).npy"]
        XCTAssertTrue(FileManager.default.createFile(atPath: path, contents: nil))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try process.run()
        process.waitUntilExit()
        return try NPYReader.tensor(path)
      }
      let bytes = try array("image")
      let image = Tensor(
        bytes.indices.map { Float($0) / 255 }, shape: [1, 256, 256, 3])
      let latents = try coder.encode(image)
      let expected = try array("latent_nhwc").floats
      let distance = zip(latents.floats, expected).map { abs($0 - $1) }.max()
      XCTAssertLessThan(try XCTUnwrap(distance), 1e-3, name)
      let back = try coder.decode(latents)
      let pixels = try array("decoded_nhwc_f16").floats.map { min(1, max(0, $0)) }
      let change = zip(back.floats, pixels).map { abs($0 - $1) }.max()
      XCTAssertLessThan(try XCTUnwrap(change), 2e-3, name)
      XCTAssertEqual(PictureComparison.peakSignalToNoise(image, back), decibels, accuracy: 0.01)
    }
  }
}
