import VAECore
import VAEFiles
import VAEReport
import VAETraining
import XCTest

/// What a page says of a run in words and tables.
final class FactsTests: ReportTestCase {
  private func page(_ run: MadeRun) throws -> String { try page(of: history(run)) }

  private func row(_ head: String, _ cells: [String]) -> String {
    "<tr><th scope=\"row\">\(head)</th>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
  }

  // MARK: The top

  func testTheTopHasTheTermsAtTheEndWithWhatTheyAreOf() throws {
    let page = try page(MadeRun())
    for tile in [
      "<dt>−ELBO</dt><dd>113.50<small>test examples</small>",
      "<dt>distortion</dt><dd>92.50<small>−log p(x|z)</small>",
      "<dt>rate</dt><dd>21.00<small>the price of the latents</small>",
      "<dt>epochs</dt><dd>3<small>7.5 s of training</small>",
    ] {
      XCTAssertTrue(page.contains(tile), tile)
    }
    XCTAssertEqual(page.components(separatedBy: "<dt>active units</dt>").count, 2)
  }

  func testTheTermsAtTheEndAreTheBestKnown() throws {
    var run = MadeRun()
    XCTAssertEqual(try history(run).final?.distortion, 92.5)
    // Without a held-out split those of the recorded examples, without these those of training.
    run.hasHeldOut = false
    XCTAssertEqual(try history(run).final?.distortion, 168)
    XCTAssertTrue(try page(run).contains("<dt>−ELBO</dt><dd>176.00</dd>"))
    run.hasRecords = false
    XCTAssertEqual(try history(run).final?.distortion, 98)
    run.hasRecords = true
    run.epochs = 0
    XCTAssertEqual(try history(run).final?.rate, 8)
  }

  func testTheTopSaysHowFarTheRunHasCome() throws {
    XCTAssertTrue(try page(MadeRun()).contains("trained on mnist · 32 of 100 steps so far · begun"))
    // Epochs may be ahead of the records.
    XCTAssertTrue(try page(MadeRun(steps: [0, 1])).contains("30 of 100 steps so far"))
    let path = temporaryFolder(self)
    var run = MadeRun()
    run.continuedAt = [4000]
    try run.write(to: path)
    try DurableFiles.replace("\(path)/model.safetensors", with: [1])
    let finished = try page(of: RunHistory.read(path))
    XCTAssertTrue(
      finished.contains("trained on mnist · 32 steps, finished · begun 2023-11-14 22:13"))
  }

  func testWhatTrainingMeasuresHasATile() throws {
    var run = MadeRun(latents: .codes)
    run.numbers = #""codebook_perplexity": 3.24"#
    XCTAssertTrue(
      try page(run).contains("<dt>codebook perplexity</dt><dd>3.2<small>of 4 codes</small>"))
  }

  // MARK: Evaluations

  func testEvaluationsStandWithTheNewestFirst() throws {
    var run = MadeRun()
    run.evaluations = [
      #"{"split": "valid", "step": 10, "examples": 20, "elbo": -120.25, "elbo_stderr": 0.5, "mig": 0.5}"#,
      #"{"split": "test", "step": 32, "examples": 12345, "elbo": -113.5, "nll": 111.25, "nll_stderr": 0.75, "nll_samples": 50}"#,
    ]
    let table = try part(
      page(run), after: "What each evaluation found</caption>", before: "</table>")
    let header = table.matches(of: #/<th scope="col">([^<]*)</#).map { String($0.output.1) }
    XCTAssertEqual(header.prefix(3), ["split", "step", "examples"])
    XCTAssertEqual(Set(header.dropFirst(3)), ["ELBO", "NLL", "MIG"])
    let cells = [
      ["ELBO": "−113.50", "NLL": "111.25 ± 0.75 (K = 50)", "MIG": "–"],
      ["ELBO": "−120.25 ± 0.50", "NLL": "–", "MIG": "0.500"],
    ].map { row in header.dropFirst(3).compactMap { row[$0] } }
    XCTAssertTrue(
      table.contains(
        row("test", ["32", "12\u{202f}345"] + cells[0]) + "\n"
          + row("valid", ["10", "20"] + cells[1])), table)
  }

  func testTheBoundOfEachClassIsThatOfTheNewestEvaluationThatHasThem() throws {
    func evaluation(_ cat: Double) -> String {
      #"{"split": "test", "step": 1, "examples": 30, "elbo": -11, "elbo_per_class": ["#
        + #"{"class": "cat", "examples": 10, "elbo": \#(cat), "elbo_stderr": 0.25}, "#
        + #"{"class": "a<b", "examples": 20, "elbo": -12}]}"#
    }
    var run = MadeRun()
    run.evaluations = [
      evaluation(-7), evaluation(-8.5),
      #"{"split": "test", "step": 1, "examples": 30, "elbo": -11}"#,
    ]
    let table = try part(
      page(run), after: "The bound of each class, newest evaluation</caption>", before: "</table>")
    XCTAssertTrue(
      table.contains(row("cat", ["10", "−8.50 ± 0.25"]) + "\n" + row("a&lt;b", ["20", "−12.00"])),
      table)
  }

  func testARunThatWasNotEvaluatedSaysByWhichCommandItIs() throws {
    var factors = MadeRun(factors: ["x"])
    factors.data = "shapes"
    let history = try history(factors)
    let page = try page(of: history)
    XCTAssertTrue(page.contains("<code>vae-zoo evaluate \(history.path) --data shapes</code>"))
    XCTAssertTrue(page.contains("standard errors and disentanglement scores to the next report"))
    XCTAssertFalse(try self.page(MadeRun()).contains("disentanglement scores"))
  }

  // MARK: The run

  func testTheFactsAreThoseOfTheRecipeAndTheSession() throws {
    let page = try page(MadeRun())
    for (name, value) in [
      ("data", "mnist"), ("training examples", "12\u{202f}345"), ("parameters", "4616"),
      ("prior", "standard-normal · latent 3"), ("likelihood", "bernoulli"),
      ("objective", "elbo · beta 1"), ("training", "epochs 3"), ("seed", "7"),
      ("time", "7.5 s for 3 epochs, 4.0 steps a second"),
      ("computed with", "vae-zoo 0.1.0, 2 threads, avx2, oneDNN 3.5"),
    ] {
      XCTAssertTrue(page.contains(row(name, [value])), "\(name): \(value)")
    }
    XCTAssertFalse(page.contains("The run was continued"))
  }

  func testARunThatWasContinuedSaysHowOftenAndWhere() throws {
    var run = MadeRun()
    run.continuedAt = [10]
    XCTAssertTrue(try page(run).contains("The run was continued 1 time, at steps 10."))
    run.continuedAt = [10, 23_456]
    XCTAssertTrue(
      try page(run).contains("The run was continued 2 times, at steps 10, 23\u{202f}456."))
  }

  func testARunWhoseLatentsCannotBeShownSaysWhy() throws {
    let wide = try history(MadeRun()) { record in
      (record.means, record.variances) = (nil, nil)
    }
    let page = try page(of: wide)
    XCTAssertTrue(page.contains("The latents have too many units to be recorded."))
    XCTAssertTrue(try self.page(MadeRun(latents: .none)).contains("This model has no latents."))
    // Then the rates of units say which are active, those of one level by their numbers alone.
    XCTAssertTrue(page.contains("hollow: collapsed."))
    XCTAssertTrue(page.contains("Filled: active (its rate is above 0.01 nats)"))
  }

  // MARK: Parts

  func testThePartsOfAPageStandInTheirOrder() throws {
    func titles(_ page: String) -> [String] {
      page.matches(of: #/<h2 id="[a-z]+-title">([^<]*)</#).map { String($0.output.1) }
    }
    func links(_ page: String) -> [String] {
      page.matches(of: #/<li><a href="#[a-z]+">([^<]*)</#).map { String($0.output.1) }
    }
    let first = ["Learning curves", "Rate and distortion", "Through training"]
    let last = ["Evaluations", "The run"]
    for (latents, middle) in [
      (MadeRun.Latents.vector(3), []), (.ladder([2, 2]), ["Rate per level"]),
      (.codes, ["Codebook"]),
    ] {
      let page = try page(MadeRun(latents: latents))
      XCTAssertEqual(titles(page), first + middle + last)
      XCTAssertEqual(links(page), first + middle + last)
    }
    let runs = [try history(MadeRun()), try history(MadeRun())]
    let both = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    XCTAssertEqual(
      titles(both),
      ["At the end", "Rate and distortion", "Learning curves", "Through training", "What differs"])
    XCTAssertTrue(both.contains("<h1>2 runs compared</h1>"))
    XCTAssertTrue(both.contains("<p>The recipes are the same.</p>"))
  }

  func testARunIsCalledByTheLastPartOfItsPath() throws {
    let path = temporaryFolder(self)
    var run = MadeRun()
    try run.write(to: path)
    let name = path.split(separator: "/").last.map(String.init)
    for written in [path, path + "/", path + "//"] {
      let history = try RunHistory.read(written)
      XCTAssertEqual(history.name, name)
      XCTAssertTrue(try page(of: history).contains("<title>gaussian-vae: \(history.name)</title>"))
    }
  }

  func testThePageSaysOfHowManyExamplesAndUnitsItIs() throws {
    let page = try page(MadeRun(latents: .vector(128)))
    for words in [
      "Held-out numbers are of the same 20 examples of the test split at every record",
      "<p>What the model said about the same 20 test examples, at steps",
      "The 64 units with the highest rate of 128.", "count, % of the fullest bin</text>",
      "<dt>active units</dt><dd>127<small>of 128</small>",
    ] { XCTAssertTrue(page.contains(words), words) }
    let few = try self.page(MadeRun())
    XCTAssertFalse(few.contains("units with the highest rate of"))
    let both = try [MadeRun(latents: .vector(128)), MadeRun()].map { try history($0) }
    let compared = String(decoding: try Report.page(Comparison(both)), as: UTF8.self)
    XCTAssertEqual(compared.components(separatedBy: "The highest of 128.").count, 2)
    XCTAssertTrue(compared.contains("% of all values</text>"))
    XCTAssertFalse(compared.contains("% of the fullest bin"))
  }

  func testARunWithoutTraversalsSaysWhyThereAreNone() throws {
    let unordered = try history(MadeRun()) { record in
      (record.unitRates, record.traversals) = ([], nil)
    }
    XCTAssertTrue(
      try page(of: unordered).contains("The prior has no rate of each unit to order traversals by"))
    XCTAssertFalse(try page(of: unordered).contains("The records have no traversals"))
    let codes = try history(MadeRun(latents: .codes)) { $0.traversals = nil }
    XCTAssertTrue(try page(of: codes).contains("The records have no traversals that can be shown"))
  }
}
