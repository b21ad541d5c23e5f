import Foundation
import XCTest

/// Runs of every variant and of each further stage that 0.1.0 and the commit before the core was opened wrote: `Files/runs`,
/// which `Files/make-runs` made, with the figures to find beside each.
final class OldVariantRunTests: CommandTestCase {
  private static let files =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Files"
  private let data = files + "/data-0.1"

  /// What one version wrote.
  private struct Written {
    let version: String
    let name: String
    var folder: String { "\(OldVariantRunTests.files)/runs/\(version)/\(name)" }
    var title: String { "\(name) of \(version)" }
  }

  private func runs() throws -> [Written] {
    try ["0.1.0", "9af37eb"].flatMap { version in
      try FileManager.default.contentsOfDirectory(atPath: "\(Self.files)/runs/\(version)")
        .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        .map { Written(version: version, name: $0) }
    }
  }

  /// A copy of a run beside copies of the others of its version, since a further stage looks for the run that it came from.
  private func copy(_ run: Written) throws -> String {
    let copies = path("\(run.version)-\(run.name)")
    try FileManager.default.copyItem(atPath: "\(Self.files)/runs/\(run.version)", toPath: copies)
    return "\(copies)/\(run.name)"
  }

  /// The figures under a name in the file beside a run.
  private func figures(_ run: Written, _ name: String) throws -> [String: Any] {
    let all = try object(String(contentsOfFile: run.folder + ".json", encoding: .utf8))
    return try XCTUnwrap(all[name] as? [String: Any], run.title)
  }

  private func evaluation(_ path: String) throws -> [String: Any] {
    try object(run(["evaluate", path, "--data", data, "--threads", "1", "--json"]).out)
  }

  /// Holds each number of one object, and of the objects and arrays in it, to that of another, relative to the larger
  /// of it and one: a bound near zero is the sum of two terms that are not.
  private func assertClose(
    _ found: Any?, _ wanted: Any, relative: Double, _ title: String
  ) throws {
    switch wanted {
    case let wanted as [String: Any]:
      let found = try XCTUnwrap(found as? [String: Any], title)
      for (name, value) in wanted {
        try assertClose(found[name], value, relative: relative, "\(title): \(name)")
      }
    case let wanted as [Any]:
      let found = try XCTUnwrap(found as? [Any], title)
      XCTAssertEqual(found.count, wanted.count, title)
      for (one, other) in zip(found, wanted) {
        try assertClose(one, other, relative: relative, title)
      }
    case let wanted as NSNumber:
      let (one, other) = (
        try XCTUnwrap(found as? NSNumber, title).doubleValue, wanted.doubleValue
      )
      XCTAssertEqual(one, other, accuracy: relative * max(abs(other), 1), title)
    default: XCTAssertEqual("\(found ?? "nothing")", "\(wanted)", title)
    }
  }

  func testThereIsARunOfEveryVariantAndStageOfEitherVersion() throws {
    let names = [
      "beta-vae", "gaussian-vae", "iwae", "ladder-vae", "pixelcnn", "pixelcnn-vae", "vq-vae",
      "vq-vae-prior",
    ]
    XCTAssertEqual(try runs().map(\.name), names + names)
  }

  /// Within 1e-5, since the bits are those of one instruction set: kernels of another sum in another order.
  func testRunsWrittenBy010AndTheirModelsLoadAndGiveTheSameNumbers() throws {
    for written in try runs() {
      let run = try copy(written)
      let wanted = try figures(written, "figures")
      for path in [run, run + "/model.safetensors"] {
        try assertClose(evaluation(path), wanted, relative: 1e-5, written.title)
      }
    }
  }

  /// Within 1e-3: an update divides by the root of small squares, which enlarges what rounding leaves on another
  /// processor. What the third epoch changes is more, or the test would see nothing.
  func testRunsWrittenBy010ResumeAndGiveTheSameNumbers() throws {
    let relative = 1e-3
    for written in try runs() {
      let run = try copy(written)
      let metrics = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      let arguments = [
        "train", "--out", run, "--resume", "--epochs", "3", "--threads", "1", "--no-records",
        "--data", data,
      ]
      let outcome = try Command(
        arguments, currentFolder: (run as NSString).deletingLastPathComponent
      ).wait()
      XCTAssertEqual(outcome.status, 0, "\(written.title): \(outcome.err)")
      let wanted = try figures(written, "resumed")
      for path in [run, run + "/model.safetensors"] {
        let found = try evaluation(path)
        for name in ["elbo", "rate", "distortion"] {
          try assertClose(
            found[name], XCTUnwrap(wanted[name]), relative: relative, "\(written.title): \(name)")
        }
      }
      let changed = try ["elbo", "rate", "distortion"].contains { name in
        let (before, after) = (
          try number(figures(written, "figures"), name), try number(wanted, name)
        )
        return abs(after - before) > 2 * relative * max(abs(after), 1)
      }
      XCTAssertTrue(changed, "\(written.title) learns nothing in its third epoch")
      let longer = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      XCTAssertTrue(longer.hasPrefix(metrics), written.title)
      XCTAssertEqual(longer.split(separator: "\n").count, 3, written.title)
    }
  }

  /// Its seed and settings are those of the run, so the figures are too, to rounding.
  func testRecipesOfOldRunsTrainToTheSameNumbers() throws {
    for written in try runs() where written.name != "vq-vae-prior" {
      let out = path("\(written.version)-\(written.name)")
      try run([
        "train", "--recipe", written.folder + "/recipe.json", "--data", data, "--out", out,
        "--epochs", "2", "--threads", "1", "--no-records",
      ])
      let (found, wanted) = try (evaluation(out), figures(written, "figures"))
      for name in ["elbo", "rate", "distortion"] {
        try assertClose(
          found[name], XCTUnwrap(wanted[name]), relative: 1e-3, "\(written.title): \(name)")
      }
    }
  }
}
