import Foundation
import XCTest

/// A small run on binary 8×8 images, trained once for all tests that do not change it.
struct TrainedRun: Sendable {
  /// A folder of IDX files: 64 training and 40 test images, bytes 0 and 1.
  let data: String
  /// The run folder.
  let run: String
  /// The exported file.
  var model: String { run + "/model.safetensors" }

  static let epochs = 3
  static let latent = 4
  static let testImages = 40

  /// The command that made the run.
  static func arguments(data: String, run: String) -> [String] {
    Small.train(data, run, ["--epochs", "\(epochs)"])
  }

  /// The run, trained at the first call.
  static func shared() throws -> TrainedRun { try result.get() }

  private static let result = Result<TrainedRun, any Error> {
    let folder = try TemporaryFolder.make()
    XCTestObservationCenter.shared.addTestObserver(Cleaner(folder))
    let fixture = TrainedRun(data: folder + "/data", run: folder + "/run")
    try Small.writeIDX(at: fixture.data, binary: true)
    let outcome = try Command.run(arguments(data: fixture.data, run: fixture.run))
    guard outcome.status == 0 else { throw Failure(description: outcome.err) }
    return fixture
  }

  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Removes the folder after the last test.
  private final class Cleaner: NSObject, XCTestObservation {
    private let folder: String

    init(_ folder: String) { self.folder = folder }

    func testBundleDidFinish(_ testBundle: Bundle) {
      try? FileManager.default.removeItem(atPath: folder)
    }
  }
}

/// Trainings that end in well under a second.
enum Small {
  /// `train gaussian-vae` with 64-32-(4)-32-64 units and four updates an epoch.
  static func train(_ data: String, _ run: String, _ more: [String] = []) -> [String] {
    [
      "train", "gaussian-vae", "--data", data, "--out", run, "--batch-size", "16", "--seed", "1",
      "--threads", "1", "--set", "hidden=32", "--set", "latent=4",
    ] + more
  }

  /// A folder of IDX files with 64 training and 40 test images.
  static func writeIDX(
    at folder: String, binary: Bool = false, height: Int = 8, width: Int = 8
  ) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, count, seed) in [("train", 64, 1), ("t10k", TrainedRun.testImages, 2)] {
      let images = TestImages(count, height: height, width: width, seed: UInt64(seed))
      let file = URL(fileURLWithPath: "\(folder)/\(name)-images-idx3-ubyte")
      try Data(ArrayFile.idx(images, binary: binary)).write(to: file)
    }
  }
}

extension CommandTestCase {
  /// A folder of IDX files with grey or binary images.
  func makeData(
    _ name: String = "data", binary: Bool = false, height: Int = 8, width: Int = 8
  ) throws -> String {
    try Small.writeIDX(at: path(name), binary: binary, height: height, width: width)
    return path(name)
  }

  /// A copy of the shared run that a test may change.
  func copyOfTrainedRun() throws -> (data: String, run: String) {
    let shared = try TrainedRun.shared()
    try FileManager.default.copyItem(atPath: shared.run, toPath: path("run"))
    return (data: shared.data, run: path("run"))
  }
}
