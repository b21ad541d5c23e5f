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
      ("probabilities", ["bernoulli", "categorical", "logistic-mixture", "negative-binomial"]),
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
}
