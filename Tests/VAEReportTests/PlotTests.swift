import VAECore
import VAEReport
import VAETraining
import XCTest

/// Learning curves and the plane of rate and distortion.
final class PlotTests: ReportTestCase {
  private func page(_ run: MadeRun) throws -> String { try page(of: history(run)) }

  // MARK: Learning curves

  func testCurvesBeginAndEndAtTheTermsOfTheRecordsAndEpochs() throws {
    let page = try page(MadeRun())
    for (title, recorded, byEpoch) in [
      (
        "−ELBO", "test from 200.0 to 176.0; training batch from 101.0 to 35.13",
        "test from 115.5 to 113.5; training from 120.0 to 118.0"
      ),
      (
        "distortion", "test from 200.0 to 168.0; training batch from 100.0 to 3.13",
        "test from 94.50 to 92.50; training from 100.0 to 98.00"
      ),
      (
        "rate", "test from 0.000 to 8.00; training batch from 1.00 to 32.00",
        "test from 21.00 to 21.00; training from 20.00 to 20.00"
      ),
    ] {
      let plots = plots(page, titled: title)
      XCTAssertEqual(plots.count, 2, title)
      XCTAssertTrue(plots[0].contains("\"\(title), over step: \(recorded).\""), plots[0])
      XCTAssertTrue(plots[1].contains("\"\(title), over epoch: \(byEpoch).\""), plots[1])
    }
  }

  func testPointsOfCurvesSayTheirStepOrEpochAndTheirNumber() throws {
    let page = try page(MadeRun())
    let notes = plots(page, titled: "distortion").map { plot in
      plot.matches(of: #/<title>([^<]*)</#).map { String($0.output.1) }
    }
    XCTAssertEqual(
      notes[0],
      [0, 1, 2, 4, 8, 16, 23, 32].map { "step \($0): \(200 - $0).0 nats" })
    XCTAssertEqual(
      notes[1], ["epoch 1: 94.50 nats", "epoch 2: 93.50 nats", "epoch 3: 92.50 nats"])
  }

  func testAPointOfACurveStandsAtItsStepAndTerm() throws {
    let plot = try XCTUnwrap(plots(page(MadeRun()), titled: "rate").first)
    let points = try numbers(plot, in: "circle class=\"m s0\"", ["cx", "cy"])
    // Rates of 0 to 8, and of batches to 32, with a twentieth of that on either side.
    let (low, high) = (-1.6, 33.6)
    for (point, step) in zip(points, MadeRun().steps) {
      XCTAssertEqual(
        point[0], 46 + 304 * log(1 + Double(step)) / log(33), accuracy: 0.06, "\(step)")
      XCTAssertEqual(
        point[1], 196 - 174 * (Double(step) / 4 - low) / (high - low), accuracy: 0.06, "\(step)")
    }
    XCTAssertGreaterThanOrEqual(points.count, 8)
  }

  func testTheFirstOfManyEpochsDoesNotFlattenTheOthers() throws {
    for (epochs, isWide) in [(4, true), (5, false)] {
      var run = MadeRun(epochs: epochs)
      run.fall = 1000
      let plot = try XCTUnwrap(plots(page(run), titled: "distortion").last)
      let ticks = plot.matches(of: #/text-anchor="end">([0-9]+)</#).compactMap {
        Int($0.output.1)
      }
      XCTAssertEqual(ticks.contains { $0 >= 500 }, isWide, "\(ticks)")
    }
  }

  func testTheTableOfEpochsHasTheTermsOfBothSplits() throws {
    let table = try part(
      page(MadeRun()), after: "Metrics by epoch, in nats per example</caption>", before: "</table>")
    let header = [
      "epoch", "step", "training −ELBO", "training distortion", "training rate", "test −ELBO",
      "test distortion", "test rate", "seconds",
    ]
    XCTAssertTrue(
      table.contains(header.map { "<th scope=\"col\">\($0)</th>" }.joined() + "</tr>"), table)
    for (epoch, cells) in [
      ("1", ["10", "120.00", "100.00", "20.00", "115.50", "94.50", "21.00", "2.5"]),
      ("3", ["30", "118.00", "98.00", "20.00", "113.50", "92.50", "21.00", "2.5"]),
    ] {
      XCTAssertTrue(
        table.contains(
          "<th scope=\"row\">\(epoch)</th>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"),
        table)
    }
  }

  func testEpochsWithoutHeldOutExamplesHaveACurveOfTheirTrainingAlone() throws {
    var run = MadeRun()
    run.hasHeldOut = false
    let page = try page(run)
    let plot = try XCTUnwrap(plots(page, titled: "rate").last)
    XCTAssertTrue(plot.contains("over epoch: training from 20.00 to 20.00."), plot)
    XCTAssertTrue(page.contains("<td>20.00</td><td>–</td><td>–</td><td>–</td><td>2.5</td>"))
  }

  // MARK: The plane

  /// Rates of 0 to 8 and distortions of 200 to 168, with a margin of 8 % of them.
  private let (lowRate, highRate, lowDistortion, highDistortion) = (-0.64, 8.64, 165.44, 202.56)

  func testAPointOfThePlaneStandsAtItsRateAndDistortion() throws {
    let plot = try XCTUnwrap(plots(page(MadeRun()), titled: "The whole path").first)
    let points = try numbers(plot, in: "circle", ["cx", "cy"])
    XCTAssertEqual(points.count, 8)
    for (point, step) in zip(points, MadeRun().steps) {
      let (rate, distortion) = (Double(step) / 4, 200 - Double(step))
      XCTAssertEqual(
        point[0], 46 + 344 * (rate - lowRate) / (highRate - lowRate), accuracy: 0.06)
      XCTAssertEqual(
        point[1], 280 - 258 * (distortion - lowDistortion) / (highDistortion - lowDistortion),
        accuracy: 0.06)
    }
    XCTAssertTrue(
      plot.contains("<title>step 23: distortion 177.0 + rate 5.75 = 182.8</title>"), plot)
    XCTAssertTrue(plot.contains(">step 32</text>") && !plot.contains(">step 0</text>"), plot)
  }

  func testLinesOfEqualBoundGoFromOneEdgeToAnother() throws {
    let history = try history(MadeRun()) { record in
      record.heldOut = BoundTerms(
        distortion: 100 - 2 * Double(record.step), rate: Double(record.step))
    }
    let plot = try XCTUnwrap(plots(page(of: history), titled: "The whole path").first)
    let (left, right, bottom, top) = (-2.56, 34.56, 30.88, 105.12)
    let lines = plot.matches(
      of: #/<path class="i" d="M([0-9.-]+) ([0-9.-]+)L([0-9.-]+) ([0-9.-]+)"/#
    )
    .map { match in
      [match.output.1, match.output.2, match.output.3, match.output.4].compactMap { Double($0) }
    }
    // Of 50 from the left to the lower edge, of 100 from the left to the right one.
    let wanted = [[left, 50 - left, 50 - bottom, bottom], [left, 100 - left, right, 100 - right]]
    XCTAssertEqual(lines.count, 2, "\(lines)")
    for (line, ends) in zip(lines, wanted) {
      for (place, value) in zip(line, ends.enumerated()) {
        XCTAssertEqual(
          place,
          value.offset % 2 == 0
            ? 46 + 344 * (value.element - left) / (right - left)
            : 280 - 258 * (value.element - bottom) / (top - bottom), accuracy: 0.06)
      }
    }
    XCTAssertFalse(plot.contains("−ELBO 150"))
    XCTAssertTrue(plot.contains(">−ELBO 100</text>"), plot)
  }

  func testARunCameToRestWhereItsBoundWasWithinATwelfthOfItsFall() throws {
    let bounds = [0: 200.0, 1: 150, 2: 115, 4: 107, 8: 103, 16: 102, 23: 101, 32: 100]
    let long = try history(MadeRun()) { record in
      record.heldOut = BoundTerms(distortion: (bounds[record.step] ?? 0) - 10, rate: 10)
    }
    let plot = try XCTUnwrap(plots(page(of: long), titled: "Where it came to rest").first)
    let steps = plot.matches(of: #/<title>step ([0-9]+):/#).compactMap { Int($0.output.1) }
    XCTAssertEqual(steps, [4, 8, 16, 23, 32])
    // At least four points, and no plot of a path that is short itself.
    let steep = try plots(page(MadeRun()), titled: "Where it came to rest")
    XCTAssertEqual(steep.first?.matches(of: #/<title>/#).count, 4)
    XCTAssertTrue(
      try plots(page(MadeRun(steps: [0, 1, 2, 4, 8, 16])), titled: "Where it came to rest").isEmpty)
  }

  func testTheWayOfARunWithoutRecordsIsThatOfItsEpochs() throws {
    let plot = try XCTUnwrap(
      plots(page(MadeRun(hasRecords: false)), titled: "The whole path").first)
    XCTAssertTrue(
      plot.contains("<title>step 30: distortion 92.50 + rate 21.00 = 113.5</title>"), plot)
    var alone = MadeRun(hasRecords: false)
    alone.hasHeldOut = false
    let other = try XCTUnwrap(plots(page(alone), titled: "The whole path").first)
    XCTAssertTrue(other.contains("step 30: distortion 98.00 + rate 20.00 = 118.0"), other)
  }

  // MARK: Levels and codes

  func testTheRateOfEachLevelHasACurve() throws {
    let history = try history(MadeRun(latents: .ladder([4, 2]))) { record in
      record.layerRates = [Double(record.step) + 1, 2 * Double(record.step) + 0.5]
    }
    let plot = try XCTUnwrap(plots(page(of: history), titled: "Rate of each level").first)
    XCTAssertTrue(
      plot.contains(
        "over step: level 0 (nearest to the data) from 1.00 to 33.00; level 1 from 0.500 to 64.50."),
      plot)
  }

  func testCodesInUseAndTheirPerplexityHaveACurveEach() throws {
    let history = try history(MadeRun(latents: .codes)) { record in
      if record.step == 0 { record.codeCounts = [8, 8, 0, 0] }
    }
    let page = try page(of: history)
    // Of 5, 3 and 8 of 16.
    let shares: [Double] = [5.0 / 16, 3.0 / 16, 8.0 / 16]
    let perplexity = exp(-shares.reduce(0) { $0 + $1 * log($1) })
    let plot = try XCTUnwrap(plots(page, titled: "Use of the codebook").first)
    XCTAssertTrue(
      plot.contains(
        "perplexity from 2.00 to \(Numerals.short(perplexity)); codes in use from 2.00 to 3.00."),
      plot)
    XCTAssertTrue(page.contains("<p>Of 4 codes, over 20 recorded examples."))
  }

  func testStepsStandBesideTheirPointsWhereThereIsRoom() throws {
    func labels(_ plot: String?) throws -> [String] {
      try XCTUnwrap(plot).matches(of: #/<text class="t" ([^<]*)<\/text>/#).map {
        String($0.output.1)
      }
    }
    let found = try labels(plots(page(MadeRun()), titled: "The whole path").first)
    // The last point lies at 366.3 and 262.2, near the right edge; the second one at 79.0 and 46.7.
    XCTAssertEqual(found.first, #"x="360.3" y="257.2" text-anchor="end">step 32"#)
    XCTAssertEqual(found.last, #"x="85" y="41.7" text-anchor="start">1"#)
    // Of points near one another the later one has its step.
    let steps = found.compactMap { $0.components(separatedBy: ">").last }
    XCTAssertEqual(steps, ["step 32", "23", "16", "8", "4", "1"])
    let near = try labels(plots(page(MadeRun()), titled: "Where it came to rest").first)
    XCTAssertEqual(
      near.compactMap { $0.components(separatedBy: ">").last }, ["step 32", "23", "16", "8"])
  }

  func testCurvesOfManyEpochsHaveNoMarks() throws {
    for (epochs, count) in [(12, 12), (13, 0)] {
      let plot = try XCTUnwrap(plots(page(MadeRun(epochs: epochs)), titled: "rate").last)
      XCTAssertEqual(plot.components(separatedBy: "<title>epoch").count - 1, count)
      XCTAssertTrue(plot.contains("class=\"l s1\""), "training is a line")
      XCTAssertTrue(plot.contains(" stroke-dasharray=\"5 4\"/>"), "and a dashed one")
    }
  }

  func testLinesOfAPlotStandAboveTheLabelsOfTheirAxes() throws {
    let plot = try XCTUnwrap(plots(page(MadeRun()), titled: "rate").last)
    // Epochs 1 to 3, the single values of 20 and 21 with half a tenth of their distance around them.
    XCTAssertEqual(
      plot.matches(of: #/y="210" text-anchor="middle">([0-9]+)</#).map { String($0.output.1) },
      ["1", "2", "3"])
    XCTAssertTrue(plot.contains("<text x=\"46\" y=\"210\" text-anchor=\"middle\">1</text>"), plot)
    XCTAssertTrue(plot.contains("<text x=\"350\" y=\"210\" text-anchor=\"middle\">3</text>"), plot)
    XCTAssertTrue(plot.contains(">epoch</text>") && plot.contains(">nats</text>"), plot)
    XCTAssertEqual(
      plot.matches(of: #/text-anchor="end">([0-9.]+)</#).map { String($0.output.1) },
      ["20.0", "20.5", "21.0"])
    let one = try XCTUnwrap(plots(page(MadeRun(epochs: 1)), titled: "rate").last)
    XCTAssertTrue(one.contains("<text x=\"198\" y=\"210\" text-anchor=\"middle\">1</text>"), one)
  }
}
