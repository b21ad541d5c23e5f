import Foundation
import VAEZoo
import XCTest

/// Weights that other programs have stored: what becomes of them, and what is refused.
final class WeightImportTests: XCTestCase {
  private let registry = Registry.builtIn

  private func imported(_ path: String, size: Int? = nil) throws -> WeightImport {
    try WeightImport(ForeignWeights.open(path), size: size, registry: registry)
  }

  /// The tensors of a file as they can be changed.
  private func tensors(_ path: String) throws -> [(name: String, shape: [Int], values: [Float])] {
    let file = try Safetensors(parsing: DurableFiles.read(path), path: path)
    return try file.entries.map { ($0.name, $0.shape, try file.convertedFloats($0)) }
  }

  /// A folder of the raw halves in which one file has other tensors.
  private func rawFolder(
    changing half: String = "encoder",
    _ change: (inout [(name: String, shape: [Int], values: [Float])]) -> Void
  ) throws -> String {
    let folder = try makeTemporaryFolder()
    for name in ["encoder", "decoder"] {
      var all = try tensors(ForeignReference.path("tiny-raw/\(name).safetensors"))
      if name == half { change(&all) }
      var file = Safetensors()
      for (name, shape, values) in all { file.add(name, shape: shape, values) }
      try DurableFiles.replace("\(folder)/\(name).safetensors", with: file.encoded())
    }
    return folder
  }

  private func message(_ path: String) throws -> String {
    var found = ""
    XCTAssertThrowsError(try imported(path)) { found = "\($0)" }
    return found
  }

  // MARK: What comes in

  /// A stored tensor of a reference file.
  private func tensor(_ name: String, in file: String) throws -> Tensor {
    let path = ForeignReference.path("\(file).safetensors")
    let stored = try Safetensors(parsing: DurableFiles.read(path), path: path)
    return try stored.tensor(name, shape: Shape(XCTUnwrap(stored.entry(name)).shape))
  }

  func testLatentsAndPicturesAreThoseOfPyTorch() throws {
    func tensor(_ name: String) throws -> Tensor { try self.tensor(name, in: "tiny") }
    for name in ["diffusers", "raw"] {
      let coder = try PictureCoder(imported(ForeignReference.path("tiny-\(name)")).model)
      XCTAssertEqual(coder.pixelsPerPlace, 4)
      let latents = try coder.encode(try tensor("image.whole"))
      try assertEqual(latents, tensor("\(name).latents"), "\(name) latents")
      try assertEqual(
        try coder.decode(tensor("\(name).latents")), tensor("\(name).decoded"), "\(name) picture")
      try assertEqual(
        try coder.encode(tensor("image.odd")), tensor("\(name).odd.latents"), "\(name) odd sides")
      XCTAssertEqual(
        try coder.decode(try coder.encode(try tensor("image.odd")), size: (7, 9)).shape,
        [1, 7, 9, 3])
    }
  }

  func testPicturesInTilesAreThoseOfDiffusers() throws {
    func tensor(_ name: String) throws -> Tensor { try self.tensor(name, in: "tiny-tiled") }
    let trained = try imported(ForeignReference.path("tiny-tiled")).model
    let coder = try PictureCoder(trained, PictureComputation(tile: 128))
    for size in ["136x248", "240x64", "120x128"] {
      let image = try withoutTape { try tensor("\(size).image").upsampledNearest(by: 4, 4) }
      let latents = try coder.encode(image)
      try assertEqual(latents, tensor("\(size).latents"), "\(size) latents")
      let picture = try coder.decode(tensor("\(size).latents"))
      // Every fifth row and column, in which all seams are seen.
      try assertEqual(
        everyFifth(everyFifth(picture, axis: 1), axis: 2), tensor("\(size).decoded"),
        "\(size) picture")
    }
    XCTAssertThrowsError(try PictureCoder(trained, PictureComputation(tile: 64))) {
      XCTAssertTrue("\($0)".contains("a multiple of 64 from 128 on, such as"), "\($0)")
    }
  }

  private func everyFifth(_ image: Tensor, axis: Int) -> Tensor {
    .concatenated(
      stride(from: 0, to: image.shape[axis], by: 5).map { image.slice(axis: axis, $0..<$0 + 1) },
      axis: axis)
  }

  private func assertEqual(_ found: Tensor, _ expected: Tensor, _ what: String) throws {
    XCTAssertEqual(found.shape, expected.shape, what)
    let distance = zip(found.floats, expected.floats).map { abs($0 - $1) }.max()
    XCTAssertLessThan(try XCTUnwrap(distance), 1e-5, what)
  }

  func testTheRecipeFollowsFromTensorsAndConfig() throws {
    let recipe = try imported(ForeignReference.path("tiny-diffusers")).model.recipe
    XCTAssertEqual(recipe.variant, "autoencoder-tiny")
    XCTAssertEqual(recipe.data?.height, WeightImport.standardSize)
    XCTAssertEqual(recipe.part(.encoder).values["blocks"], .integers([1, 2, 1]))
    XCTAssertEqual(recipe.part(.decoder).values["blocks"], .integers([2, 1, 1]))
    XCTAssertEqual(recipe.part(.prior).values["latent_channels"], .integer(3))
    XCTAssertEqual(recipe.part(.prior).values["scaling_factor"], .number(0.75))
    XCTAssertEqual(recipe.part(.prior).values["shift_factor"], .number(0.125))
    let raw = try imported(ForeignReference.path("tiny-raw"), size: 40).model
    XCTAssertEqual(raw.recipe.data?.width, 40)
    XCTAssertEqual(raw.recipe.part(.encoder).values["mixing_channels"], .integer(16))
    XCTAssertEqual(raw.model.prior.latents.map, LatentMap(height: 10, width: 10, channels: 5))
  }

  func testTheSizeThatIsAskedForComesBeforeThatOfTheFiles() throws {
    let bare = ForeignReference.path("kl-bare")
    for (size, side) in [(nil, 16), (24, 24)] as [(Int?, Int)] {
      let data = try imported(bare, size: size).model.recipe.data
      XCTAssertEqual([data?.height, data?.width], [side, side])
      XCTAssertEqual(data?.channels, 3)
      XCTAssertEqual(data?.range, .unit)
      XCTAssertEqual(data?.rule, "bytes/255")
    }
  }

  func testEveryTensorIsTakenAndProgressIsTheShareOfThem() throws {
    let path = ForeignReference.path("tiny-raw")
    let count = try ["encoder", "decoder"].reduce(0) {
      try $0 + tensors("\(path)/\($1).safetensors").count
    }
    var fractions: [Double] = []
    let found = try WeightImport(
      ForeignWeights.open(path), size: 8, registry: registry
    ) { fractions.append($0) }
    XCTAssertEqual(found.tensorCount, count)
    XCTAssertEqual(found.title, "TAESD with 5 latent channels")
    XCTAssertEqual(fractions.first, 0)
    XCTAssertEqual(fractions, fractions.sorted())
    XCTAssertEqual(try XCTUnwrap(fractions.max()), 1, accuracy: 1.5 / Double(count))
    struct Stop: Error {}
    XCTAssertThrowsError(
      try WeightImport(ForeignWeights.open(path), size: 8, registry: registry) { fraction in
        if fraction > 0.5 { throw Stop() }
      }
    ) { XCTAssertTrue($0 is Stop, "\($0)") }
  }

  func testOfAFolderOfDiffusersItsOwnFileAloneIsRead() throws {
    let folder = try makeTemporaryFolder()
    let name = "diffusion_pytorch_model.safetensors"
    try DurableFiles.replace(
      "\(folder)/\(name)", with: DurableFiles.read(ForeignReference.path("tiny-diffusers/\(name)")))
    try DurableFiles.replace("\(folder)/another.safetensors", with: Safetensors().encoded())
    XCTAssertEqual(try ForeignWeights.open(folder).files.map(\.path), ["\(folder)/\(name)"])
    let both = try ForeignWeights.open(ForeignReference.path("tiny-raw"))
    XCTAssertEqual(
      both.files.map(\.path),
      ["decoder", "encoder"].map { ForeignReference.path("tiny-raw/\($0).safetensors") })
    XCTAssertNil(both.config)
    XCTAssertEqual(
      try ForeignWeights.open(ForeignReference.path("tiny-diffusers")).config?["_class_name"]?.text,
      "AutoencoderTiny")
  }

  func testAWholePipelineIsNotItsAutoencoder() throws {
    let folder = try makeTemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder + "/vae", withIntermediateDirectories: true)
    XCTAssertTrue(try message(folder).contains("it holds no .safetensors file"))
    try DurableFiles.replace("\(folder)/model_index.json", with: Array("{}".utf8))
    let found = try message(folder)
    XCTAssertTrue(
      found.contains("a whole pipeline of diffusers; name the folder \(folder)/vae"), found)
  }

  func testASettingThatTheConfigHasInOtherDigitsIsNoOther() throws {
    func notices(_ key: String, _ value: String) throws -> Int {
      try WeightImport(
        ForeignWeights.open(ForeignReference.path("tiny-diffusers")), size: 8,
        settings: [(key: key, value: value)], registry: registry
      ).notices.count { "\($0)".contains("as you say") }
    }
    XCTAssertEqual(try notices("prior.scaling_factor", "0.7500"), 0)
    XCTAssertEqual(try notices("prior.scaling_factor", "0.75"), 0)
    XCTAssertEqual(try notices("prior.scaling_factor", "0.5"), 1)
    XCTAssertEqual(try notices("training.seed", "3"), 0)
  }

  func testAnImportedModelIsStoredAndOpenedLikeAnyOther() throws {
    let model = try imported(ForeignReference.path("tiny-raw"), size: 8).model
    let path = try makeTemporaryFolder() + "/model.safetensors"
    try model.save(to: path)
    let again = try TrainedModel.open(path, registry: registry)
    XCTAssertEqual(again.recipe, model.recipe)
    for (old, new) in zip(model.model.weights, again.model.weights) {
      XCTAssertEqual(old.values.floats, new.values.floats, old.name)
    }
    XCTAssertTrue(try StoredFiles.check(path, registry: registry).isSound)
  }

  func testFloatsOf16And64BitsKeepTheirValues() throws {
    var file = Safetensors()
    file.add("half", shape: [4], [Float16(1.5), -0.25, 65504, 5.9604645e-8])
    file.add("double", shape: [2], [1.0 / 3, -2.5])
    file.add("whole", shape: [1], [Int32(3)])
    XCTAssertEqual(
      try file.convertedFloats(XCTUnwrap(file.entry("half"))), [1.5, -0.25, 65504, 5.9604645e-8])
    XCTAssertEqual(
      try file.convertedFloats(XCTUnwrap(file.entry("double"))), [Float(1.0 / 3), -2.5])
    XCTAssertThrowsError(try file.convertedFloats(XCTUnwrap(file.entry("whole")))) {
      XCTAssertTrue("\($0)".contains("has type I32"), "\($0)")
    }
  }

  // MARK: What does not

  func testMissingTensorsAreNamed() throws {
    let weights = try rawFolder { $0.removeAll { $0.name == "4.conv.2.weight" } }
    XCTAssertTrue(try message(weights).contains("missing \"4.conv.2.weight\""))
    let bias = try rawFolder(changing: "decoder") { $0.removeAll { $0.name == "1.bias" } }
    XCTAssertTrue(try message(bias).contains("missing \"1.bias\""))
    let layer = try rawFolder { $0.removeAll { $0.name.hasPrefix("3.") } }
    XCTAssertTrue(try message(layer).contains("has no tensor 3.weight"))
  }

  func testTensorsThatAreLeftOverOrMisshapenAreNamed() throws {
    let extra = try rawFolder {
      $0.append(("4.skip.weight", [8, 8, 1, 1], .init(repeating: 0, count: 64)))
    }
    XCTAssertTrue(try message(extra).contains("left over, with no place in it, \"4.skip.weight\""))
    let misshapen = try rawFolder { all in
      guard let index = all.firstIndex(where: { $0.name == "4.conv.2.weight" }) else { return }
      all[index].shape = [8, 8, 9]
      all[index].values = .init(repeating: 0, count: 576)
    }
    let found = try message(misshapen)
    XCTAssertTrue(
      found.contains("misshapen \"4.conv.2.weight\" of [8, 8, 9] in place of [8, 8, 3, 3]"), found)
  }

  func testValuesThatAreNotFiniteAreRefusedByName() throws {
    let folder = try rawFolder { $0[0].values[0] = .nan }
    XCTAssertTrue(try message(folder).contains("not finite \"0.bias\""))
  }

  func testOneHalfAloneIsRefused() throws {
    let found = try message(ForeignReference.path("tiny-raw/encoder.safetensors"))
    XCTAssertTrue(found.contains("holds a TAESD encoder alone"), found)
  }

  func testATensorWithWhichAHalfBeginsIsNamedWhereItIsMissing() throws {
    for (half, name) in [("encoder", "0.weight"), ("decoder", "1.weight")] {
      let folder = try rawFolder(changing: half) { all in all.removeAll { $0.name == name } }
      let found = try message(folder)
      XCTAssertTrue(found.contains("\(half).safetensors has no tensor \(name)"), found)
    }
  }

  func testHalvesThatDoNotBelongTogetherAreRefused() throws {
    let folder = try rawFolder(changing: "decoder") { all in
      guard let index = all.firstIndex(where: { $0.name == "1.weight" }) else { return }
      all[index].shape = [8, 4, 3, 3]
      all[index].values = .init(repeating: 0, count: 288)
    }
    let found = try message(folder)
    XCTAssertTrue(found.contains("to 5 latent channels") && found.contains("from 4"), found)
  }

  func testAConfigThatContradictsTheTensorsIsRefused() throws {
    let folder = try makeTemporaryFolder()
    let name = "diffusion_pytorch_model.safetensors"
    try DurableFiles.replace(
      "\(folder)/\(name)", with: DurableFiles.read(ForeignReference.path("tiny-diffusers/\(name)")))
    let text = String(
      decoding: try DurableFiles.read(ForeignReference.path("tiny-diffusers/config.json")),
      as: UTF8.self)
    for (old, new, expected) in [
      ("\"latent_channels\": 3", "\"latent_channels\": 16", "says latent_channels is 16"),
      ("\"relu\"", "\"silu\"", "says act_fn is \"silu\""),
      ("\"scaling_factor\": 0.75", "\"scaling_factor\": \"large\"", "which is no number"),
      ("\"scaling_factor\": 0.75", "\"scaling_factor\": 0", "scaling_factor"),
      ("AutoencoderTiny", "AutoencoderOobleck", "config.json calls them \"AutoencoderOobleck\""),
    ] {
      let changed = text.replacingOccurrences(of: old, with: new)
      XCTAssertNotEqual(changed, text)
      try DurableFiles.replace("\(folder)/config.json", with: Array(changed.utf8))
      let found = try message(folder)
      XCTAssertTrue(found.contains(expected), found)
    }
    // Without a config the tensors say all but the factors.
    try FileManager.default.removeItem(atPath: "\(folder)/config.json")
    XCTAssertEqual(
      try imported(folder).model.recipe.part(.prior).values["scaling_factor"], .number(1))
  }

  func testPicklesAreRefusedWithTheReasonAndTheWayToConvert() throws {
    let folder = try makeTemporaryFolder()
    // PyTorch's zip archive under any name, its older pickle, and a name alone.
    let files: [(String, [UInt8])] = [
      ("model.safetensors", Array("PK\u{3}\u{4}rest".utf8)),
      ("old.safetensors", [0x80, 2, 0x8a, 1]),
      ("model.ckpt", Array("anything".utf8)),
    ]
    for (name, bytes) in files {
      try DurableFiles.replace("\(folder)/\(name)", with: bytes)
      let found = try message("\(folder)/\(name)")
      XCTAssertTrue(found.contains("can run any code") && found.contains("save_file"), found)
    }
    let alone = try makeTemporaryFolder()
    try DurableFiles.replace("\(alone)/taesd_encoder.pth", with: [1])
    XCTAssertTrue(try message(alone).contains("taesd_encoder.pth is a Python pickle"))
  }

  func testArraysOfNumPyAreNotCalledPickles() throws {
    let folder = try makeTemporaryFolder()
    try DurableFiles.replace("\(folder)/m.npz", with: Array("PK\u{3}\u{4}rest".utf8))
    let found = try message("\(folder)/m.npz")
    XCTAssertTrue(found.contains("arrays of NumPy") && !found.contains("pickle"), found)
  }

  func testOtherNetworksAreToldApart() throws {
    let folder = try makeTemporaryFolder()
    for (name, expected) in [
      ("lora_unet_down.lora_up.weight", "look like a LoRA"),
      ("model.diffusion_model.input_blocks.0.weight", "no autoencoder"),
      ("something.weight", "none of the forms"),
    ] {
      var file = Safetensors()
      file.add(name, shape: [2], [Float(1), 2])
      try DurableFiles.replace("\(folder)/model.safetensors", with: file.encoded())
      let found = try message("\(folder)/model.safetensors")
      XCTAssertTrue(found.contains(expected), found)
    }
  }

  func testDamagedAndAbsentFilesAreRefused() throws {
    let folder = try makeTemporaryFolder()
    XCTAssertTrue(try message(folder).contains("holds no .safetensors file"))
    XCTAssertTrue(try message("\(folder)/none").contains("does not exist"))
    let whole = try DurableFiles.read(ForeignReference.path("tiny-raw/encoder.safetensors"))
    for count in [0, 7, 8, 100, whole.count - 1] {
      try DurableFiles.replace("\(folder)/cut.safetensors", with: Array(whole.prefix(count)))
      XCTAssertThrowsError(try imported("\(folder)/cut.safetensors")) {
        XCTAssertTrue($0 is SafetensorsError, "\($0)")
      }
    }
  }
}
