import Foundation
import XCTest

/// What messages advise can be done.
final class AdviceTests: CommandTestCase {
  /// A run on an array that has but a training split.
  private func makeRunOfOneSplit() throws -> (data: String, run: String) {
    let data = try write(
      ArrayFile.npy([40, 8, 8], TestImages(40).bytes), "x.npy")
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    return (data, path("run"))
  }

  func testASplitThatIsNotThereIsAdvisedInPlaceOf() throws {
    let (data, run) = try makeRunOfOneSplit()
    let commands = [
      ["evaluate", run, "--data", data],
      ["reconstruct", run, "--data", data, "--out", path("r.png")],
      ["encode", run, "--data", data, "--out", path("e.npy")],
    ]
    for command in commands {
      try assertRefused(command, status: 65, naming: ["has no split test", "by --split train"])
      try self.run(command + ["--split", "train"])
    }
    XCTAssertTrue(exists(path("r.png")))
  }

  func testOneExampleHasNoStandardErrorAndIsOne() throws {
    let (_, run) = try makeRunOfOneSplit()
    let one = try write(ArrayFile.npy([1, 8, 8], TestImages(1).bytes), "one.npy")
    let arguments = [
      "evaluate", run, "--data", one, "--split", "train", "--importance-samples", "1",
    ]
    let text = try self.run(arguments).out
    XCTAssertTrue(text.hasPrefix("1 example of train\n"), text)
    XCTAssertTrue(text.contains("1 importance sample\n"), text)
    XCTAssertFalse(text.contains("±"), text)
    let result = try object(self.run(arguments + ["--json"]).out)
    for name in ["elbo", "rate", "distortion", "nll"] {
      XCTAssertTrue(result["\(name)_stderr"] is NSNull, name)
      XCTAssertNotNil(result[name] as? Double, name)
    }
    let written = try self.run(["sample", run, "--count", "1", "--out", path("s.png")])
    XCTAssertEqual(written.err, "wrote 1 sample to \(path("s.png"))\n")
  }

  func testARunGoesOnWithItsDataFromAnyFolder() throws {
    _ = try makeData("place/data")
    let outcome = try Shell.run(
      """
      mkdir elsewhere; cd place
      "$V" train gaussian-vae --data data --out run --epochs 1 --batch-size 16 --threads 1 --set hidden=8 || exit 1
      cd ../elsewhere; mv ../place/data ../place/moved
      "$V" train --out ../place/run --resume --epochs 2 2>said && exit 2
      cat said; mv ../place/moved ../place/data
      "$V" train --out ../place/run --resume --epochs 2 --threads 1 || exit 3
      mv ../place/data ../place/moved
      "$V" train --out ../place/run --resume --epochs 3 --data ../place/moved --threads 1 || exit 4
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    let said = try XCTUnwrap(outcome.lines.first { $0.hasPrefix("vae-zoo: ") })
    for words in [
      "../place/run has on record, data, named in the folder", "/place,", "by --data",
    ] {
      XCTAssertTrue(said.contains(words), said)
    }
  }

  func testValuesFarFromWhatModelsExpectAreToldBeforeTheyAreTrainedOn() throws {
    func train(_ scale: Float) throws -> String {
      let values = TestImages(64).bytes.map { (Float($0) / 255 - 0.2) * scale + 0.001 }
      let content = values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
      let data = try write(ArrayFile.npy([64, 8, 8], type: "<f4", content), "f\(scale).npy")
      return try Command.run(
        Small.train(data, path("run\(scale)"), ["--epochs", "1"])
      ).err
    }
    XCTAssertTrue(try train(1e6).contains("where models expect numbers near 1"))
    XCTAssertFalse(try train(1).contains("expect numbers near 1"))
  }
}
