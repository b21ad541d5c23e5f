import Foundation
import XCTest

/// Commands that may open few files at once: what is short is said, and nothing that is there is called
/// damaged, missing or left out.
final class OpenFilesTests: CommandTestCase {
  func testShortnessOfOpenFilesIsSaidWhereverItIsMet() throws {
    let (data, run) = try copyOfTrainedRun()
    let model = run + "/model.safetensors"
    let png = try bytes(try picture())
    for number in 0..<30 {
      try FileManager.default.createDirectory(
        atPath: path("images"), withIntermediateDirectories: true)
      _ = try write(png, "images/\(number).png")
    }
    let training = ["--epochs", "1", "--batch-size", "8", "--threads", "1", "--set", "hidden=4"]
    var refused = Set<String>()
    for limit in 4...9 {
      let commands = [
        ["check", run], ["check", model], ["evaluate", model, "--data", data],
        ["sample", run, "--count", "2", "--out", path("\(limit).png")],
        ["describe", "--recipe", "gaussian-vae"],
        ["train", "gaussian-vae", "--data", path("images"), "--out", path("run\(limit)")]
          + training,
        ["report", run],
      ]
      for command in commands {
        let outcome = try Shell.run(
          "ulimit -n \(limit); exec \"$V\" \(command.map { "'\($0)'" }.joined(separator: " "))",
          in: folder)
        let what =
          "\(limit) files: \(command.joined(separator: " ")): \(outcome.status) \(outcome.err)"
        XCTAssertTrue([0, 71].contains(outcome.status), what)
        XCTAssertFalse(outcome.err.contains("left out") || outcome.err.contains("damaged"), what)
        guard outcome.status == 71 else { continue }
        refused.insert(command[0])
        let last = outcome.err.split(separator: "\n").last.map(String.init) ?? ""
        XCTAssertTrue(last.hasPrefix("vae-zoo: ") && last.contains("files open as it may"), what)
      }
    }
    XCTAssertTrue(refused.isSuperset(of: ["check", "sample", "train", "report"]), "\(refused)")
    try self.run(["check", run])
  }

  private func picture() throws -> String {
    let out = path("one.png")
    try run(["sample", TrainedRun.shared().run, "--count", "1", "--out", out])
    return out
  }
}
