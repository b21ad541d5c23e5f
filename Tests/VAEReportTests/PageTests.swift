import Foundation
import VAECore
import VAEFiles
import VAEImages
import VAEReport
import VAETraining
import XCTest

/// Pages about made-up runs.
final class PageTests: ReportTestCase {
  private func page(_ run: MadeRun) throws -> String {
    String(decoding: try Report.page(history(run)), as: UTF8.self)
  }

  private static let kinds: [(name: String, run: MadeRun)] = {
    var colored = MadeRun(size: (8, 8, 3), factors: ["shape", "x"])
    colored.hasLabels = false
    var strange = MadeRun(isReal: true)
    strange.size = (4, 4, 2)
    return [
      ("vector", MadeRun()), ("two units", MadeRun(latents: .vector(2))),
      ("one unit", MadeRun(latents: .vector(1))), ("ladder", MadeRun(latents: .ladder([4, 2]))),
      ("codes", MadeRun(latents: .codes)), ("no latents", MadeRun(latents: .none)),
      ("colour and factors", colored), ("two channels", strange),
      ("reals", MadeRun(isReal: true)), ("no labels", MadeRun(hasLabels: false)),
      ("one record", MadeRun(steps: [0], epochs: 0)), ("no records", MadeRun(hasRecords: false)),
      ("no epoch yet", MadeRun(epochs: 0)),
    ]
  }()

  // MARK: Every page

  func testEveryPageIsWellFormedAndLoadsNothing() throws {
    for (name, run) in Self.kinds {
      let page = try page(run)
      try assertWellFormed(page, name)
      XCTAssertTrue(page.contains("default-src 'none'"), name)
      let outside = page.replacing("http://www.w3.org/2000/svg", with: "")
      for word in ["http:", "https:", "src=\"/", "href=\"/", "url(", "@import", "<link"] {
        XCTAssertFalse(outside.contains(word), "\(name): \(word)")
      }
      XCTAssertFalse(
        page.matches(of: #/(?:cx|cy|x|y|d|r|height)="[^"]*(?:nan|inf)/#).count > 0, name)
    }
  }

  func testEveryPictureAndPlotHasWordsForThoseWhoDoNotSeeIt() throws {
    for (name, run) in Self.kinds {
      let page = try page(run)
      for match in page.matches(of: #/<img [^>]*>/#) {
        XCTAssertTrue(
          match.output.contains(#/alt="[^"]{8,}"/#), "\(name): \(match.output.prefix(80))")
      }
      for match in page.matches(of: #/<svg [^>]*>/#) {
        XCTAssertTrue(
          match.output.contains("aria-hidden") || match.output.contains("aria-label"),
          "\(name): \(match.output)")
      }
      let ids = page.matches(of: #/ id="([^"]+)"/#).map { String($0.output.1) }
      XCTAssertEqual(Set(ids).count, ids.count, "\(name): \(ids)")
      for match in page.matches(of: #/(?:href="#|aria-labelledby="|for=")([^"]+)"/#) {
        XCTAssertTrue(ids.contains(String(match.output.1)), "\(name): \(match.output.0)")
      }
    }
  }

  func testNamesFromOutsideCannotBecomeMarkup() throws {
    var run = MadeRun(factors: ["</script><b>", "x\"y"])
    run.data = "<img src=x onerror=alert(1)>"
    run.command = "vae-zoo train --data '</script><script>alert(2)</script>'"
    run.evaluations = [#"{"split": "<i>", "step": 3, "examples": 4, "elbo": -1}"#]
    let page = try page(run)
    try assertWellFormed(page, "hostile")
    XCTAssertFalse(page.contains("<img src=x") || page.contains("<script>alert"))
    XCTAssertFalse(page.contains("</script><b>") || page.contains("<i>"))
    XCTAssertTrue(page.contains("&lt;img src=x onerror=alert(1)&gt;"))
    XCTAssertEqual(page.components(separatedBy: "</script>").count, 3)
  }

  func testAPageWithLargeColourPicturesOfNoiseStaysBelowThreeMegabytes() throws {
    var run = MadeRun(latents: .vector(128))
    run.steps = Array(0..<31)
    run.examples = 500
    run.size = (64, 64, 3)
    let page = try page(run)
    XCTAssertLessThan(page.utf8.count, 3_000_000)
    let pictures = try XCTUnwrap(try data(page)["pictures"] as? [String: Any])
    let frames = try XCTUnwrap(pictures["frames"] as? [Int])
    XCTAssertEqual(frames.last, 30, "the last record is pictured")
    XCTAssertGreaterThanOrEqual(frames.count, 8)
    XCTAssertTrue(page.contains("there are pictures of \(frames.count) of the 31 records"))
  }

  // MARK: Numbers

  func testNumbersOfThePageAreThoseOfTheRun() throws {
    var run = MadeRun()
    run.evaluations = [
      #"{"split": "test", "step": 32, "examples": 20, "elbo": -113.5, "elbo_stderr": 0.25, "mig": 0.125}"#
    ]
    let page = try page(run)
    XCTAssertTrue(page.contains("<dt>−ELBO</dt><dd>113.50"))
    XCTAssertTrue(page.contains("<dt>distortion</dt><dd>92.50"))
    XCTAssertTrue(page.contains("<dt>active units</dt><dd>2<small>of 3"), "one never varies")
    XCTAssertTrue(page.contains("−113.50 ± 0.25") && page.contains("0.125"))
    XCTAssertTrue(page.contains("begun 2023-11-14 22:13 UTC"))
    XCTAssertTrue(page.contains(run.command))
    XCTAssertTrue(
      page.contains("step 32 · epoch 3.20 · −ELBO 176.0 = distortion 168.0 + rate 8.00"))
  }

  func testUnitsAreCountedAmongAllThereAreAlsoWhereFewerHaveBars() throws {
    let page = try page(MadeRun(latents: .vector(128)))
    let units = try XCTUnwrap(try data(page)["units"] as? [String: Any])
    XCTAssertEqual((units["rates"] as? [[Double]])?.first?.count, 64)
    for text in try XCTUnwrap(units["texts"] as? [String]) {
      let counts = text.prefix { $0 != ";" }.split { !$0.isNumber }.compactMap { Int($0) }
      XCTAssertEqual(counts.count, 2, text)
      XCTAssertEqual(counts.reduce(0, +), 128, text)
    }
  }

  func testTheCloudIsThatOfTheRecordedMeansAtEveryRecord() throws {
    var run = MadeRun(latents: .vector(2))
    let history = try history(run)
    let page = String(decoding: try Report.page(history), as: UTF8.self)
    let views = try XCTUnwrap(try data(page)["views"] as? [[String: Any]])
    let extent = try XCTUnwrap(views[1]["extent"] as? Double)
    let bytes = try XCTUnwrap(
      (views[1]["points"] as? String).flatMap { Data(base64Encoded: $0) })
    let numbers = stride(from: 0, to: bytes.count, by: 2).map {
      Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
    XCTAssertEqual(numbers.count, run.steps.count * run.examples * 2)
    let means = history.records.flatMap { $0.means?.values ?? [] }
    for (number, mean) in zip(numbers, means) {
      XCTAssertEqual(Double(number) / 32767 * extent, Double(mean), accuracy: extent / 30000)
    }
    _ = run.record(0)
  }

  func testDrawsLieAroundTheirMeansAsFarAsTheirVariancesSay() throws {
    var run = MadeRun(latents: .vector(2))
    run.examples = 400
    run.steps = [0, 1]
    let history = try history(run)
    let views = LatentView.views(of: history)
    let record = history.records[0]
    let (means, variances) = (
      try XCTUnwrap(record.means?.values), try XCTUnwrap(record.variances?.values)
    )
    var (sum, squares) = (0.0, 0.0)
    for (place, point) in views[0].frames[0].enumerated() {
      for (unit, value) in [point.x, point.y].enumerated() {
        let place = place * 2 + unit
        let noise = (value - Double(means[place])) / Double(variances[place]).squareRoot()
        sum += noise / 800
        squares += noise * noise / 800
      }
    }
    XCTAssertEqual(sum, 0, accuracy: 0.12)
    XCTAssertEqual(squares, 1, accuracy: 0.16)
  }

  func testPicturesAreTheRecordedImages() throws {
    let history = try history(MadeRun())
    let pictures = try XCTUnwrap(try Pictures.fitting(history, bytes: 1_000_000))
    XCTAssertEqual(pictures.frames, Array(0..<8))
    let uri = try XCTUnwrap(pictures.uris[.samples]?[2])
    let bytes = try XCTUnwrap(Data(base64Encoded: String(uri.dropFirst(22))))
    let image = try PixelImage(png: [UInt8](bytes))
    guard case .bytes(let samples)? = history.records[2].samples else { return XCTFail("no bytes") }
    XCTAssertEqual([image.width, image.height], [4 * 6 + 1, 4 * 7 + 1])
    for row in 0..<6 {
      for column in 0..<5 {
        // The sixth image is the second of the second row.
        let place = (7 + row + 1) * image.width + 6 + column + 1
        XCTAssertEqual(image.pixels[place], samples.values[5 * 30 + row * 5 + column])
      }
    }
  }

  // MARK: Traversals

  func testTraversalsAreTheRecordedImagesWithTheirLatentsNamed() throws {
    let history = try history(MadeRun(latents: .ladder([4, 2])))
    let pictures = try XCTUnwrap(try TraversalPictures.fitting(history, bytes: 1_000_000))
    XCTAssertEqual(pictures.frames, Array(0..<8))
    XCTAssertEqual(
      pictures.labels[3],
      [["level 1", "unit 1", "0.50 nats"], ["level 0", "unit 0", "0.50 nats"]])
    let bytes = try XCTUnwrap(Data(base64Encoded: String(pictures.uris[2].dropFirst(22))))
    let image = try PixelImage(png: [UInt8](bytes))
    XCTAssertEqual([image.width, image.height], [3 * 6 + 1, 2 * 7 + 1])
    guard case .bytes(let values)? = history.records[2].traversals?.images else {
      return XCTFail("no bytes")
    }
    for row in 0..<6 {
      for column in 0..<5 {
        // The sixth image is the last of the second row.
        let place = (7 + row + 1) * image.width + 2 * 6 + column + 1
        XCTAssertEqual(image.pixels[place], values.values[5 * 30 + row * 5 + column])
      }
    }
    XCTAssertEqual(
      try TraversalPictures.fitting(history, bytes: 1)?.frames, [7], "the last one at least")
  }

  func testAPageHasTraversalsOfWhateverLatentsThereAre() throws {
    let units = try page(MadeRun())
    XCTAssertTrue(units.contains("id=\"traversals\"") && units.contains("id=\"walk-picture\""))
    XCTAssertTrue(units.contains("<li><span>unit 2</span><span>2.00 nats</span></li>"))
    for head in ["1\u{202f}%", "50\u{202f}%", "99\u{202f}%"] {
      XCTAssertTrue(units.contains("<span>\(head)</span>"), head)
    }
    let codes = try page(MadeRun(latents: .codes))
    XCTAssertTrue(codes.contains("<li><span>row 1</span><span>column 0</span></li>"))
    XCTAssertTrue(codes.contains("<span>own</span>"))
    XCTAssertFalse(try page(MadeRun(latents: .none)).contains("id=\"traversals\""))
    let old = try page(MadeRun(hasTraversals: false))
    XCTAssertTrue(old.contains("The records have no traversals") && !old.contains("walk-picture\""))
  }

  // MARK: Words

  func testUnitsAreCountedFromZeroAsTraversalsCountThem() throws {
    let page = try page(MadeRun())
    XCTAssertTrue(page.contains("<title>unit 0</title>") && page.contains("<title>unit 2</title>"))
    XCTAssertFalse(page.contains("unit 3"))
    let ladder = try self.page(MadeRun(latents: .ladder([4, 2])))
    XCTAssertTrue(ladder.contains("level 0 (nearest to the data)"))
    XCTAssertTrue(ladder.contains("<title>level 1, unit 0</title>"))
    XCTAssertFalse(ladder.contains("level 2"))
  }

  func testOnlyViewsWhosePriorIsStandardNormalSayThatItIs() throws {
    let views = LatentView.views(of: try history(MadeRun(latents: .ladder([4, 2]))))
    XCTAssertEqual(views.map { $0.note.contains("prior N(0, I).") }, [true, false])
    XCTAssertTrue(views[1].note.contains("Grey: draws from the prior"))
    XCTAssertTrue(try page(MadeRun()).contains("σ = 1, that of the prior"))
    let page = String(decoding: try Report.page(historyWithItsOwnPrior()), as: UTF8.self)
    XCTAssertFalse(page.contains("that of the prior") || page.contains("class=\"mark\""))
    XCTAssertFalse(page.contains("of the prior N(0, I)"))
    let small = try XCTUnwrap(page.range(of: "class=\"moments\""))
    XCTAssertFalse(page[small.upperBound...].contains("class=\"ring\""))
  }

  func testAStageOverLatentsShowsNoDistortionOfTraining() throws {
    var run = MadeRun(latents: .codes)
    run.isOverLatents = true
    let history = try history(run)
    XCTAssertTrue(history.epochs.allSatisfy { $0.train.distortion.isNaN && $0.train.rate == 20 })
    XCTAssertTrue(history.records.allSatisfy { $0.batch?.distortion.isNaN ?? true })
    let page = String(decoding: try Report.page(history), as: UTF8.self)
    XCTAssertTrue(page.contains("This stage was trained on latents alone"))
    let plots = page.matches(of: #/<figcaption>distortion<[\s\S]*?<\/figure>/#)
    XCTAssertEqual(plots.count, 2)
    for plot in plots { XCTAssertFalse(plot.output.contains("training")) }
    XCTAssertTrue(
      page.contains(#/<figcaption>rate<\/figcaption>[\s\S]*?training[\s\S]*?<\/figure>/#))
    XCTAssertFalse(try self.page(MadeRun(latents: .codes)).contains("trained on latents alone"))
  }

  func testAllCodesAreShownAndUnusedOnesCounted() throws {
    for (count, group) in [(4, 1), (256, 1), (257, 2), (512, 2), (1000, 4)] {
      var run = MadeRun(latents: .codes)
      run.codeCounts = (0..<Int32(count)).map { $0 % 3 == 0 ? 0 : 10 }
      let panel = try XCTUnwrap(CodeUsagePanel(history(run)))
      let unused = (count + 2) / 3
      XCTAssertEqual(panel.group, group)
      XCTAssertEqual(panel.frames[0].count, (count + group - 1) / group)
      XCTAssertEqual(
        panel.texts[0], "\(count - unused) of \(count) codes in use, \(unused) unused.")
      XCTAssertEqual(panel.frames[0].first, 100)
      XCTAssertEqual(panel.frames[0].last, 0)
    }
  }

  func testNoClassLiesAboveTheOthersInASmallCloud() throws {
    var run = MadeRun(latents: .vector(2))
    run.examples = 500
    let page = try page(run)
    let start = try XCTUnwrap(page.range(of: "class=\"moments\""))
    let end = try XCTUnwrap(page.range(of: "</button>", range: start.upperBound..<page.endIndex))
    let colors = page[start.upperBound..<end.lowerBound].matches(of: #/<path class="(c[0-9])"/#)
      .map { $0.output.1 }
    XCTAssertEqual(Set(colors).count, 10)
    XCTAssertGreaterThan(colors.count(where: { $0 == colors.first }), 10, "in layers")
  }

  func testNumbersThatAreNotFiniteLeaveGapsAndNothingElse() throws {
    var run = MadeRun(latents: .vector(2))
    let path = temporaryFolder(self)
    try run.write(to: path)
    var record = run.record(32)
    record.heldOut = BoundTerms(distortion: .infinity, rate: .nan)
    record.means = record.means.map {
      RecordedArray([.nan, .infinity] + Array($0.values.dropFirst(2)), shape: $0.shape)
    }
    try DurableFiles.replace("\(path)/records/32.safetensors", with: record.encoded())
    let page = String(decoding: try Report.page(RunHistory.read(path)), as: UTF8.self)
    try assertWellFormed(page, "not finite")
    XCTAssertFalse(page.matches(of: #/(?:cx|cy|d|r)="[^"]*(?:nan|inf)/#).count > 0)
    XCTAssertTrue(page.contains("display:none"))
  }

  func testAnyNumbersInTheMetricsGiveAPage() throws {
    let path = temporaryFolder(self)
    var run = MadeRun(latents: .vector(2), steps: [0, 1], examples: 4)
    try run.write(to: path)
    let good = try DurableFiles.read("\(path)/metrics.jsonl")
    let numbers = [
      "-1e308", "1e308", "-1", "0", "5e-324", "1e-300", "\(Int.max)", "\(Int.min)", "null", "1e999",
    ]
    let members = [
      "epoch", "step", "train.elbo", "train.rate", "train.distortion", "valid.rate",
      "valid.distortion", "active_units", "codebook_perplexity", "seconds",
    ]
    for member in members {
      for number in numbers {
        func text(_ name: String, _ otherwise: String) -> String {
          name == member ? number : otherwise
        }
        func terms(_ name: String) -> String {
          ["elbo", "rate", "distortion"].map { "\"\($0)\": \(text("\(name).\($0)", "-11"))" }
            .joined(separator: ", ")
        }
        let line = """
          {"epoch": \(text("epoch", "4")), "step": \(text("step", "40")), "train": {\(terms("train"))}, \
          "valid": {\(terms("valid"))}, "active_units": \(text("active_units", "2")), \
          "codebook_perplexity": \(text("codebook_perplexity", "3")), "seconds": \(text("seconds", "2"))}

          """
        for lines in [good + Array(line.utf8), Array(line.utf8)] {
          try DurableFiles.replace("\(path)/metrics.jsonl", with: lines)
          let history = try RunHistory.read(path)
          try assertWellFormed(
            String(decoding: try Report.page(history), as: UTF8.self), "\(member): \(number)")
          if lines.count > line.utf8.count && number == "1e308" {
            _ = try Report.page(Comparison([history, history]))
          }
        }
      }
    }
  }

  func testAPageOfARunInTrainingLooksForItsSuccessorAndAFinishedOneDoesNot() throws {
    let history = try history(MadeRun())
    let live = String(decoding: try Report.page(history, isLive: true), as: UTF8.self)
    XCTAssertTrue(live.contains("<html lang=\"en\" data-live>") && live.contains("id=\"reload\""))
    try assertWellFormed(live.replacing(" data-live", with: ""), "live")
    XCTAssertFalse(try page(MadeRun()).contains("<html lang=\"en\" data-live>"))
  }

  // MARK: What lacks

  func testARunWithoutRecordsIsShownAsFarAsItGoesAndSaysHowToHaveThem() throws {
    let page = try page(MadeRun(hasRecords: false))
    XCTAssertTrue(page.contains("This run has no records") && page.contains("--resume"))
    XCTAssertTrue(page.contains("By epoch"))
  }

  func testARunWithNeitherMetricsNorRecordsIsRefused() throws {
    XCTAssertThrowsError(try history(MadeRun(epochs: 0, hasRecords: false))) {
      XCTAssertTrue("\($0)".contains("neither metrics nor records"), "\($0)")
    }
  }

  func testRecordsThatDoNotBelongTogetherAreRefusedNamingTheFile() throws {
    var run = MadeRun()
    let path = temporaryFolder(self)
    try run.write(to: path)
    var other = MadeRun(latents: .vector(5))
    try DurableFiles.replace("\(path)/records/4.safetensors", with: other.record(4).encoded())
    XCTAssertThrowsError(try RunHistory.read(path)) {
      XCTAssertTrue("\($0)".contains("\(path)/records/4.safetensors"), "\($0)")
    }
    try DurableFiles.replace("\(path)/records/4.safetensors", with: [1, 2, 3])
    XCTAssertThrowsError(try RunHistory.read(path)) {
      XCTAssertTrue("\($0)".contains("\(path)/records/4.safetensors"), "\($0)")
    }
  }

  func testRecordsWhoseExamplesAreLostAreRefused() throws {
    var run = MadeRun()
    let path = temporaryFolder(self)
    try run.write(to: path)
    try FileManager.default.removeItem(atPath: "\(path)/records/examples.safetensors")
    XCTAssertThrowsError(try RunHistory.read(path)) {
      XCTAssertTrue("\($0)".contains("examples.safetensors"), "\($0)")
    }
    run.examples = 12
    try DurableFiles.replace(
      "\(path)/records/examples.safetensors", with: run.recordedExamples().encoded())
    XCTAssertThrowsError(try RunHistory.read(path)) {
      XCTAssertTrue("\($0)".contains("12 examples"), "\($0)")
    }
  }
}
