import Foundation
import XCTest

/// `import`, and pictures of any size through the models that it makes.
final class ImportTests: CommandTestCase {
  /// A file or folder beside the tests of imports.
  private func reference(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("VAEZooTests/Reference/\(name)").path
  }

  private func picture(_ height: Int, _ width: Int, _ name: String) throws -> String {
    let pixels = (0..<height * width).map { UInt8($0 * 37 % 256) }
    return try write(ArrayFile.png(height: height, width: width, grey: pixels), name)
  }

  private func imported(_ name: String) throws -> String {
    try run(["import", reference(name), "--out", path("\(name).safetensors")])
    return path("\(name).safetensors")
  }

  func testWhatIsInFilesIsListed() throws {
    let text = try run(["import", reference("tiny-raw"), "--list"])
    XCTAssertTrue(text.out.contains("6.pool.1.weight"), text.out)
    XCTAssertTrue(text.err.contains("decoder.safetensors"), text.err)
    let lines = try run(["import", reference("tiny-raw"), "--list", "--json"]).out
      .split(separator: "\n").map { try object(String($0)) }
    let types = Dictionary(grouping: lines) { $0["type"] as? String ?? "" }
    XCTAssertEqual(Set(types.keys), ["F16", "BF16"])
    XCTAssertEqual(
      lines.first { $0["name"] as? String == "0.weight" }?["shape"] as? [Int], [8, 3, 3, 3])
  }

  func testAPictureGoesThroughLatentsAndComesBackInItsSize() throws {
    let model = try imported("tiny-diffusers")
    let photo = try picture(9, 14, "photo.png")
    try run(["encode", model, "--images", photo, "--out", path("z.npy")])
    XCTAssertEqual(try array(path("z.npy")).shape, [1, 3, 4, 3])
    try run(["encode", model, "--images", photo, "--out", path("z.safetensors")])
    try run(["decode", model, "--latents", path("z.safetensors"), "--out", path("back.png")])
    let lines = try run([
      "reconstruct", model, "--images", photo, "--out", path("again.png"), "--json",
    ]).out
    XCTAssertEqual(try bytes(path("back.png")), try bytes(path("again.png")))
    let line = try object(lines)
    XCTAssertEqual(line["picture"] as? String, photo)
    XCTAssertEqual([try number(line, "height"), try number(line, "width")], [9, 14])
    XCTAssertTrue((1...60).contains(try number(line, "psnr")))
    XCTAssertTrue(line["ssim"] is NSNull, "fewer than 11 rows")
    // Whole where it is no larger than a tile; with other tones where it is.
    for isWhole in [true, false] {
      let wide = try picture(9, isWhole ? 14 : 90, "wide.png")
      try run(["reconstruct", model, "--images", wide, "--out", path("whole.png")])
      try run([
        "reconstruct", model, "--images", wide, "--tile", "64", "--out", path("tiles.png"),
      ])
      XCTAssertEqual(try bytes(path("whole.png")) == bytes(path("tiles.png")), isWhole)
    }
    let memory = try object(
      run(["describe", model, "--memory", "4096x4096", "--tile", "64", "--json"]).out)
    XCTAssertEqual(try number(memory, "tile"), 64)
    let large = try picture(11, 12, "large.png")
    let other = try run([
      "reconstruct", model, "--images", large, "--out", path("large-back.png"), "--json",
    ]).out
    XCTAssertTrue((-1...1).contains(try number(object(other), "ssim")))
  }

  func testSeveralPicturesOfAFolderHaveTheirNames() throws {
    let model = try imported("tiny-raw")
    _ = try picture(8, 8, "photos/a.png")
    _ = try picture(5, 9, "photos/b.png")
    let photos = path("photos")
    try run(["reconstruct", model, "--images", photos, "--out", path("back")])
    XCTAssertEqual(Set(try snapshot(path("back")).keys), ["a.png", "b.png"])
    try run([
      "encode", model, "--images", photos, "--bytes", "--channels-first", "--out",
      path("z.safetensors"),
    ])
    try run(["decode", model, "--latents", path("z.safetensors"), "--out", path("again")])
    XCTAssertEqual(Set(try snapshot(path("again")).keys), ["a.png", "b.png"])
    try assertRefused(
      ["encode", model, "--images", photos, "--out", path("z.npy")], status: 65,
      naming: ["different sizes", ".safetensors"])
    try assertRefused(
      ["reconstruct", model, "--images", photos, "--out", path("one.png")], status: 64,
      naming: ["one.png", "name a folder"])
    XCTAssertFalse(exists(path("z.npy")) || exists(path("one.png")))
  }

  func testNoNameOfALatentOrPictureLeadsOutOfTheFolderOrToAnotherPicture() throws {
    let model = try imported("tiny-diffusers")
    func latents(_ names: [String]) throws -> String {
      let data = [Float](repeating: 0, count: 36).withUnsafeBytes { Array($0) }
      let entries = names.enumerated().map { place, name in
        "\"\(name)\": {\"dtype\": \"F32\", \"shape\": [1, 3, 4, 3], "
          + "\"data_offsets\": [\(place * 144), \(place * 144 + 144)]}"
      }
      let header = Array("{\(entries.joined(separator: ", "))}".utf8)
      let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
      let bytes = length + header + names.flatMap { _ in data }
      return try write(bytes, "sent.safetensors")
    }
    for names in [["../out"], ["a", "../../out"], ["/tmp/vae-zoo-out"], [".."], ["."], ["", "a"]] {
      try assertRefused(
        ["decode", model, "--latents", latents(names), "--out", path("folder")], status: 65,
        naming: ["cannot be the name of a picture"])
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("folder")), "\(names)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("out.png")), "\(names)")
    }
    try run(["decode", model, "--latents", latents(["a", "b"]), "--out", path("folder")])
    XCTAssertTrue(FileManager.default.fileExists(atPath: path("folder/b.png")))
    let long = String(repeating: "n", count: 252)
    try assertRefused(
      ["decode", model, "--latents", latents([long]), "--out", path("fresh")], status: 65,
      naming: ["too long for the name of a file"])
    XCTAssertFalse(exists(path("fresh")))
    try assertRefused(
      ["decode", model, "--latents", latents(["a"]), "--out", path(long + ".png")], status: 73,
      naming: ["cannot write", "File name too long"])

    for folder in ["one", "two"] {
      try FileManager.default.createDirectory(
        atPath: path(folder), withIntermediateDirectories: false)
      _ = try picture(8, 8, "\(folder)/same.png")
    }
    try assertRefused(
      [
        "reconstruct", model, "--images", path("one"), "--images", path("two"), "--out",
        path("back"),
      ], status: 65, naming: ["two pictures would be written", "same.png"])
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("back")))
  }

  func testLatentsOfPyTorchAreReadWithTheirLayout() throws {
    let model = try imported("tiny-diffusers")
    let photo = try picture(8, 4, "photo.png")
    try run([
      "encode", model, "--images", photo, "--scaled", "--channels-first", "--out", path("z.npy"),
    ])
    XCTAssertEqual(try array(path("z.npy")).shape, [1, 3, 2, 1])
    try run([
      "decode", model, "--latents", path("z.npy"), "--scaled", "--channels-first", "--out",
      path("a.png"),
    ])
    try run(["reconstruct", model, "--images", photo, "--out", path("b.png")])
    XCTAssertEqual(try bytes(path("a.png")), try bytes(path("b.png")))
    try assertRefused(
      ["decode", model, "--latents", path("z.npy"), "--out", path("c.png")], status: 65,
      naming: ["[1, 3, 2, 1]", "[N, height, width, 3]"])
  }

  func testWhatAPictureWouldNotBeMadeOfIsRefusedBeforeItIsComputed() throws {
    let model = try imported("tiny-diffusers")
    let photo = try picture(8, 8, "photo.png")
    let images = ["--images", photo]
    for (arguments, status, words) in [
      (
        ["encode", model] + images + ["--bytes", "--scaled", "--out", path("z.npy")], 64,
        ["--scaled"]
      ),
      (
        ["reconstruct", model] + images + ["--tile", "-8", "--out", path("b.png")], 64, ["not -8"]
      ),
      (["import", model, "--size", "-1", "--out", path("z.safetensors")], 64, ["not -1"]),
      (["encode", model, "--data", photo, "--size", "-1", "--out", path("z.npy")], 64, ["not -1"]),
      (["describe", model, "--memory", "8x8", "--tile", "-8"], 64, ["tiles of"]),
      (["import", model, "--list", "--set", "beta=1"], 64, ["--set", "--list"]),
      (["encode", model] + images + ["--size", "8", "--out", path("z.npy")], 64, ["--data"]),
      (["reconstruct", model] + images + ["--grey", "--out", path("b.png")], 64, ["--data"]),
      (
        ["reconstruct", model] + images + ["--tile", "40", "--out", path("b.png")], 64,
        ["40 pixels", "--tile 64"]
      ),
      (["describe", model, "--tile", "64"], 64, ["--memory"]),
      (["reconstruct", model] + images + ["--out", path("b.jpg")], 64, [".jpg", ".png"]),
      (["reconstruct", model] + images + ["--out", path("b.npy")], 64, [".npy", ".png"]),
    ] as [([String], Int32, [String])] {
      try assertRefused(arguments, status: status, naming: words)
    }
    let large = try write(
      ArrayFile.npy([1, 2, 2, 4], floats: [Float](repeating: 3e38, count: 16)), "large.npy")
    // The tiny decoder bounds its latents; the other does not.
    try assertRefused(
      ["decode", imported("kl-plain"), "--latents", large, "--out", path("b.png")], status: 65,
      naming: ["32-bit floats"])
    let bytes = try write(
      ArrayFile.npy([1, 2, 2, 3], [UInt8](repeating: 3, count: 12)), "bytes.npy")
    try assertRefused(
      ["decode", model, "--latents", bytes, "--scaled", "--out", path("b.png")], status: 65,
      naming: [bytes, "leave out --scaled"])
    try assertRefused(
      ["decode", model, "--latents", bytes, "--seed", "0", "--out", path("b.png")], status: 64,
      naming: ["--seed"])
    XCTAssertFalse(["z.npy", "b.png", "b.jpg", "b.npy"].contains { exists(path($0)) })
  }

  func testWhatIsImportedIsNeverReplaced() throws {
    let source = path("taesd.safetensors")
    try FileManager.default.copyItem(
      atPath: reference("tiny-diffusers/diffusion_pytorch_model.safetensors"), toPath: source)
    let before = try bytes(source)
    symlink(source, path("link.safetensors"))
    for out in [source, path("link.safetensors")] {
      try assertRefused(
        ["import", source, "--out", out], status: 64, naming: [out, "another file"])
    }
    XCTAssertEqual(try bytes(source), before)
  }

  func testAPipeIsNoFileOfWeights() throws {
    mkfifo(path("pipe.safetensors"), 0o600)
    try assertRefused(
      ["import", path("pipe.safetensors"), "--list"], status: 65,
      naming: ["neither a file nor a folder"])
  }

  func testTheRecipeOfARunOrModelIsDescribed() throws {
    let model = try imported("tiny-diffusers")
    let text = try run(["describe", model]).out
    XCTAssertTrue(text.contains("autoencoder-tiny") && text.contains("2,1,1"), text)
    let recipe = try object(run(["describe", model, "--recipe"]).out)
    XCTAssertEqual(recipe["variant"] as? String, "autoencoder-tiny")
    let shared = try TrainedRun.shared()
    XCTAssertEqual(
      try object(run(["describe", shared.run, "--recipe"]).out)["variant"] as? String,
      "gaussian-vae")
    let other = reference("tiny-raw/decoder.safetensors")
    try assertRefused(["describe", other], status: 65, naming: [other, "no recipe"])
  }

  func testAnImportedModelIsTrainedOn() throws {
    let model = try imported("tiny-diffusers")
    try run(["check", model])
    let images: [Float] = (0..<7680).map { (index: Int) -> Float in Float(index * 37 % 256) / 255 }
    let data = try write(ArrayFile.npy([40, 8, 8, 3], floats: images), "images.npy")
    let sizes = [
      "encoder.channels=8", "decoder.channels=8", "encoder.blocks=1,2,1", "decoder.blocks=2,1,1",
      "prior.levels=2", "latent_channels=3",
    ]
    try run(
      [
        "train", "autoencoder-tiny", "--from-weights", model, "--data", data, "--epochs", "1",
        "--batch-size", "8", "--out", path("run"),
      ] + sizes.flatMap { ["--set", $0] })
    let photo = try picture(5, 6, "photo.png")
    try run(["reconstruct", path("run"), "--images", photo, "--out", path("back.png")])
  }

  func testWhatCannotBeImportedIsRefusedInOneLineAndWritesNothing() throws {
    let out = path("out.safetensors")
    let pickle = try write(Array("PK\u{3}\u{4}".utf8), "vae.ckpt")
    try assertRefused(
      ["import", pickle, "--out", out], status: 65,
      naming: [pickle, "can run any code", "save_file"])
    try assertRefused(
      ["import", path("nothing"), "--out", out], status: 66, naming: ["nothing"])
    try assertRefused(
      ["import", reference("tiny-raw/decoder.safetensors"), "--out", out], status: 65,
      naming: ["a TAESD decoder alone"])
    try assertRefused(
      ["import", reference("kl-checkpoint"), "--out", out], status: 64,
      naming: ["--set prior.scaling_factor=", "0.13025"])
    try assertRefused(["import", reference("tiny-raw")], status: 64, naming: ["--out", "--list"])
    try assertRefused(
      ["import", reference("tiny-raw"), "--out", path("a.npy")], status: 64, naming: ["a.npy"])
    XCTAssertFalse(exists(out))
  }

  func testModelsOfOneSizeTakeNoPictures() throws {
    let shared = try TrainedRun.shared()
    let photo = try picture(8, 8, "photo.png")
    let out = path("z.npy")
    try assertRefused(
      ["encode", shared.run, "--images", photo, "--out", out], status: 65,
      naming: ["images of one size", "autoencoder-tiny"])
    try assertRefused(
      ["encode", shared.run, "--out", out], status: 64, naming: ["--data", "--images"])
    try assertRefused(
      ["encode", shared.run, "--data", shared.data, "--images", photo, "--out", out], status: 64,
      naming: ["--data and --images"])
    try assertRefused(
      ["encode", shared.run, "--data", shared.data, "--bytes", "--out", out], status: 64,
      naming: ["--bytes"])
  }

  func testADamagedPictureAmongOthersIsNamedAndTheOthersAreTaken() throws {
    let model = try imported("tiny-diffusers")
    _ = try picture(8, 8, "photos/a.png")
    let broken = try write([0x89, 0x50, 0x4e, 0x47, 1, 2], "photos/b.png")
    _ = try picture(5, 9, "photos/c.png")
    for arguments in [
      ["reconstruct", model, "--out", path("back"), "--json"],
      ["encode", model, "--out", path("z.safetensors")],
    ] {
      let result = try Command.run(arguments + ["--images", path("photos")])
      XCTAssertEqual(result.status, 65, result.err)
      let lines = result.err.split(separator: "\n")
      XCTAssertTrue(lines.contains { $0.hasPrefix("left out: \(broken)") }, result.err)
      XCTAssertTrue(lines.last?.contains("1 of 3 pictures") ?? false, result.err)
      XCTAssertTrue(lines.contains { $0.contains("2 pictures to") }, result.err)
    }
    XCTAssertEqual(Set(try snapshot(path("back")).keys), ["a.png", "c.png"])
    try run(["decode", model, "--latents", path("z.safetensors"), "--out", path("again")])
    XCTAssertEqual(Set(try snapshot(path("again")).keys), ["a.png", "c.png"])
  }

  func testAModelIsExportedForOtherProgramsAndComesBack() throws {
    let model = try imported("kl-plain")
    for (form, out) in [("diffusers", "vae"), ("ldm", "vae.safetensors")] {
      let result = try run(["export", model, "--format", form, "--out", path(out), "--json"])
      let line = try object(result.out)
      XCTAssertEqual(result.err.contains("--set norm_groups=2"), form == "ldm", result.err)
      XCTAssertEqual(line["left_out"] as? [String], ["likelihood.log_deviation"])
      let answers =
        form == "ldm" ? ["--set", "prior.scaling_factor=0.18215", "--set", "norm_groups=2"] : []
      try run(
        ["import", path(out), "--size", "32", "--out", path("\(form).safetensors")] + answers)
      XCTAssertEqual(try bytes(path("\(form).safetensors")), try bytes(model), form)
    }
    try assertRefused(
      ["export", model, "--format", "taesd", "--out", path("x")], status: 64,
      naming: ["diffusers or ldm"])
    try assertRefused(
      ["export", model, "--format", "ldm", "--out", model], status: 64, naming: ["replaced"])
    try assertRefused(
      ["export", model, "--format", "ldm", "--out", path("x")], status: 64,
      naming: [path("x"), "end its name in .safetensors"])
    try assertRefused(
      ["export", model, "--format", "diffusers", "--out", path("x.safetensors")], status: 64,
      naming: [path("x.safetensors"), "name a folder"])
    let run = try TrainedRun.shared().run
    let before = try snapshot(run)
    try assertRefused(
      ["export", model, "--format", "diffusers", "--out", run], status: 64,
      naming: [run, "is a run folder"])
    XCTAssertEqual(try snapshot(run), before)
    XCTAssertFalse(exists(path("x")) || exists(path("x.safetensors")))
  }

  func testWhatAFolderOfPicturesHoldsBesideThemIsSaid() throws {
    let model = try imported("tiny-raw")
    let folder = path("photos")
    try FileManager.default.createDirectory(
      atPath: "\(folder)/more", withIntermediateDirectories: true)
    _ = try write([1], "photos/b.webp")
    try assertRefused(
      ["encode", model, "--images", folder, "--out", path("z.npy")], status: 65,
      naming: ["holds no picture", "1 folder (more), 1 .webp (b.webp)"])
    _ = try picture(16, 16, "photos/a.png")
    let result = try run(["encode", model, "--images", folder, "--out", path("z.npy")])
    XCTAssertTrue(result.err.contains("not read: 1 folder (more), 1 .webp (b.webp)"), result.err)
  }

  func testPipesAreNotWaitedFor() throws {
    let model = try imported("tiny-raw")
    _ = try picture(16, 16, "photos/a.png")
    for name in ["photos/b.png", "w.safetensors"] { mkfifo(path(name), 0o600) }
    try assertRefused(
      ["encode", model, "--images", path("photos/b.png"), "--out", path("z.npy")], status: 65,
      naming: ["neither a file nor a folder"])
    let outcome = try Command([
      "encode", model, "--images", path("photos"), "--out", path("z.npy"),
    ]).wait()
    XCTAssertEqual(outcome.status, 65)
    XCTAssertTrue(outcome.err.contains("b.png: it is neither a file nor a folder"), outcome.err)
    XCTAssertTrue(exists(path("z.npy")))
    try assertRefused(["import", path(""), "--list"], status: 65, naming: ["it is no file"])
  }

  func testOptionsOfSourcesAreRefusedForPictures() throws {
    for (command, option, value) in [
      ("encode", "--split", "train"), ("encode", "--seed", "1"),
      ("reconstruct", "--split", "valid"),
      ("reconstruct", "--count", "2"), ("reconstruct", "--seed", "0"),
    ] {
      try assertRefused(
        [command, "model", "--images", "a.png", "--out", "b.npy", option, value], status: 64,
        naming: [option, "belong to --data"])
    }
  }

  func testDamagedPicturesAreNamed() throws {
    let model = try imported("tiny-raw")
    let broken = try write([0x89, 0x50, 0x4e, 0x47, 1, 2], "broken.png")
    try assertRefused(
      ["reconstruct", model, "--images", broken, "--out", path("b.png")], status: 65,
      naming: [broken])
    try assertRefused(
      ["reconstruct", model, "--images", path("none.jpg"), "--out", path("b.png")], status: 66,
      naming: ["none.jpg"])
  }

  func testLatentsAreStoredAsTheOptionsSay() throws {
    // Its factors are 0.75 and 0.125, and its latents reach to 3.
    let model = try imported("tiny-diffusers")
    let photo = try picture(8, 12, "photo.png")
    func encoded(_ name: String, _ options: [String]) throws -> String {
      try run(["encode", model, "--images", photo, "--out", path(name)] + options)
      return path(name)
    }
    let plain = try array(encoded("z.npy", [])).floats
    XCTAssertEqual(plain.count, 2 * 3 * 3)
    let scaled = try array(encoded("scaled.npy", ["--scaled"])).floats
    for (one, other) in zip(plain, scaled) {
      XCTAssertEqual((one - 0.125) * 0.75, other, accuracy: 1e-5)
    }
    let turned = try array(encoded("turned.npy", ["--channels-first"])).floats
    for (place, number) in plain.enumerated() {
      // The channel of three moves before two rows and three columns.
      XCTAssertEqual(turned[place % 3 * 6 + place / 3], number)
    }
    let file = try bytes(encoded("bytes.npy", ["--bytes"]))
    for (number, byte) in zip(plain, file.suffix(plain.count)) {
      XCTAssertEqual(Float(byte) / 255 * 6 - 3, number, accuracy: 0.013)
    }
    // Each is read as it was written.
    try run(["reconstruct", model, "--images", photo, "--out", path("wanted.png")])
    for (name, options) in [("z.npy", []), ("scaled.npy", ["--scaled"])] {
      try run(
        ["decode", model, "--latents", path(name), "--out", path("made.png")] + options)
      XCTAssertEqual(try bytes(path("made.png")), try bytes(path("wanted.png")), name)
    }
    try run(["decode", model, "--latents", path("scaled.npy"), "--out", path("other.png")])
    XCTAssertNotEqual(try bytes(path("other.png")), try bytes(path("wanted.png")))
  }

  func testWhatWasImportedAndExportedIsSaid() throws {
    let out = path("kl.safetensors")
    let result = try run(["import", reference("kl-plain"), "--out", out, "--size", "48", "--json"])
    let line = try object(result.out)
    XCTAssertEqual(line["title"] as? String, "AutoencoderKL with 4 latent channels")
    XCTAssertEqual(line["variant"] as? String, "autoencoder-kl")
    XCTAssertEqual([line["tensors"] as? Int, line["parameters"] as? Int], [124, 11_828])
    XCTAssertEqual(line["out"] as? String, out)
    XCTAssertEqual(
      result.err,
      "wrote AutoencoderKL with 4 latent channels (autoencoder-kl, 11,828 parameters, 124 tensors of "
        + "\(reference("kl-plain"))) to \(out)\n")
    let recipe = try object(run(["describe", out, "--recipe"]).out)
    let data = try XCTUnwrap(recipe["data"] as? [String: Any])
    XCTAssertEqual([data["height"] as? Int, data["width"] as? Int], [48, 48])
    let exported = try run(["export", out, "--format", "diffusers", "--out", path("vae"), "--json"])
    let other = try object(exported.out)
    XCTAssertEqual(
      ["title", "format", "out"].map { other[$0] as? String },
      ["AutoencoderKL with 4 latent channels", "diffusers", path("vae")])
    XCTAssertEqual(other["tensors"] as? Int, 124)
    XCTAssertEqual(
      exported.err,
      "wrote AutoencoderKL with 4 latent channels (124 tensors) to \(path("vae")), without 1 tensor of "
        + "\(out) that diffusers does not have\n")
  }

  func testTilesAreTakenByEncodersAndDecodersAlone() throws {
    let model = try imported("tiny-diffusers")
    let wide = try picture(9, 90, "wide.png")
    let tile = ["--tile", "64"]
    for (name, options) in [("whole", []), ("tiles", tile)] {
      try run(
        ["encode", model, "--images", wide, "--out", path("\(name).safetensors")] + options)
    }
    XCTAssertNotEqual(
      try bytes(path("whole.safetensors")), try bytes(path("tiles.safetensors")))
    for (name, options) in [("whole", []), ("tiles", tile)] {
      try run(
        ["decode", model, "--latents", path("whole.safetensors"), "--out", path("\(name).png")]
          + options)
    }
    XCTAssertNotEqual(try bytes(path("whole.png")), try bytes(path("tiles.png")))
    // Both make what a picture becomes that goes through tiles and comes back.
    try run(
      ["decode", model, "--latents", path("tiles.safetensors"), "--out", path("both.png")] + tile)
    try run(["reconstruct", model, "--images", wide, "--out", path("back.png")] + tile)
    XCTAssertEqual(try bytes(path("both.png")), try bytes(path("back.png")))
  }

  func testPicturesOfOneSizeAreOneArrayAndOthersAreRefused() throws {
    let model = try imported("tiny-diffusers")
    let first = try picture(8, 12, "a.png")
    let second = try picture(8, 8, "b.png")
    let encode = ["encode", model, "--images", first, "--out", path("z.safetensors")]
    try run(encode)
    let decode = ["decode", model, "--latents", path("z.safetensors"), "--out", path("x.npy")]
    XCTAssertEqual(try run(decode).err, "wrote 1 picture to \(path("x.npy"))\n")
    XCTAssertEqual(try array(path("x.npy")).shape, [1, 8, 12, 3])
    XCTAssertEqual(
      try run(encode + ["--images", second]).err,
      "wrote the latents of 2 pictures to \(path("z.safetensors"))\n")
    try assertRefused(
      decode, status: 65, naming: ["pictures of different sizes are not one array", "--out"])
  }
}
