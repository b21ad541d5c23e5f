import Foundation
import XCTest

/// Data files that are damaged, lie about themselves, or do not fit: one clear line, and no run
/// folder.
final class BadDataTests: CommandTestCase {
  private static let train = "train-images-idx3-ubyte"

  /// Training on the data must be refused before a run folder is made.
  private func assertUnusable(
    _ data: String, status: Int32 = 65, naming words: [String], settings: [String] = [],
    memoryLimit: Int? = nil, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    try assertRefused(
      Small.train(data, path("run"), ["--epochs", "1"] + settings), status: status, naming: words,
      memoryLimit: memoryLimit, file: file, line: line)
    XCTAssertFalse(exists(path("run")), "a run folder was made", file: file, line: line)
  }

  /// A folder whose training images are the given file.
  private func folder(_ name: String, _ idx: [UInt8], suffix: String = "") throws -> String {
    _ = try write(idx, "\(name)/\(Self.train)\(suffix)")
    return path(name)
  }

  // MARK: Missing and empty

  func testMissingPathsAreRefusedNamingThem() throws {
    for name in ["missing", "missing.npy", "missing.npz"] {
      try assertUnusable(path(name), status: 66, naming: [path(name)])
    }
    try FileManager.default.createDirectory(
      atPath: path("empty"), withIntermediateDirectories: true)
    try assertUnusable(path("empty"), naming: [path("empty"), Self.train])
  }

  func testAMissingFolderOfImagesIsMissingWhateverIsToBecomeOfItsImages() throws {
    for options in [["--size", "64"], ["--crop"], ["--grey"], ["--cache", path("cache")]] {
      try assertUnusable("photos", status: 66, naming: ["photos does not exist"], settings: options)
    }
  }

  func testAnUnknownBuiltInSetIsRefused() throws {
    for name in ["shapes:48", "shape"] { try assertUnusable(name, status: 66, naming: [name]) }
  }

  func testEmptyFilesAreRefusedNamingThem() throws {
    try assertUnusable(try folder("idx", []), naming: [path("idx"), Self.train])
    try assertUnusable(try folder("gz", [], suffix: ".gz"), naming: [Self.train + ".gz"])
    for name in ["empty.npy", "empty.npz"] {
      try assertUnusable(try write([], name), naming: [path(name)])
    }
  }

  func testFilesWithoutImagesAreRefused() throws {
    try assertUnusable(try folder("idx", ArrayFile.idx([0, 8, 8], [])), naming: [Self.train])
    try assertUnusable(
      try write(ArrayFile.npy([0, 8, 8], []), "none.npy"), naming: [path("none.npy")])
    try assertUnusable(
      try write(ArrayFile.npy([8, 0, 8], []), "flat.npy"), naming: [path("flat.npy")])
  }

  // MARK: Truncated

  func testTruncatedFilesAreRefusedNamingThem() throws {
    let idx = ArrayFile.idx(TestImages())
    let npy = ArrayFile.npy(TestImages())
    for length in [1, 3, 4, 10, 15, 16, 17, idx.count - 1] {
      let data = try folder("idx\(length)", Array(idx.prefix(length)))
      try assertUnusable(data, naming: [data, Self.train])
    }
    for length in [1, 6, 9, 60, 128, npy.count - 1] {
      let data = try write(Array(npy.prefix(length)), "images\(length).npy")
      try assertUnusable(data, naming: [data])
    }
    let npz = ArrayFile.npz([(name: "train", npy: npy)])
    for length in [3, 40, npz.count / 2, npz.count - 30, npz.count - 1] {
      let data = try write(Array(npz.prefix(length)), "images\(length).npz")
      try assertUnusable(data, naming: [data])
    }
    let gzip = ArrayFile.gzip(idx)
    for length in [3, 10, 200, gzip.count - 8, gzip.count - 1] {
      let data = try folder("gz\(length)", Array(gzip.prefix(length)), suffix: ".gz")
      try assertUnusable(data, naming: [Self.train + ".gz"])
    }
  }

  func testBytesBehindTheDeclaredOnesAreRefused() throws {
    try assertUnusable(
      try folder("idx", ArrayFile.idx(TestImages()) + [0]), naming: [Self.train])
    let data = try write(ArrayFile.npy(TestImages()) + [0], "images.npy")
    try assertUnusable(data, naming: [data])
  }

  // MARK: Wrong magic, flipped bits

  func testWrongMagicIsRefused() throws {
    var idx = ArrayFile.idx(TestImages())
    idx.replaceSubrange(0..<4, with: [0x47, 0x49, 0x46, 0x38])
    try assertUnusable(try folder("idx", idx), naming: [Self.train])
    var npy = ArrayFile.npy(TestImages())
    npy[1] = 0x4d
    let data = try write(npy, "images.npy")
    try assertUnusable(data, naming: [data])
    let archive = try write(npy, "images.npz")
    try assertUnusable(archive, naming: [archive])
    try assertUnusable(
      try folder("gz", ArrayFile.idx(TestImages()), suffix: ".gz"), naming: [Self.train + ".gz"])
  }

  func testAFlippedBitInTheHeaderOfAnIDXFileIsRefused() throws {
    let idx = ArrayFile.idx(TestImages())
    for position in 0..<16 {
      var damaged = idx
      damaged[position] ^= 1 << (position % 7)
      try assertUnusable(try folder("idx\(position)", damaged), naming: [Self.train])
    }
  }

  func testAFlippedBitInTheHeaderOfAnNPYFileIsRefused() throws {
    let npy = ArrayFile.npy(TestImages())
    let text = try XCTUnwrap(String(bytes: npy.prefix(128), encoding: .isoLatin1))
    for word in ["NUMPY", "descr", "|u1", "False", "64, 8", ", 8)"] {
      let start = try XCTUnwrap(text.range(of: word)).lowerBound
      var damaged = npy
      damaged[text.distance(from: text.startIndex, to: start)] ^= 4
      let data = try write(damaged, "images.npy")
      try assertUnusable(data, naming: [data])
    }
  }

  func testAFlippedBitInCompressedOrArchivedImagesIsRefused() throws {
    var gzip = ArrayFile.gzip(ArrayFile.idx(TestImages()))
    gzip[gzip.count / 2] ^= 16
    try assertUnusable(try folder("gz", gzip, suffix: ".gz"), naming: [Self.train + ".gz"])
    var npz = ArrayFile.npz([(name: "train", npy: ArrayFile.npy(TestImages()))])
    npz[npz.count / 2] ^= 16
    let data = try write(npz, "images.npz")
    try assertUnusable(data, naming: [data])
  }

  // MARK: Sizes that lie

  /// The address space in MB in which a small training runs, but none that believes these files.
  private static let memoryLimit = 4096

  func testASmallTrainingFitsInTheMemoryThatTheseTestsAllow() throws {
    let arguments = Small.train(try makeData(), path("run"), ["--epochs", "1"])
    let outcome = try Command(arguments, memoryLimit: Self.memoryLimit).wait()
    XCTAssertEqual(outcome.status, 0, outcome.err)
  }

  func testOversizedDimensionsAreRefusedBeforeMemoryIsTaken() throws {
    let largest = Int(UInt32.max)
    let content = TestImages().bytes
    for (number, sizes) in [
      [largest, largest, largest], [64, largest, 8], [1 << 30, 1, 1], [60000, 28, 28],
    ].enumerated() {
      let idx = ArrayFile.idx(sizes, content)
      try assertUnusable(
        try folder("idx\(number)", idx), naming: [Self.train], memoryLimit: Self.memoryLimit)
      try assertUnusable(
        try folder("gz\(number)", ArrayFile.gzip(idx), suffix: ".gz"), naming: [Self.train],
        memoryLimit: Self.memoryLimit)
      let npy = try write(ArrayFile.npy(sizes, content), "images\(number).npy")
      try assertUnusable(npy, naming: [npy], memoryLimit: Self.memoryLimit)
    }
    for shape in ["9223372036854775807, 9, 8", "99999999999999999999999, 8, 8", "-64, 8, 8"] {
      var npy = ArrayFile.npy([64, 8, 8], content)
      let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape)), }"
      npy.replaceSubrange(
        10..<128,
        with: Array((header.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n").utf8)
      )
      let data = try write(npy, "huge.npy")
      try assertUnusable(data, naming: [data], memoryLimit: Self.memoryLimit)
    }
  }

  func testAGzipBombIsRefusedBeforeMemoryIsTaken() throws {
    // Six gigabytes of zeros from 40 MB: more than the memory allowed, behind a header of 64 small
    // images and one that declares all of it.
    let repetitions = 1_500_000
    for (name, sizes, status) in [
      ("small", [64, 8, 8], Int32(65)), ("large", [repetitions, 64, 64], 71),
    ] {
      let header = ArrayFile.idx(sizes, [])
      let bomb = ArrayFile.gzipBomb(header, repetitions: repetitions)
      let data = try folder(name, bomb, suffix: ".gz")
      try assertUnusable(
        data, status: status, naming: [Self.train + ".gz"], memoryLimit: Self.memoryLimit)
    }
  }

  func testAHugeHeaderOfAnNPYFileIsRefused() throws {
    var npy: [UInt8] = [0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255]
    npy += Array("{'descr': '|u1'".utf8)
    let data = try write(npy, "images.npy")
    try assertUnusable(data, naming: [data], memoryLimit: Self.memoryLimit)
  }

  // MARK: Content that does not fit

  func testValuesThatAreNotFiniteAreRefusedNamingWhere() throws {
    for (name, value) in [("nan", Float.nan), ("infinity", -Float.infinity)] {
      var floats = TestImages().bytes.map { Float($0) / 255 }
      floats[5 * 64 + 7] = value
      let npy = ArrayFile.npy([64, 8, 8], floats: floats)
      let data = try write(npy, "\(name).npy")
      try assertUnusable(data, naming: [data, "5"])
      let archive = try write(ArrayFile.npz([(name: "train", npy: npy)]), "\(name).npz")
      try assertUnusable(archive, naming: [archive, "train"])
    }
    // In the test split as well, although training alone would not meet it.
    var floats = TestImages().bytes.map { Float($0) / 255 }
    floats[63 * 64] = .nan
    let archive = try write(
      ArrayFile.npz([
        (name: "train", npy: ArrayFile.npy(TestImages())),
        (name: "test", npy: ArrayFile.npy([64, 8, 8], floats: floats)),
      ]), "test.npz")
    try assertUnusable(archive, naming: [archive, "test"])
  }

  func testTypesAndShapesThatAreNoImagesAreRefused() throws {
    let content = TestImages().bytes
    let cases = [
      ("double.npy", ArrayFile.npy([8, 8, 8], type: "<f8", Array(content))),
      ("words.npy", ArrayFile.npy([64, 8, 8], type: "<U1", content)),
      ("object.npy", ArrayFile.npy([64, 8, 8], type: "|O", content)),
      ("line.npy", ArrayFile.npy([4096], content)),
      ("deep.npy", ArrayFile.npy([2, 2, 16, 8, 8], content)),
    ]
    for (name, npy) in cases {
      let data = try write(npy, name)
      try assertUnusable(data, naming: [data])
    }
  }

  func testSplitsOfDifferentSizesAreRefusedNamingBoth() throws {
    let data = try makeData()
    _ = try write(
      ArrayFile.idx(TestImages(40, height: 9, width: 7)), "data/t10k-images-idx3-ubyte")
    try assertUnusable(data, naming: ["t10k-images-idx3-ubyte", "8", "9"])
  }

  func testAnArchiveWithoutTrainingImagesIsRefusedNamingTheArray() throws {
    let data = try write(
      ArrayFile.npz([(name: "images", npy: ArrayFile.npy(TestImages()))]), "images.npz")
    try assertUnusable(data, naming: [data, "train"])
  }

  func testBernoulliOnGreyImagesIsRefusedNamingTheOptionThatHelps() throws {
    try assertUnusable(
      try makeData(), naming: ["bernoulli", "--binarize"],
      settings: ["--set", "likelihood=bernoulli"])
  }

  func testBinarizingValuesOutsideZeroToOneIsRefused() throws {
    let floats = TestImages().bytes.map { Float($0) - 100 }
    let data = try write(ArrayFile.npy([64, 8, 8], floats: floats), "images.npy")
    try assertUnusable(data, naming: [data, "--binarize"], settings: ["--binarize", "threshold"])
  }

  func testDequantizingWhatIsNoByteOrHasAProbabilityIsRefused() throws {
    let wanted = ["--dequantize", "uniform"]
    let binary = try makeData("binary", binary: true)
    try assertUnusable(
      binary, naming: ["--dequantize uniform", "zeros and ones"], settings: wanted)
    let floats = TestImages().bytes.map { Float($0) / 255 + 0.001 }
    let data = try write(ArrayFile.npy([64, 8, 8], floats: floats), "images.npy")
    try assertUnusable(
      data, naming: ["--dequantize uniform", "images.npy[0, 0, 0] is \(floats[0])"],
      settings: wanted)
    let grey = try makeData()
    for likelihood in ["categorical", "logistic-mixture"] {
      try assertUnusable(
        grey, status: 64, naming: ["--dequantize uniform", "--set likelihood=gaussian"],
        settings: wanted + ["--set", "likelihood=\(likelihood)"])
    }
    try assertUnusable(
      grey, naming: ["bernoulli"], settings: wanted + ["--set", "likelihood=bernoulli"])
    try assertUnusable(
      grey, status: 64, naming: ["--dequantize uniform", "--binarize dynamic"],
      settings: wanted + ["--binarize", "dynamic"])
  }

  func testFloatsOffTheGridOfBytesAreRefusedByLikelihoodsOfBytesNamingTheFirst() throws {
    var floats = TestImages().bytes.map { Float($0) / 255 }
    floats[3 * 64 + 2 * 8 + 5] = 0.5
    let data = try write(ArrayFile.npy([64, 8, 8], floats: floats), "images.npy")
    for likelihood in ["categorical", "logistic-mixture"] {
      try assertUnusable(
        data, naming: [likelihood, "images.npy[3, 2, 5] is 0.5", "uint8"],
        settings: ["--set", "likelihood=\(likelihood)"])
    }
  }

  func testThePixelCNNThatHasNoNeighboursAdvisesWhatTrains() throws {
    let data = try write(
      ArrayFile.npy([64, 1, 20], Array(TestImages(64, height: 1, width: 20).bytes)), "images.npy")
    let common = [
      "--data", data, "--out", path("run"), "--epochs", "1", "--batch-size", "16", "--threads", "1",
    ]
    for variant in ["pixelcnn", "pixelcnn-vae"] {
      let refused = try Command.run(["train", variant] + common)
      XCTAssertEqual(refused.status, 64, refused.err)
      XCTAssertTrue(refused.err.contains("no neighbours"), refused.err)
      // What it says after --set, word by word.
      let words = refused.err.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
      let advice = words.indices.filter { words[$0] == "--set" }.flatMap {
        ["--set", words[$0 + 1].trimmingCharacters(in: CharacterSet(charactersIn: ",;"))]
      }
      XCTAssertFalse(advice.isEmpty, refused.err)
      try run(["train", variant] + common + advice + ["--force"])
    }
  }

  func testFewerImagesThanABatchAreRefusedNamingBothNumbers() throws {
    try assertUnusable(
      try makeData(), naming: ["64", "128", "--batch-size"], settings: ["--batch-size", "128"])
  }

  // MARK: Data for a model that exists

  func testImagesOfAnotherSizeThanTheModelsAreRefusedNamingBoth() throws {
    let run = try TrainedRun.shared().run
    let data = try makeData(binary: true, height: 9, width: 7)
    for command in [["evaluate", run], ["reconstruct", run, "--out", path("images.png")]] {
      try assertRefused(
        command + ["--data", data], status: 65, naming: [data, "9x7", "8x8"])
    }
    XCTAssertFalse(exists(path("images.png")))
  }

  func testValuesThatTheModelWasNotTrainedForAreRefused() throws {
    let run = try TrainedRun.shared().run
    let data = try makeData()
    try assertRefused(["evaluate", run, "--data", data], status: 65, naming: [data, "binary"])
  }

  func testDamagedDataIsRefusedByEveryCommandThatReadsIt() throws {
    let run = try TrainedRun.shared().run
    let data = try folder("data", Array(ArrayFile.idx(TestImages(), binary: true).dropLast()))
    for command in [["evaluate", run], ["reconstruct", run, "--out", path("images.png")]] {
      try assertRefused(command + ["--data", data], status: 65, naming: [Self.train])
      try assertRefused(
        command + ["--data", path("missing")], status: 66, naming: [path("missing")])
    }
    XCTAssertFalse(exists(path("images.png")))
  }

  func testASplitThatTheDataLackIsRefusedNamingTheOnesThere() throws {
    let shared = try TrainedRun.shared()
    try assertRefused(
      ["evaluate", shared.run, "--data", shared.data, "--split", "valid"], status: 65,
      naming: [shared.data, "valid", "train", "test"])
    try assertRefused(
      ["evaluate", shared.run, "--data", shared.data, "--split", "tset"], status: 64,
      naming: ["tset", "train", "valid", "test"])
  }

  func testPipesAreRefusedWhereFilesAreExpected() throws {
    for name in ["pipe", "pipe.safetensors", "pipe.npy", "pipe.so"] {
      XCTAssertEqual(mkfifo(path(name), 0o600), 0)
    }
    for (arguments, words) in [
      (
        ["train", "--recipe", path("pipe"), "--data", "shapes:32", "--out", path("run")],
        ["pipe", "nothing comes out of it"]
      ),
      (
        ["train", "gaussian-vae", "--data", path("pipe.npy"), "--out", path("run")],
        ["pipe.npy", "neither a file nor a folder"]
      ),
      (
        ["train", "perceptual-vae", "--data", "shapes:32", "--out", path("run")]
          + ["--set", "network=\(path("pipe.safetensors"))"],
        ["pipe.safetensors", "it is not a file"]
      ),
      (["import", path("pipe.safetensors"), "--out", path("model.safetensors")], ["pipe"]),
    ] {
      try assertRefused(arguments, status: 65, naming: words)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")))
    try assertRefused(
      ["check", path("pipe.safetensors")], status: 65,
      naming: ["pipe.safetensors", "it is not a file"])
    let outcome = try Command.run(["plugin", "check", path("pipe.so")])
    XCTAssertEqual(outcome.status, 65, outcome.err)
    XCTAssertTrue(outcome.out.contains("pipe"), outcome.out)
  }
}
