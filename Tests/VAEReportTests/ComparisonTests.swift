import VAEReport
import VAETraining
import XCTest

/// What several runs came to, side by side.
final class ComparisonTests: ReportTestCase {
  func testAComparisonShowsWhatDiffersAndWhatEachCameTo() throws {
    var runs = try [1, 4].map { beta in
      var run = MadeRun()
      run.beta = beta
      return try history(run)
    }
    runs[0].name = "one"
    runs[1].name = "four"
    let comparison = Comparison(runs)
    XCTAssertNil(comparison.note)
    XCTAssertEqual(comparison.differences.map(\.name), ["objective.beta"])
    XCTAssertEqual(comparison.differences.first?.values, ["1", "4"])
    let table = comparison.table
    XCTAssertEqual(table.rows.map { $0[0] }, ["one", "four"])
    let column = try XCTUnwrap(table.header.firstIndex(of: "−ELBO"))
    XCTAssertEqual(table.rows.map { $0[column] }, ["113.50", "113.50"])
    XCTAssertFalse(table.header.contains("MIG"), "none was evaluated")
    let page = String(decoding: try Report.page(comparison), as: UTF8.self)
    try assertWellFormed(page, "comparison")
    XCTAssertTrue(page.contains("objective.beta"))
  }

  func testRunsOfOneNameAreToldApartAndOtherDataAreSaid() throws {
    var other = MadeRun()
    other.data = "fashion"
    var runs = [try history(MadeRun()), try history(other)]
    runs[0].name = "run"
    runs[1].name = "run"
    let comparison = Comparison(runs)
    XCTAssertEqual(comparison.runs.map(\.name), runs.map(\.path))
    XCTAssertTrue(try XCTUnwrap(comparison.note).contains("fashion, mnist"))
  }

  func testColoursAreRecipesAndMarksAreSeeds() throws {
    let runs = try [(1, 0), (1, 1), (4, 0), (4, 1), (2, 0)].map { beta, seed in
      var run = MadeRun()
      (run.beta, run.seed) = (beta, seed)
      var history = try history(run)
      history.name = "beta=\(beta)-seed=\(seed)"
      return history
    }
    let looks = Comparison(runs).looks
    XCTAssertEqual(looks.map(\.color), [0, 0, 1, 1, 2])
    XCTAssertEqual(looks.map(\.mark), [0, 1, 0, 1, 0])
    XCTAssertEqual(looks.map(\.recipe), ["beta=1", "beta=1", "beta=4", "beta=4", "beta=2"])
    XCTAssertEqual(looks[3].label, "beta=4 seed=1")
    let path = try XCTUnwrap(Comparison(runs).meanPath)
    XCTAssertEqual(path.setting, "beta")
    XCTAssertEqual(path.terms.count, 3)
    XCTAssertNil(Comparison([runs[0], runs[2]]).meanPath, "one seed each")
    let page = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    try assertWellFormed(page, "seeds")
    XCTAssertEqual(page.components(separatedBy: "<ul class=\"legend\">").count, 2, "one legend")
  }

  func testBoundsOfModelsThatAreToldAConditionAreNamed() throws {
    let runs = try [false, true].map { isConditional in
      var run = MadeRun()
      run.isConditional = isConditional
      var history = try history(run)
      history.name = isConditional ? "told" : "plain"
      return history
    }
    XCTAssertTrue(
      try XCTUnwrap(Comparison(runs).note).contains("The bounds of told are on log p(x|y)"))
    XCTAssertFalse(try XCTUnwrap(Comparison(runs).note).contains("different sizes"))
    XCTAssertTrue(
      try XCTUnwrap(Comparison([runs[1], runs[1]]).note).hasPrefix("All bounds are on log p(x|y)"))
    XCTAssertNil(Comparison([runs[0], runs[0]]).note)
  }

  func testOnlyLikelihoodsOfDiscreteValuesAreProbabilities() throws {
    for (kind, likelihoods) in [
      (
        "probabilities",
        [
          "bernoulli", "categorical", "logistic-mixture", "negative-binomial",
          "zero-inflated-negative-binomial",
        ]
      ),
      ("densities", ["gaussian", "student-t", "laplace", "logistic", "log-cosh", "mixed"]),
      // Whether bytes are priced is for a setting to say; without one, for the data.
      ("probabilities", [#"conditional-coupling", "dequantization": "uniform"#]),
      ("probabilities", [#"conditional-coupling", "dequantization": "variational"#]),
      ("densities", ["conditional-coupling", #"conditional-coupling", "dequantization": "none"#]),
    ] {
      let runs = try likelihoods.map { likelihood in
        var run = MadeRun()
        run.likelihood = likelihood
        return try history(run)
      }
      XCTAssertEqual(Comparison(runs).likelihoodKinds.map(\.name), [kind])
    }
    var bytes = MadeRun()
    (bytes.likelihood, bytes.holdsBytes) = ("conditional-coupling", true)
    let runs = [try history(bytes)]
    XCTAssertEqual(Comparison(runs).likelihoodKinds.map(\.name), ["probabilities"])
  }

  func testProbabilitiesAndDensitiesAreToldApart() throws {
    let runs = try ["bernoulli", "gaussian"].map { likelihood in
      var run = MadeRun()
      run.likelihood = likelihood
      var history = try history(run)
      history.name = likelihood
      return history
    }
    let comparison = Comparison(runs)
    XCTAssertEqual(comparison.likelihoodKinds.map(\.name), ["probabilities", "densities"])
    XCTAssertTrue(try XCTUnwrap(comparison.note).contains("densities (gaussian)"))
    let page = String(decoding: try Report.page(comparison), as: UTF8.self)
    XCTAssertTrue(page.contains("Where each run ended (probabilities)"))
    XCTAssertTrue(page.contains("Where each run ended (densities)"))
    XCTAssertNil(Comparison([runs[0], runs[0]]).note)
  }

  func testSettingsGoAcrossTheirShorterSide() throws {
    let runs = try (0..<3).map { seed in
      var run = MadeRun()
      run.seed = seed
      return try history(run)
    }
    let page = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    XCTAssertTrue(page.contains("<th scope=\"col\">run</th><th scope=\"col\">training.seed</th>"))
  }

  // MARK: Numbers of several runs

  /// Runs that come to other terms, by their names.
  private func make(
    _ made: [(name: String, change: (inout MadeRun) -> Void)]
  ) throws -> [RunHistory] {
    try made.map { name, change in
      var run = MadeRun()
      change(&run)
      var history = try history(run)
      history.name = name
      return history
    }
  }

  func testEachRowOfTheTableIsOfItsRun() throws {
    let runs = try make([
      ("one", { $0.evaluations = [#"{"mig": 0.125}"#, #"{"mig": 0.25}"#, #"{"elbo": -1}"#] }),
      (
        "two",
        {
          $0.added = (distortion: 10, rate: 3)
          $0.epochs = 5
          $0.latents = .vector(5)
        }
      ),
    ])
    let table = Comparison(runs).table
    let rows = table.rows.map { Dictionary(uniqueKeysWithValues: zip(table.header, $0)) }
    XCTAssertEqual(
      rows,
      [
        [
          "run": "one", "variant": "gaussian-vae", "epochs": "3", "−ELBO": "113.50",
          "distortion": "92.50", "rate": "21.00", "active units": "2 of 3", "MIG": "0.250",
          "time": "7.5 s",
        ],
        [
          "run": "two", "variant": "gaussian-vae", "epochs": "5", "−ELBO": "124.50",
          "distortion": "100.50", "rate": "24.00", "active units": "4 of 5", "MIG": "–",
          "time": "12.5 s",
        ],
      ])
    let page = String(decoding: try Report.page(Comparison(runs)), as: UTF8.self)
    XCTAssertTrue(page.contains("</span>two</th><td>gaussian-vae</td><td>5</td><td>124.50</td>"))
  }

  /// Four runs of three recipes, of which one has two seeds.
  private func seeds() throws -> [RunHistory] {
    try make([
      (
        "a",
        {
          $0.beta = 4
          $0.added = (distortion: 30, rate: 1)
        }
      ),
      ("b", { $0.added = (distortion: 10, rate: 2) }),
      (
        "c",
        {
          $0.seed = 8
          $0.added = (distortion: 20, rate: 5)
        }
      ),
      (
        "d",
        {
          $0.beta = 2
          $0.added = (distortion: 40, rate: 7)
        }
      ),
    ])
  }

  func testMeansOverSeedsAreJoinedInTheOrderOfTheSetting() throws {
    let path = try XCTUnwrap(Comparison(seeds()).meanPath)
    XCTAssertEqual(path.terms.map(\.distortion), [183, 208, 198], "of beta 1, 2 and 4")
    XCTAssertEqual(path.terms.map(\.rate), [11.5, 15, 9])
  }

  func testMeansAndDeviationsAreOfTheSeedsOfEachRecipe() throws {
    let table = try XCTUnwrap(Comparison(seeds()).seedTable)
    XCTAssertEqual(table.header, ["settings", "seeds", "−ELBO", "distortion", "rate"])
    XCTAssertEqual(
      table.rows,
      [
        ["objective.beta=4", "1", "144.50", "122.50", "22.00"],
        // 125.5 and 138.5, 102.5 and 112.5, 23 and 26.
        ["objective.beta=1", "2", "132.00 ± 9.19", "107.50 ± 7.07", "24.50 ± 2.12"],
        ["objective.beta=2", "1", "160.50", "132.50", "28.00"],
      ])
    XCTAssertNil(try Comparison(Array(seeds().prefix(2))).seedTable)
  }

  func testRunsAreSortedFromTheBestToTheWorstWhicheverEndIsBetter() throws {
    let all = try make([
      ("a", { $0.added = (distortion: 10, rate: 2) }),
      (
        "b",
        {
          $0.added = (distortion: 0, rate: 14)
          $0.evaluations = [#"{"nll": 90, "mig": 0.25}"#, #"{"nll": 120}"#]
        }
      ),
      (
        "c",
        {
          $0.added = (distortion: 5, rate: 1)
          $0.evaluations = [#"{"nll": 100, "mig": 0.5}"#]
        }
      ),
    ])
    for (metric, names) in [
      ("elbo", ["c", "a", "b"]), ("distortion", ["b", "c", "a"]), ("nll", ["c", "b", "a"]),
      ("mig", ["c", "b", "a"]), ("codebook_perplexity", ["a", "b", "c"]),
    ] {
      XCTAssertEqual(try Comparison.sorted(all, by: metric).map(\.name), names, metric)
      XCTAssertEqual(
        try Comparison.hasNumbers(of: metric, in: all), metric != "codebook_perplexity", metric)
    }
    XCTAssertFalse(try Comparison.hasNumbers(of: "mig", in: [all[0]]))
    XCTAssertThrowsError(try Comparison.sorted(all, by: "rate"))
    XCTAssertThrowsError(try Comparison.checkSorting(by: "mig"))
    XCTAssertNoThrow(try Comparison.checkSorting(by: "distortion"))
  }

  // MARK: How runs are drawn

  func testMoreRecipesThanColoursAreDashed() throws {
    let all = try make(
      (0..<17).map { beta in
        (name: "run \(beta)", change: { (run: inout MadeRun) in run.beta = beta })
      })
    let looks = Comparison(all).looks
    XCTAssertEqual(looks.map(\.color), (0..<17).map { $0 % 8 })
    XCTAssertEqual(looks.map(\.isDashed), (0..<17).map { (8..<16).contains($0) })
  }

  func testRecipesThatDifferInManySettingsAreCalledByTheirRuns() throws {
    let all = try make([
      ("first", { _ in }), ("again", { $0.seed = 8 }),
      (
        "other",
        {
          $0.beta = 4
          $0.likelihood = "gaussian"
          $0.holdsBytes = true
        }
      ),
    ])
    XCTAssertEqual(Comparison(all).looks.map(\.recipe), ["first", "first", "other"])
    XCTAssertEqual(
      Comparison(all).looks.map(\.label), ["first seed=7", "first seed=8", "other"])
    XCTAssertTrue(
      try XCTUnwrap(Comparison(all).note).hasPrefix(
        "The runs are of data of different sizes or values, so their numbers cannot be compared."))
    // More settings than runs go down the side.
    let page = String(decoding: try Report.page(Comparison([all[0], all[2]])), as: UTF8.self)
    XCTAssertTrue(
      page.contains(
        "<th scope=\"col\">setting</th><th scope=\"col\">first</th><th scope=\"col\">other</th>"))
    XCTAssertTrue(
      page.contains("<th scope=\"row\">objective.beta</th><td>1</td><td>4</td></tr>"))
  }

  func testCurvesAndEndsOfAComparisonAreThoseOfItsRuns() throws {
    let all = try make([
      ("one", { $0.beta = 1 }),
      (
        "two",
        {
          $0.beta = 2
          $0.added = (distortion: 10, rate: 3)
          $0.latents = .vector(2)
        }
      ),
    ])
    let page = String(decoding: try Report.page(Comparison(all)), as: UTF8.self)
    for (title, words) in [
      ("−ELBO", "over step: one from 200.0 to 176.0; two from 213.0 to 189.0."),
      ("distortion", "over step: one from 200.0 to 168.0; two from 210.0 to 178.0."),
      ("rate", "over step: one from 0.000 to 8.00; two from 3.00 to 11.00."),
      (
        "Rate of each unit at the end",
        "over place of the unit by rate: one from 2.00 to 0.001; two from 1.00 to 0.001."
      ),
      (
        "Where each run ended",
        "over rate (nats): one from 168.0 to 168.0; two from 178.0 to 178.0."
      ),
      ("How they came to rest", "one from 192.0 to 168.0; two from 202.0 to 178.0."),
    ] {
      let plot = try XCTUnwrap(plots(page, titled: title).first, title)
      XCTAssertTrue(plot.contains(words), plot)
    }
  }
}
