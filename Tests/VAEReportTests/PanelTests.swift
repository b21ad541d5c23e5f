import Foundation
import VAECore
import VAEFiles
import VAEImages
import VAEReport
import VAETraining
import XCTest

/// What the panels of a page show of each record.
final class PanelTests: ReportTestCase {
  private func object(_ value: Any?) throws -> [String: Any] {
    try XCTUnwrap(value as? [String: Any])
  }

  private func image(_ uri: some StringProtocol) throws -> PixelImage {
    let bytes = try XCTUnwrap(Data(base64Encoded: String(uri.dropFirst(22))))
    return try PixelImage(png: [UInt8](bytes))
  }

  /// Packed points of all records.
  private func points(_ value: Any?, extent: Any?) throws -> [[Double]] {
    let bytes = try XCTUnwrap((value as? String).flatMap { Data(base64Encoded: $0) })
    let extent = try XCTUnwrap(extent as? Double)
    let numbers = stride(from: 0, to: bytes.count, by: 2).map { place -> Double in
      let bits = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
      return Double(Int16(bitPattern: bits)) / 32767 * extent
    }
    return stride(from: 0, to: numbers.count, by: 2).map { [numbers[$0], numbers[$0 + 1]] }
  }

  private func assertEqual(
    _ found: [[Double]], _ array: RecordedArray<Float>?, accuracy: Double, line: UInt = #line
  ) throws {
    let values = try XCTUnwrap(array?.values).map(Double.init)
    XCTAssertEqual(found.count * 2, values.count, line: line)
    for (one, other) in zip(found.joined(), values) {
      XCTAssertEqual(one, other, accuracy: accuracy, line: line)
    }
  }

  // MARK: Units

  func testBarsAreTheRatesOfEachRecordInTheOrderOfTheLast() throws {
    let history = try history(MadeRun()) { record in
      record.unitRates = [[0.2, Double(record.step) / 10, 1]]
      if record.step == 0 {
        record.means = record.means.map { RecordedArray($0.values.map { _ in 3 }, shape: $0.shape) }
      }
    }
    let page = try page(of: history)
    let data = try data(page)
    let units = try object(data["units"])
    let rates = try XCTUnwrap(units["rates"] as? [[Double]])
    XCTAssertEqual(rates[0], [0, 1, 0.2])
    XCTAssertEqual(rates[3], [0.4, 1, 0.2])
    XCTAssertEqual(rates[7], [3.2, 1, 0.2])
    XCTAssertEqual(units["top"] as? Double ?? 0, 3.2 * 1.02, accuracy: 1e-12)
    // The first unit never varies, and none does at the first record.
    let active = try XCTUnwrap(units["active"] as? [String])
    XCTAssertEqual([active[0], active[1], active[7]], ["000", "110", "110"])
    let texts = try XCTUnwrap(units["texts"] as? [String])
    XCTAssertEqual(
      texts[0], "0 active, 3 collapsed; most in unit 2 (1.00), unit 0 (0.200), unit 1 (0.000).")
    XCTAssertEqual(
      texts[7], "2 active, 1 collapsed; most in unit 1 (3.20), unit 2 (1.00), unit 0 (0.200).")
    let frames = try XCTUnwrap(data["frames"] as? [[String: String]])
    XCTAssertEqual(frames[3]["step"], "4")
    XCTAssertEqual(
      frames[3]["text"],
      "step 4 · epoch 0.40 · −ELBO 197.0 = distortion 196.0 + rate 1.00 · 2 of 3 units active")
    XCTAssertTrue(try XCTUnwrap(frames[0]["text"]).hasSuffix("· 0 of 3 units active"))

    // Those of the last record stand in the page.
    let picture = try part(page, after: "id=\"units\"", before: "</svg>")
    let bars = try numbers(picture, in: "rect", ["x", "y", "width", "height"])
    for (number, (bar, rate)) in zip(bars, [3.2, 1, 0.2]).enumerated() {
      let height = rate / (3.2 * 1.02) * 150
      XCTAssertEqual(bar[0], 40 + 44 * (Double(number) + 0.12), accuracy: 0.06)
      XCTAssertEqual(bar[1], 172 - height, accuracy: 0.06)
      XCTAssertEqual(bar[2], 44 * 0.76, accuracy: 0.06)
      XCTAssertEqual(bar[3], height, accuracy: 0.06)
    }
    XCTAssertEqual(
      picture.matches(of: #/<rect class="([a-z ]+)"[^>]*><title>([^<]*)</#).map {
        [String($0.output.1), String($0.output.2)]
      }, [["bar", "unit 1"], ["bar", "unit 2"], ["bar off", "unit 0"]])
    XCTAssertTrue(page.contains("id=\"units-text\">\(texts[7])</p>"))
  }

  func testAUnitIsActiveWhereTheVarianceOfItsMeansIsAboveAHundredth() throws {
    // By three, and not four, their squares make 0.0120 and 0.0085, wherever they lie.
    let rows: [[Float]] = [
      [5.095, 0.08, 0], [4.905, -0.08, 0], [5.095, 0.08, 0], [4.905, -0.08, 0],
    ]
    let history = try history(MadeRun(examples: 4)) { record in
      record.unitRates = [[3, 2, 1]]
      record.means = RecordedArray(rows.flatMap(\.self), shape: [4, 3])
    }
    let units = try object(data(page(of: history))["units"])
    XCTAssertEqual((units["active"] as? [String])?.last, "100")
  }

  func testUnitsWithoutMeansAreActiveByTheirRates() throws {
    let history = try history(MadeRun(latents: .ladder([2, 2]))) { record in
      record.unitRates = [[0.5, 0.009], [0.011, 4]]
    }
    let page = try page(of: history)
    let units = try object(data(page)["units"])
    XCTAssertEqual((units["rates"] as? [[Double]])?.last, [4, 0.5, 0.011, 0.009])
    XCTAssertEqual((units["active"] as? [String])?.last, "1110")
    let picture = try part(page, after: "id=\"units\"", before: "</svg>")
    XCTAssertEqual(
      picture.matches(of: #/text-anchor="middle">([0-9.]+)</#).map { String($0.output.1) },
      ["1.1", "0.0", "1.0", "0.1"])
    XCTAssertTrue(picture.contains(">level.unit, by rate</text>"))
    XCTAssertTrue(picture.contains("<title>level 1, unit 1</title>"))
  }

  // MARK: Histograms and codes

  func testHistogramsCountMeansAndDeviationsOfEachRecord() throws {
    let history = try history(MadeRun(latents: .vector(1), examples: 4)) { record in
      let isFirst = record.step == 0
      record.means = RecordedArray(
        isFirst ? [0, 0, 0, 1] : [-2.9, 0.1, 0.12, 2.5], shape: [4, 1])
      record.variances = RecordedArray([0.25, 0.25, 1, 4], shape: [4, 1])
    }
    let page = try page(of: history)
    let data = try data(page)
    func bins(_ heights: [Int: Int]) -> [Int] { (0..<48).map { heights[$0] ?? 0 } }
    // 48 bins from −3 to 3, and from 0 to 1.5 with what lies beyond in the last.
    let means = try XCTUnwrap(data["means"] as? [[Int]])
    XCTAssertEqual(means[0], bins([24: 100, 32: 33]))
    XCTAssertEqual(means[1], bins([0: 50, 24: 100, 44: 50]))
    let deviations = try XCTUnwrap(data["deviations"] as? [[Int]])
    XCTAssertEqual(deviations[7], bins([16: 100, 32: 50, 47: 50]))
    let outline = try part(page, after: "id=\"means\" d=\"", before: "\"")
    XCTAssertEqual(
      outline,
      "M40 172" + means[7].map { "V\(Numerals.coordinate(172 - 1.5 * Double($0)))h6.875" }.joined()
        + "V172Z")
    // Zero and one are what a unit has that says nothing.
    XCTAssertTrue(
      try part(page, after: "id=\"means\"", before: "</svg>").contains(
        "class=\"mark\" d=\"M205 22V172\""))
    XCTAssertTrue(
      try part(page, after: "id=\"deviations\"", before: "</svg>").contains(
        "class=\"mark\" d=\"M260 22V172\""))
  }

  func testCodesStandFromTheMostFrequentToTheLeastOfEachRecord() throws {
    let history = try history(MadeRun(latents: .codes)) { record in
      if record.step == 0 { record.codeCounts = [0, 0, 16, 0] }
    }
    let page = try page(of: history)
    let codes = try object(data(page)["codes"])
    let frames = try XCTUnwrap(codes["frames"] as? [[Int]])
    XCTAssertEqual(frames[0], [100, 0, 0, 0])
    XCTAssertEqual(frames[7], [100, 63, 38, 0], "5 and 3 of 8, rounded up")
    let texts = try XCTUnwrap(codes["texts"] as? [String])
    XCTAssertEqual(texts[0], "1 of 4 codes in use, 3 unused.")
    XCTAssertEqual(texts[7], "3 of 4 codes in use, 1 unused.")
    XCTAssertTrue(
      page.contains("id=\"usage\" d=\"M40 172V22h82.5V77.5h82.5V115h82.5V172h82.5V172Z\""))
    XCTAssertTrue(page.contains("id=\"usage-text\">\(texts[7])</p>"))
  }

  func testABarOfSeveralCodesIsTheirMean() throws {
    var run = MadeRun(latents: .codes)
    run.codeCounts = (0..<300).map { Int32($0) }
    let panel = try XCTUnwrap(CodeUsagePanel(history(run)))
    // 299 and 298, 297 and 296, … of 299.
    XCTAssertEqual(panel.frames[0].count, 150)
    XCTAssertEqual(panel.frames[0][0], 100)
    XCTAssertEqual(panel.frames[0][100], 33, "98.5 of 299")
    XCTAssertEqual(panel.frames[0][149], 1)
  }

  // MARK: Clouds

  func testAPageWithoutAScriptShowsTheCloudOfTheLastRecord() throws {
    let history = try history(MadeRun(latents: .vector(2)))
    let page = try page(of: history)
    let view = LatentView.views(of: history)[0]
    let shown = try XCTUnwrap((data(page)["views"] as? [[String: Any]])?.first)
    let extent = try XCTUnwrap(shown["extent"] as? Double)
    let cloud = try part(page, after: "<svg id=\"cloud\"", before: "</svg>")
    let dots = try numbers(cloud, in: "circle class=\"dot ", ["cx", "cy"])
    XCTAssertEqual(dots.count, 20)
    for (dot, point) in zip(dots, view.frames[7]) {
      // Those beyond the edge stand at it.
      XCTAssertEqual(dot[0], max(-1, min(1, point.x / extent)), accuracy: 0.00051)
      XCTAssertEqual(dot[1], max(-1, min(1, -point.y / extent)), accuracy: 0.00051)
    }
    XCTAssertEqual(
      cloud.matches(of: #/class="dot (c[0-9])"/#).map { String($0.output.1) },
      (0..<20).map { "c\($0 % 10)" })
    let rings = try numbers(cloud, in: "circle class=\"ring\"", ["data-radius", "r"])
    XCTAssertEqual(rings.map { $0[0] }, [1, 2, 3])
    for ring in rings { XCTAssertEqual(ring[1] * extent, ring[0], accuracy: 1e-6) }

    // Small clouds lead to the records from the first to the last.
    let small = try part(page, after: "<div class=\"moments\"", before: "</div>")
    let buttons = small.components(separatedBy: "<button").dropFirst()
    XCTAssertEqual(buttons.count, 7)
    for (button, frame) in zip(buttons, [0, 1, 2, 3, 4, 5, 7]) {
      XCTAssertTrue(
        button.contains("data-frame=\"\(frame)\" aria-pressed=\"\(frame == 7)\""), button)
      let step = history.records[frame].step
      XCTAssertTrue(button.contains("<small>step \(step)<br>−ELBO "), button)
      let first = try part(button, after: "<path class=\"c0\" d=\"M", before: "h0")
      let place = first.split(separator: " ").compactMap { Double($0) }
      let point = view.frames[frame][0]
      XCTAssertEqual(place[0], max(-1, min(1, point.x / extent)), accuracy: 0.0051)
      XCTAssertEqual(place[1], max(-1, min(1, -point.y / extent)), accuracy: 0.0051)
    }
    XCTAssertTrue(buttons[buttons.endIndex - 1].contains("−ELBO 176.0</small>"))
    XCTAssertTrue(small.contains("r=\"\(2 / extent)\""))
  }

  func testTheMeansOfAllRecordsButTheFarthestFitThePlane() throws {
    func extents(_ history: RunHistory) throws -> [Double] {
      try XCTUnwrap(data(page(of: history))["views"] as? [[String: Any]]).compactMap {
        $0["extent"] as? Double
      }
    }
    // At least three deviations of the prior.
    XCTAssertEqual(try extents(history(MadeRun(latents: .vector(2))))[1], 3.2)
    let wide = try history(MadeRun(latents: .vector(2))) { record in
      record.means = record.means.map { means in
        RecordedArray(means.values.map { $0 * 10 }, shape: means.shape)
      }
    }
    let sizes = wide.records.flatMap { record in
      stride(from: 0, to: 40, by: 2).compactMap { start in
        record.means.map { max(abs($0.values[start]), abs($0.values[start + 1])) }
      }
    }.sorted()
    XCTAssertEqual(sizes.count, 160)
    XCTAssertEqual(try extents(wide)[1], Double(sizes[158]) * 1.05, accuracy: 1e-6)
  }

  func testLevelsOfALadderAreSeenFromTheTopEachWithItsOwnPoints() throws {
    let history = try history(MadeRun(latents: .ladder([2, 2])))
    let page = try page(of: history)
    let views = try XCTUnwrap(data(page)["views"] as? [[String: Any]])
    XCTAssertTrue(
      page.contains(
        "<option>level 1, the top</option><option>level 0, nearest to the data</option>"))
    for (view, level) in zip(views, [1, 0]) {
      let found = try points(view["points"], extent: view["extent"])
      for frame in [0, 7] {
        try assertEqual(
          Array(found[20 * frame..<20 * (frame + 1)]), history.records[frame].draws[level],
          accuracy: 1e-3)
      }
    }
    XCTAssertTrue(views[0]["prior"] is NSNull)
    let prior = try points(views[1]["prior"], extent: views[1]["extent"])
    try assertEqual(
      Array(prior[60..<80]), history.records[3].priorDraws[0], accuracy: 1e-3)
    XCTAssertEqual(views[0]["axes"] as? [String], ["unit 0", "unit 1"])
  }

  func testDrawsOfAPriorOfItsOwnLieInThePlaneOfTheCloud() throws {
    // Each record has its means as draws of the prior.
    let views = try XCTUnwrap(
      data(page(of: historyWithItsOwnPrior()))["views"] as? [[String: Any]])
    let prior = try points(views[1]["prior"], extent: views[1]["extent"])
    let means = try points(views[1]["points"], extent: views[1]["extent"])
    XCTAssertEqual(prior, means)
    XCTAssertEqual(prior.count, 160)
    XCTAssertNotEqual(
      prior, try points(views[0]["points"], extent: views[0]["extent"]), "those are draws")
  }

  func testTheAxesOfManyUnitsSayWhatTheyHold() throws {
    let rows: [[Float]] = [[0, 0, 3], [2, 0, 0], [0, 1, 0], [0, 0, 0]]
    let history = try history(MadeRun(examples: 4)) { record in
      record.means = RecordedArray(rows.flatMap(\.self), shape: [4, 3])
      record.variances = RecordedArray([Float](repeating: 0, count: 12), shape: [4, 3])
    }
    let view = LatentView.views(of: history)[0]
    XCTAssertEqual(view.axes, ["PC1 (64 %)", "PC2 (29 %)"], "9 and 4 of 14")
    XCTAssertTrue(view.note.contains("3 units in the plane"), view.note)
    XCTAssertTrue(view.note.contains("which hold 93 % of the squared distance"), view.note)
    let wanted = [(3.0, 0.0), (0, 2), (0, 0), (0, 0)]
    for (point, place) in zip(view.frames[0], wanted) {
      XCTAssertEqual(point.x, place.0, accuracy: 1e-5)
      XCTAssertEqual(point.y, place.1, accuracy: 1e-5)
    }
  }

  // MARK: Colours

  private func colorings(
    _ change: (inout RecordedExamples) -> Void
  ) throws -> (names: [String], colorings: [[String: Any]]) {
    let history = try history(
      MadeRun(latents: .vector(2), examples: 20), examples: change, records: { _ in })
    let page = try page(of: history)
    let names =
      page.contains("<select id=\"coloring\">")
      ? try part(page, after: "<select id=\"coloring\">", before: "</select>")
        .matches(of: #/<option>([^<]*)</#).map { String($0.output.1) } : []
    return (names, try XCTUnwrap(data(page)["colorings"] as? [[String: Any]]))
  }

  private func classes(_ coloring: [String: Any]) throws -> [UInt8] {
    [UInt8](try XCTUnwrap((coloring["classes"] as? String).flatMap { Data(base64Encoded: $0) }))
  }

  func testClassesAndFactorsHaveColoursByWhatTheirValuesAre() throws {
    let (names, found) = try colorings { examples in
      examples.labels = (0..<20).map { $0 % 4 == 1 ? 2 : 0 }
      examples.classNames = ["cat", "dog", "owl"]
      examples.factorNames = ["x", "fixed", "shape", "scale"]
      examples.factors = RecordedArray(
        (0..<20).flatMap { (number: Int32) -> [Int32] in
          [number % 3 * 2, 4, (number + 1) % 2, number]
        }, shape: [20, 4])
    }
    XCTAssertEqual(names, ["label", "x", "shape", "scale"], "one of a single value is none")
    XCTAssertEqual(found.count, 4)
    XCTAssertEqual(
      found.map { $0["names"] as? [String] }.prefix(3),
      [
        ["cat", "owl"], ["x 0", "x 2", "x 4"], ["shape 0", "shape 1"],
      ])
    // Values with an order have colours with one.
    XCTAssertEqual(
      found.map { $0["colors"] as? [String] }.prefix(3),
      [["c0", "c1"], ["q0", "q4", "q9"], ["c0", "c1"]])
    XCTAssertEqual(try classes(found[0]), (0..<20).map { $0 % 4 == 1 ? 1 : 0 })
    XCTAssertEqual(try classes(found[1]), (0..<20).map { $0 % 3 })
    XCTAssertEqual(try classes(found[2]), (0..<20).map { ($0 + 1) % 2 })
    // Too many are taken together.
    XCTAssertEqual(
      found[3]["names"] as? [String], (0..<10).map { "scale \(2 * $0)–\(2 * $0 + 1)" })
    XCTAssertEqual(found[3]["colors"] as? [String], (0..<10).map { "q\($0)" })
    XCTAssertEqual(try classes(found[3]), (0..<20).map { $0 / 2 })
  }

  func testExamplesOfWhichNothingIsKnownHaveOneColour() throws {
    let (names, found) = try colorings { $0.labels = nil }
    XCTAssertEqual(names, [])
    XCTAssertEqual(found.map { $0["names"] as? [String] }, [["examples"]])
    XCTAssertEqual(found.map { $0["colors"] as? [String] }, [["s0"]])
    XCTAssertEqual(try classes(found[0]), [UInt8](repeating: 0, count: 20))
  }

  // MARK: Pictures

  func testEachPictureIsWhatItsTitleSays() throws {
    let history = try history(MadeRun())
    let page = try page(of: history)
    let last = history.records[7]
    for (id, title, wanted) in [
      ("originals", "Held-out images", history.examples?.images),
      ("reconstructions", "Reconstructed", last.reconstructions),
      ("samples", "Samples", last.samples),
    ] {
      let uri = try part(
        page, after: "<figcaption>\(title)</figcaption><img id=\"\(id)\" src=\"", before: "\"")
      let picture = try image(uri)
      guard case .bytes(let images)? = wanted else { return XCTFail("no bytes") }
      // The second image of the first row.
      for row in 0..<6 {
        let start = (row + 1) * picture.width + 7
        XCTAssertEqual(
          Array(picture.pixels[start..<start + 5]),
          Array(images.values[30 + row * 5..<30 + row * 5 + 5]), id)
      }
    }
    let uris = try object(object(data(page)["pictures"])["uris"])
    let reconstructions = try XCTUnwrap(uris["reconstructions"] as? [Any])
    XCTAssertTrue(reconstructions[7] is NSNull, "the last one stands in the page")
    let second = try image(XCTUnwrap(reconstructions[2] as? String))
    guard case .bytes(let images)? = history.records[2].reconstructions else {
      return XCTFail("no bytes")
    }
    XCTAssertEqual(second.pixels[second.width + 1], images.values[0])
    XCTAssertTrue(page.contains("16 examples of the test split"))
    XCTAssertTrue(page.contains("Images made of 16 draws from the prior"))
    XCTAssertTrue(page.contains("id=\"picture-step\">after 32 steps</span>"))
  }

  func testValuesOfNoRangeAreShownBetweenTheLeastAndTheLargestOfTheExamples() throws {
    let history = try history(MadeRun(isReal: true)) { record in
      guard case .floats(let images)? = record.samples else { return }
      record.samples = .floats(
        RecordedArray([0.25] + images.values.dropFirst(), shape: images.shape))
    }
    guard case .floats(let examples)? = history.examples?.images else {
      return XCTFail("no floats")
    }
    let (low, high) = (examples.values.min() ?? 0, examples.values.max() ?? 0)
    let pictures = try XCTUnwrap(try Pictures.fitting(history, bytes: 1_000_000))
    let picture = try image(XCTUnwrap(pictures.uris[.samples]?[0]))
    XCTAssertEqual(
      Double(picture.pixels[picture.width + 1]), Double(255 * (0.25 - low) / (high - low)),
      accuracy: 1)
  }

  func testColoursOfPicturesStandInTheirOrder() throws {
    let history = try history(MadeRun(size: (4, 6, 3)))
    let pictures = try XCTUnwrap(try Pictures.fitting(history, bytes: 1_000_000))
    let picture = try image(XCTUnwrap(pictures.uris[.samples]?[1]))
    guard case .bytes(let images)? = history.records[1].samples else { return XCTFail("no bytes") }
    XCTAssertEqual([picture.width, picture.height, picture.channels], [4 * 7 + 1, 4 * 5 + 1, 3])
    let start = (2 * picture.width + 8 + 3) * 3
    // The fourth pixel of the second row of the second image.
    XCTAssertEqual(
      Array(picture.pixels[start..<start + 3]), Array(images.values[72 + 27..<72 + 30]))
  }

  func testMapsOfCodesHaveAColourForEach() throws {
    let pictures = try XCTUnwrap(
      try Pictures.fitting(history(MadeRun(latents: .codes)), bytes: 1_000_000))
    let picture = try image(XCTUnwrap(pictures.uris[.codes]?[0]))
    XCTAssertEqual([picture.width, picture.height], [4 * 3 + 1, 4 * 3 + 1])
    func color(_ row: Int, _ column: Int) -> [UInt8] {
      let start = (row * picture.width + column) * 3
      return Array(picture.pixels[start..<start + 3])
    }
    // Code 0 is red, 1 darker and by the golden ratio around the circle.
    XCTAssertEqual(color(1, 1), [255, 63, 63])
    XCTAssertEqual(color(1, 2), [45, 86, 183])
    XCTAssertEqual(Set([color(1, 1), color(1, 2), color(2, 1), color(2, 2)]).count, 4)
    XCTAssertEqual(color(1, 4), color(1, 1), "the next image has the same codes")
  }

  func testAsManyMomentsArePicturedAsFitTheLastAmongThem() throws {
    let history = try history(MadeRun())
    let all = try XCTUnwrap(try TraversalPictures.fitting(history, bytes: 1_000_000))
    let size = try XCTUnwrap(all.uris.last).utf8.count
    for (count, frames) in [(1, [7]), (2, [0, 7]), (3, [0, 3, 7]), (4, [0, 2, 4, 7])] {
      let found = try TraversalPictures.fitting(history, bytes: size * count + size / 2)
      XCTAssertEqual(found?.frames, frames)
    }
    XCTAssertNil(try TraversalPictures.fitting(history, bytes: size - 1, keepsLast: false))
    let some = try XCTUnwrap(try TraversalPictures.fitting(history, bytes: size * 3))
    XCTAssertEqual(some.uris, [0, 3, 7].map { all.uris[$0] })
  }

  func testAPictureHasFewerImagesWhereThereIsRoomForFewMoments() throws {
    let history = try history(MadeRun())
    let whole = try XCTUnwrap(try Pictures.fitting(history, bytes: 10_000_000))
    let originals = try part(page(of: history), after: "id=\"originals\" src=\"", before: "\"")
    let size = whole.uris.values.reduce(0) { $0 + ($1.last?.utf8.count ?? 0) }
    func found(_ moments: Int, _ fitting: Int) throws -> (width: Int, frames: [Int]) {
      let pictures = try XCTUnwrap(
        try Pictures.fitting(
          history, bytes: originals.utf8.count + size * fitting, moments: moments))
      return (try image(XCTUnwrap(pictures.uris[.samples]?.last)).width, pictures.frames)
    }
    // Sixteen images stand four to a row, nine of them three.
    let seven = try found(7, 7)
    XCTAssertEqual(seven.width, 4 * 6 + 1)
    XCTAssertEqual(seven.frames, [0, 1, 2, 3, 4, 5, 7])
    let eight = try found(8, 7)
    XCTAssertEqual(eight.width, 3 * 6 + 1)
    XCTAssertEqual(eight.frames, Array(0..<8))
    XCTAssertEqual(try found(2, 3).frames, [0, 3, 7])
  }

  // MARK: Traversals

  func testRowsOfTraversalsNameTheRatesOfTheirRecord() throws {
    let history = try history(MadeRun()) { record in
      record.unitRates = [[0.25, 1, Double(record.step) + 0.5]]
    }
    let page = try page(of: history)
    let walks = try object(data(page)["traversals"])
    XCTAssertEqual(walks["frames"] as? [Int], Array(0..<8))
    let labels = try XCTUnwrap(walks["labels"] as? [[[String]]])
    XCTAssertEqual(labels[0], [["unit 2", "0.50 nats"], ["unit 0", "0.25 nats"]])
    XCTAssertEqual(labels[5], [["unit 2", "16.50 nats"], ["unit 0", "0.25 nats"]])
    XCTAssertTrue(
      page.contains(
        "<ul id=\"walk-labels\"><li><span>unit 2</span><span>32.50 nats</span></li><li><span>unit 0</span>"
      ))
    XCTAssertTrue(page.contains("id=\"walk-step\">after 32 steps</span>"))
    XCTAssertTrue(
      page.contains(
        "<div class=\"heads\" aria-hidden=\"true\"><span>1\u{202f}%</span><span>50\u{202f}%</span>"
          + "<span>99\u{202f}%</span></div>"))
    let codes = try self.page(of: self.history(MadeRun(latents: .codes)))
    XCTAssertTrue(
      codes.contains(
        "<div class=\"heads\" aria-hidden=\"true\"><span>own</span><span>1.</span><span>2.</span></div>"
      ))
  }

  func testLevelsHaveBarsOnAPageAboutSeveralRuns() throws {
    var steep = MadeRun(latents: .ladder([2, 2]))
    steep.beta = 4
    let runs = try [
      history(MadeRun(latents: .ladder([2, 2]))) { record in
        record.layerRates = [Double(record.step), 8]
      },
      history(steep) { $0.layerRates = [1, 100] },
    ]
    let page = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    let data = try XCTUnwrap(data(page)["runs"] as? [[String: Any]]).map {
      try object($0["levels"])
    }
    XCTAssertEqual(data.map { $0["top"] as? Double }, [102, 102], "the largest of both")
    let rates = try XCTUnwrap(data[0]["rates"] as? [[Double]])
    XCTAssertEqual([rates[0], rates[7]], [[0, 8], [32, 8]])
    XCTAssertEqual((data[0]["texts"] as? [String])?[4], "level 0 8.00, level 1 8.00 nats.")
    let bars = try numbers(
      part(page, after: "id=\"run0-levels\"", before: "</svg>"), in: "rect", ["height"])
    XCTAssertEqual(bars[0][0], 150 * 32 / 102, accuracy: 0.06)
    XCTAssertEqual(bars[1][0], 150 * 8 / 102, accuracy: 0.06)
  }

  func testHistogramsOfSeveralRunsHaveHeightsByTheSameShare() throws {
    var other = MadeRun(latents: .vector(1), examples: 4)
    other.beta = 4
    let runs = try [
      history(MadeRun(latents: .vector(1), examples: 4)) { record in
        record.means = RecordedArray([0, 0, 0, 0], shape: [4, 1])
      },
      history(other) { record in
        record.means = RecordedArray([-1.5, 0, 1, 1], shape: [4, 1])
      },
    ]
    let page = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    let means = try XCTUnwrap(data(page)["runs"] as? [[String: Any]]).compactMap {
      ($0["means"] as? [[Int]])?.last
    }
    func bins(_ heights: [Int: Int]) -> [Int] { (0..<48).map { heights[$0] ?? 0 } }
    // From −2 to 2; the square roots of 1, and of 1/4, 1/4 and 1/2.
    XCTAssertEqual(means, [bins([24: 100]), bins([6: 50, 24: 50, 36: 71])])
  }

  func testManyBarsShareTheWidthAndHaveTheNumbersThatFit() throws {
    let page = try page(of: history(MadeRun(latents: .vector(40))))
    let picture = try part(page, after: "id=\"units\"", before: "</svg>")
    let bars = try numbers(picture, in: "rect", ["x", "width"])
    XCTAssertEqual(bars.count, 40)
    // 8.25 each, of which 0.76 is bar; two digits take as much as two bars.
    XCTAssertEqual(bars[39][0], 40 + 8.25 * 39.12, accuracy: 0.06)
    XCTAssertEqual(bars[39][1], 8.25 * 0.76, accuracy: 0.06)
    let texts = picture.matches(of: #/x="([0-9.]+)" y="186" text-anchor="middle">([0-9]+)</#).map {
      [String($0.output.1), String($0.output.2)]
    }
    XCTAssertEqual(texts.count, 20)
    // Units come by falling rate, and the last has the largest one.
    XCTAssertEqual(texts[0], ["44.1", "39"])
    XCTAssertEqual(texts[1], ["60.6", "37"])
  }
}
