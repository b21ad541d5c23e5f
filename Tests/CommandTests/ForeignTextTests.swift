import Foundation
import XCTest

/// What somebody sent reaches the terminal as what it is, and costs no more than it may.
final class ForeignTextTests: CommandTestCase {
  /// What takes over a terminal's title, colours it, and turns the direction of writing; in JSON.
  private let hostile = "\\u001b]0;owned\\u0007\\u001b[31m\\u009b1m\\u202e\\u2028\\u007f\\u200b"
  private let shown =
    "\\u{1b}]0;owned\\u{7}\\u{1b}[31m\\u{9b}1m\\u{202e}\\u{2028}\\u{7f}\\u{200b}"

  private func assertPlain(_ outcome: Outcome, _ title: String) {
    for scalar in (outcome.out + outcome.err).unicodeScalars where scalar != "\n" {
      let isPlain =
        scalar.properties.generalCategory != .control
        && scalar.properties.generalCategory != .format && scalar != "\u{2028}"
      XCTAssertTrue(isPlain, "U+\(String(scalar.value, radix: 16)) in the output of \(title)")
      guard isPlain else { return }
    }
  }

  /// A recipe with one piece of its text replaced.
  private func recipe(_ old: String, _ new: String) throws -> String {
    let text = try run(["describe", "gaussian-vae", "--recipe"]).out
    XCTAssertTrue(text.contains(old), "\(old) in \(text)")
    return try write(
      Array(text.replacingOccurrences(of: old, with: new).utf8), "recipe-\(UUID().uuidString).json")
  }

  func testNamesOfARecipeAreShownAsTheyAre() throws {
    let data = try makeData()
    for (old, new) in [
      ("\"name\": \"mlp\"", "\"name\": \"\(hostile)\""), ("\"gaussian-vae\"", "\"\(hostile)\""),
      ("\"encoder\"", "\"\(hostile)\""), ("\"activation\"", "\"\(hostile)\""),
      ("\"relu\"", "\"\(hostile)\""),
      ("\"variant\": \"gaussian-vae\"", "\"variant\": \"x\", \"plugins\": [\"/\(hostile).so\"]"),
      ("\"stages\": [", "\"stages\": [{\"name\": \"\(hostile)\"},"),
    ] {
      let outcome = try Command.run([
        "train", "--recipe", recipe(old, new), "--data", data, "--out", path("run"), "--epochs",
        "0",
      ])
      XCTAssertNotEqual(outcome.status, 0, old)
      // What is quoted as JSON has JSON's escapes.
      XCTAssertTrue(
        outcome.err.contains(shown) || outcome.err.contains(hostile), "\(old): \(outcome.err)")
      assertPlain(outcome, old)
    }
  }

  func testWhatARunHasOnRecordIsShownAsItIs() throws {
    let (_, run) = try copyOfTrainedRun()
    _ = try write(
      Array("{\"step\": 0, \"time\": 1, \"data\": \"\(hostile)/x\"}\n".utf8),
      "run/records/sessions.jsonl")
    let resumed = try Command.run(["train", "--out", run, "--resume", "--epochs", "9"])
    XCTAssertEqual(resumed.status, 66, resumed.err)
    XCTAssertTrue(resumed.err.contains(shown), resumed.err)
    assertPlain(resumed, "train --resume")
    try self.run(["report", run, "--out", path("r.html")])
    let page = String(decoding: try bytes(path("r.html")), as: UTF8.self)
    XCTAssertFalse(page.unicodeScalars.contains { ["\u{1b}", "\u{9b}", "\u{202e}"].contains($0) })
  }

  func testJSONOnATerminalIsPlainAndMeansTheSame() throws {
    let folder = try write([], "\u{1b}[31m\u{9b}\u{202e}\u{e0041}/x")
    let run = (folder as NSString).deletingLastPathComponent + "/run"
    let data = try makeData()
    let outcome = try self.run(
      TrainedRun.arguments(data: data, run: run) + ["--json"])
    assertPlain(outcome, "train --json")
    let compared = try self.run(["compare", run, run])
    XCTAssertTrue(compared.out.contains("\\u{1b}[31m\\u{9b}\\u{202e}\\u{e0041}"), compared.out)
    assertPlain(compared, "compare")
  }

  func testAPathOfTheUsersOwnIsShownAsItIs() throws {
    let outcome = try Command.run(["sample", path("\u{1b}[31m\u{202e}"), "--out", "x.png"])
    XCTAssertEqual(outcome.status, 66)
    XCTAssertTrue(outcome.err.contains("\\u{1b}[31m\\u{202e}"), outcome.err)
    assertPlain(outcome, "sample")
  }

  func testACommandThatIsAdvisedCanBePastedWithoutHarm() throws {
    let data = try makeData()
    let recipe = try recipe(
      "\"variant\": \"gaussian-vae\"", "\"variant\": \"x\", \"plugins\": [\"/tmp/a; touch b.so\"]")
    try assertRefused(
      ["train", "--recipe", recipe, "--data", data, "--out", path("run")], status: 64,
      naming: ["--plugin '/tmp/a; touch b.so'"])
  }

  // MARK: Limits

  func testALimitIsNamedAndRaisedByAnOption() throws {
    let data = path("images")
    for number in 0..<4 {
      let pixels = (0..<64).map { UInt8(truncatingIfNeeded: $0 * number) }
      _ = try write(ArrayFile.png(height: 8, width: 8, grey: pixels), "images/\(number).png")
    }
    let train = [
      "train", "gaussian-vae", "--data", data, "--out", path("run"), "--epochs", "0", "--set",
      "hidden=4", "--batch-size", "2",
    ]
    let refused = try Command.run(train + ["--limit", "picture_bytes=63"])
    XCTAssertEqual(refused.status, 65)
    XCTAssertTrue(refused.err.contains("(picture_bytes)"), refused.err)
    try run(train + ["--limit", "picture_bytes=64"])
  }

  func testTheLimitOnWhatInflatesIsRaisedAsTheErrorSays() throws {
    let images = ArrayFile.idx([8, 16, 16], [UInt8](repeating: 0, count: 2048))
    let data = try write(ArrayFile.gzip(images), "train-images-idx3-ubyte.gz")
    let train = [
      "train", "gaussian-vae", "--data", data, "--out", path("run"), "--epochs", "0", "--set",
      "hidden=4", "--batch-size", "2",
    ]
    let advice = "--limit inflated_bytes=\(images.count)"
    try assertRefused(
      train + ["--limit", "inflated_bytes=1kB"], status: 65, naming: ["inflated_bytes", advice])
    try run(train + advice.split(separator: " ").map(String.init))
  }

  func testALimitThatThereIsNotIsRefused() throws {
    for (limit, word) in [
      ("pixels=3", "inflated_bytes"), ("picture_bytes", "name=value"),
      ("picture_bytes=x", "name=value"),
      ("picture_bytes=0", "picture_bytes"), ("inflation_ratio=2000", "1032"),
    ] {
      try assertRefused(
        ["sample", "run", "--out", "x.png", "--limit", limit], status: 64, naming: [word])
    }
  }
}
