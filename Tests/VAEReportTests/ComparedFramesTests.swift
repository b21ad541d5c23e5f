import Foundation
import VAEFiles
import VAEReport
import VAETraining
import XCTest

/// The panels of several runs that one slider moves.
final class ComparedFramesTests: ReportTestCase {
  private func page(_ runs: [RunHistory]) throws -> String {
    String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
  }

  /// Runs under names of their own.
  private func named(_ runs: [(name: String, run: MadeRun)]) throws -> [RunHistory] {
    try runs.map { name, run in
      var history = try history(run)
      history.name = name
      return history
    }
  }

  /// What the script draws each run from.
  private func runs(_ page: String) throws -> [[String: Any]] {
    try XCTUnwrap(try data(page)["runs"] as? [[String: Any]])
  }

  /// Runs of each kind, which differ in a setting, so that each has a label of its own.
  private static let kinds: [(name: String, run: MadeRun)] = {
    let kinds = [
      ("vector", MadeRun()), ("ladder", MadeRun(latents: .ladder([4, 2]))),
      ("codes", MadeRun(latents: .codes)), ("plain", MadeRun(latents: .none)),
      ("bare", MadeRun(hasRecords: false)),
    ]
    return kinds.enumerated().map { number, kind in
      var run = kind.1
      run.beta = number
      return (kind.0, run)
    }
  }()

  // MARK: The slider

  func testTheSliderStandsAtEveryStepThatARunHasARecordOf() {
    let timeline = Timeline([[0, 1, 4], [0, 2, 4, 9]])
    XCTAssertEqual(timeline.steps, [0, 1, 2, 4, 9])
    XCTAssertEqual(timeline.frames, [[0, 0], [1, 0], [1, 1], [2, 2], [2, 3]])
  }

  func testARunThatBeginsLaterShowsItsFirstRecordUntilThen() {
    let timeline = Timeline([[5, 6], [0]])
    XCTAssertEqual(timeline.frames, [[0, 0], [0, 0], [1, 0]])
    XCTAssertEqual(Timeline([]).steps, [])
  }

  func testEachMomentNamesItsStepAndWhatItShowsOfEachRun() throws {
    let page = try page(
      named([
        ("short", MadeRun(steps: [0, 1, 4])), ("bare", MadeRun(hasRecords: false)),
        ("long", MadeRun(steps: [0, 2, 4, 9])),
      ]))
    let moments = try XCTUnwrap(try data(page)["moments"] as? [[String: Any]])
    XCTAssertEqual(
      moments.compactMap { $0["at"] as? [Int] }, [[0, 0], [1, 0], [1, 1], [2, 2], [2, 3]])
    XCTAssertEqual(moments[2]["text"] as? String, "step 2 · moment 3 of 5")
    XCTAssertTrue(page.contains("max=\"4\" value=\"4\""))
    XCTAssertEqual(page.components(separatedBy: "type=\"range\"").count, 2, "one slider")
    XCTAssertTrue(page.contains("<span data-step=\"run0-\">step 4</span>"))
    XCTAssertTrue(page.contains("<span data-step=\"run2-\">step 9</span>"))
  }

  // MARK: Panels

  func testEveryRunHasAPanelOrASentenceInEveryGroup() throws {
    let page = try page(named(Self.kinds))
    try assertWellFormed(page, "kinds")
    let groups = page.matches(of: #/<h3 id="([a-z-]+)">[\s\S]*?(?=<h3|<\/section>)/#)
    XCTAssertEqual(
      groups.map { $0.output.1 },
      [
        "clouds", "rates", "levels", "mean-counts", "deviation-counts", "usages", "pictures",
        "traversals",
      ])
    for group in groups {
      for beta in Self.kinds.indices {
        let places = group.output.0.matches(of: try Regex("</span>beta=\(beta)(?=[<,:])"))
        XCTAssertEqual(places.count, 1, "\(group.output.1): \(beta)")
      }
      let panels = group.output.0.matches(
        of: #/<figure class="compared">[\s\S]*?(?=<figure class="compared">|$)/#)
      for panel in panels {
        XCTAssertTrue(
          panel.output.contains("class=\"missing\"") || panel.output.contains("<svg id=")
            || panel.output.contains("<svg viewBox=\"0 0 380") || panel.output.contains("<img"),
          "\(group.output.1): \(panel.output.prefix(300))")
      }
    }
    XCTAssertTrue(page.contains("Latents are codes, which have no place in a plane"))
    XCTAssertTrue(page.contains("This model has no latents."))
    XCTAssertTrue(page.contains("beta=4 has no records") && page.contains("--no-records"))
  }

  func testAPanelNamesTheRunItsVariantAndWhatTellsItFromOthersOfThatVariant() throws {
    var steep = MadeRun()
    steep.beta = 16
    let histories = try named([("plain", MadeRun()), ("steep", steep)])
    XCTAssertEqual(Comparison(histories).looks.map(\.label), ["beta=1", "beta=16"])
    XCTAssertEqual(
      Comparison(histories).captions, ["plain · gaussian-vae", "steep · gaussian-vae"])
    XCTAssertTrue(
      try page(histories).contains("</span>beta=16<small>steep · gaussian-vae · <span data-step"))
  }

  func testRunsWithoutRecordsHaveTheirSentenceAndNoSlider() throws {
    let bare = MadeRun(hasRecords: false)
    let page = try page(named([("one", bare), ("two", bare)]))
    try assertWellFormed(page, "bare")
    XCTAssertEqual(page.components(separatedBy: "has no records").count, 3)
    XCTAssertFalse(page.contains("type=\"range\"") || page.contains("id=\"data\""))
  }

  func testEveryElementOfSeveralRunsHasANameOfItsOwnAndWordsForThoseWhoDoNotSeeIt() throws {
    let page = try page(named(Self.kinds))
    let ids = page.matches(of: #/ id="([^"]+)"/#).map { String($0.output.1) }
    XCTAssertEqual(Set(ids).count, ids.count)
    for match in page.matches(of: #/(?:href="#|aria-labelledby="|for=")([^"]+)"/#) {
      XCTAssertTrue(ids.contains(String(match.output.1)), "\(match.output.0)")
    }
    for match in page.matches(of: #/<(?:img|svg) [^>]*>/#) {
      XCTAssertTrue(
        match.output.contains(#/alt="[^"]{8,}"|aria-hidden|aria-label/#),
        "\(match.output.prefix(80))")
    }
    let pictures = page.matches(of: #/<img [^>]*alt="([^"]*)"/#).map { $0.output.1 }
    XCTAssertFalse(pictures.isEmpty)
    XCTAssertTrue(pictures.allSatisfy { $0.contains(", of ") }, "\(pictures)")
  }

  func testNumbersThatMeanTheSameHaveTheSameAxes() throws {
    var wide = MadeRun(latents: .vector(5))
    wide.beta = 4
    let page = try page(named([("narrow", MadeRun()), ("wide", wide)]))
    let runs = try runs(page)
    let tops = runs.compactMap { ($0["units"] as? [String: Any])?["top"] as? Double }
    XCTAssertEqual(tops.count, 2)
    XCTAssertEqual(tops[0], tops[1])
    XCTAssertEqual(tops[0], 4 * 1.02, accuracy: 1e-9, "the largest rate of both")
    let extents = runs.compactMap { run in
      (run["views"] as? [[String: Any]])?.first?["extent"] as? Double
    }
    XCTAssertEqual(extents.count, 2)
    XCTAssertEqual(extents[0], extents[1])
    let axes = page.matches(of: #/Histogram: Means[\s\S]*?<path class="h"/#).map {
      $0.output.matches(of: #/<text[^>]*>[^<]*<\/text>/#).map { String($0.output) }
    }
    XCTAssertEqual(axes.count, 2)
    XCTAssertEqual(axes[0], axes[1])
  }

  func testOneRunThatGoesAstrayDoesNotMakePointsOfTheOthers() throws {
    var histories = try named((0..<3).map { ("run \($0)", MadeRun(latents: .vector(2))) })
    let path = histories[0].path
    var run = MadeRun(latents: .vector(2))
    for step in run.steps {
      var record = run.record(step)
      record.means = record.means.map {
        RecordedArray($0.values.map { $0 * 1e5 }, shape: $0.shape)
      }
      try DurableFiles.replace("\(path)/records/\(step).safetensors", with: record.encoded())
    }
    histories[0] = try RunHistory.read(path)
    let extents = try runs(page(histories)).compactMap { run in
      (run["views"] as? [[String: Any]])?.first?["extent"] as? Double
    }
    XCTAssertEqual(Set(extents).count, 1)
    // Three times what the run in the middle takes by itself.
    let middle = try data(String(decoding: Report.page(histories[1]), as: UTF8.self))
    let alone = (middle["views"] as? [[String: Any]])?.first?["extent"] as? Double
    XCTAssertEqual(
      try XCTUnwrap(extents.first), 3 * (try XCTUnwrap(alone)), accuracy: 1e-9)
  }

  func testARunWhosePriorIsItsOwnKeepsItsScaleAndSaysSo() throws {
    let ladder = MadeRun(latents: .ladder([4, 2]))
    XCTAssertFalse(try page(named([("a", MadeRun()), ("b", ladder)])).contains("Its prior is not"))
    let page = try page([historyWithItsOwnPrior()] + named([("b", MadeRun())]))
    XCTAssertEqual(page.components(separatedBy: "Its prior is not N(0, I)").count, 2)
  }

  func testCloudsOfTheSameClassesShareOneKeyAndOthersHaveTheirOwn() throws {
    let same = try page(named([("a", MadeRun()), ("b", MadeRun())]))
    XCTAssertEqual(same.components(separatedBy: "class=\"key\"").count, 2)
    XCTAssertTrue(same.contains("class=\"key\" id=\"key\""))
    var shapes = MadeRun(factors: ["shape"])
    shapes.hasLabels = false
    let other = try page(named([("a", MadeRun()), ("b", shapes)]))
    XCTAssertEqual(other.components(separatedBy: "class=\"key\"").count, 3)
    XCTAssertTrue(other.contains("id=\"run0-key\"") && other.contains("id=\"run1-key\""))
  }

  // MARK: Size

  func testTwelveRunsStayBelowThreeMegabytesAndSayWhatWasLeftOut() throws {
    var run = MadeRun(latents: .vector(64))
    run.steps = Array(0..<40)
    run.examples = 500
    run.size = (32, 32, 3)
    let histories = try named((0..<12).map { ("run \($0)", run) })
    let page = try page(histories)
    XCTAssertLessThan(page.utf8.count, 3_000_000)
    XCTAssertTrue(page.contains("clouds show 333 of up to 500 recorded examples"))
    // 600,000 bytes are twelve runs of 333 points of six bytes at 25 records.
    XCTAssertTrue(page.contains("at most 25 of the 40 records of a run are shown"))
    for run in try runs(page) {
      let frames = try XCTUnwrap(run["frames"] as? [[String: Any]])
      XCTAssertEqual(frames.first?["step"] as? String, "0")
      XCTAssertEqual(frames.last?["step"] as? String, "39", "the last record is shown")
      XCTAssertEqual(frames.count, 25)
      XCTAssertEqual(frames[1]["step"] as? String, "1")
      XCTAssertEqual(frames[12]["step"] as? String, "19", "half of the way")
    }
  }

  func testTwoRunsAreShownInFull() throws {
    var run = MadeRun()
    run.examples = 500
    let page = try page(named([("a", run), ("b", run)]))
    XCTAssertFalse(page.contains("To keep this page small"))
    XCTAssertEqual(page.components(separatedBy: "class=\"dot ").count, 1001)
  }
}
