import Foundation
import XCTest

/// The list of metrics, and `evaluate --metrics`.
final class MetricsTests: CommandTestCase {
  private static let files =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Files/evaluations/"

  private func list() throws -> [[String: Any]] {
    let text = try run(["metrics", "--json"]).out
    return try XCTUnwrap(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  func testEveryMetricIsListedWithUnitDirectionNeedsAndHelp() throws {
    let metrics = try list()
    XCTAssertGreaterThan(metrics.count, 10)
    let lines = try run(["metrics"]).lines
    XCTAssertEqual(lines.count, metrics.count + 1)
    for (metric, line) in zip(metrics, lines.dropFirst()) {
      XCTAssertEqual(
        Set(metric.keys),
        ["name", "unit", "direction", "needs", "numbers", "standard_error", "help"])
      let name = try XCTUnwrap(metric["name"] as? String)
      XCTAssertTrue(line.hasPrefix("\(name) "), line)
      XCTAssertTrue(line.hasSuffix(try XCTUnwrap(metric["help"] as? String)), line)
      XCTAssertTrue(["lower", "higher", "none"].contains(metric["direction"] as? String), name)
      let cells = line.components(separatedBy: "  ").filter { !$0.isEmpty }.map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      let unit = try XCTUnwrap(metric["unit"] as? String)
      let direction = try XCTUnwrap(metric["direction"] as? String)
      let needs = try XCTUnwrap(metric["needs"] as? [String]).map {
        $0.replacingOccurrences(of: "_", with: " ")
      }
      XCTAssertEqual(
        Array(cells[1..<4]),
        [
          unit.isEmpty ? "–" : unit, direction == "none" ? "–" : direction,
          needs.isEmpty ? "–" : needs.joined(separator: ", "),
        ], line)
    }
  }

  /// What the release before metrics had a registry gave for models that it wrote.
  func testAnEvaluationGivesTheNamesOrderAndNumbersThatItGaveBefore() throws {
    let small = Self.files + "../data-0.1"
    for (variant, data) in [
      ("gaussian-vae", "shapes:32"), ("ladder-vae", "shapes:32"), ("vq-vae", small),
    ] {
      let wanted = try String(contentsOfFile: Self.files + "\(variant).json", encoding: .utf8)
      let found = try run([
        "evaluate", Self.files + "\(variant).safetensors", "--data", data, "--seed", "3",
        "--json", "--threads", "1",
      ]).out
      // What has been added since stands in an object of its own.
      let former = found.replacing(#/"rate_decomposition": \{[^}]*\}, /#, with: "")
      XCTAssertEqual(names(former), names(wanted), variant)
      let (old, new) = (numbers(wanted), numbers(former))
      XCTAssertEqual(old.count, new.count)
      for (old, new) in zip(old, new) {
        XCTAssertEqual(old, new, accuracy: 1e-5 * max(1, abs(old)), variant)
      }
    }
  }

  private func names(_ json: String) -> [String] {
    json.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map {
      String($0.element)
    }
  }

  private func numbers(_ json: String) -> [Double] {
    json.split { ":,[]{} \n".contains($0) }.compactMap { Double($0) }
  }

  func testWhatIsAskedForIsGivenAlone() throws {
    let shared = try TrainedRun.shared()
    let result = try object(
      run([
        "evaluate", shared.run, "--data", shared.data, "--json", "--metrics", "rate,active_units",
      ]).out)
    XCTAssertEqual(
      Set(result.keys),
      [
        "variant", "split", "examples", "rate", "rate_stderr", "active_units",
        "active_units_stderr",
      ])
    let text = try run([
      "evaluate", shared.run, "--data", shared.data, "--metrics", "nll", "--importance-samples",
      "3",
    ])
    XCTAssertEqual(text.lines.count, 2, text.out)
    XCTAssertTrue(text.lines[1].hasPrefix("NLL "), text.out)
    // Many numbers are a line where they were asked for.
    let units = try run([
      "evaluate", shared.run, "--data", shared.data, "--metrics", "rate_per_unit,rate",
    ])
    XCTAssertEqual(units.lines.count, 3, units.out)
    let rates = try XCTUnwrap(
      object(
        run([
          "evaluate", shared.run, "--data", shared.data, "--json", "--metrics", "rate_per_unit",
        ]).out)["rate_per_unit"] as? [Double])
    let line = try XCTUnwrap(units.lines.first { $0.hasPrefix("rate per unit ") })
    let numbers = line.split(separator: " ").compactMap { Double($0) }
    XCTAssertEqual(numbers.count, rates.count, line)
    for (number, rate) in zip(numbers, rates) { XCTAssertEqual(number, rate, accuracy: 1e-3) }
  }

  func testWhatCannotBeMeasuredIsRefusedInOneLine() throws {
    let shared = try TrainedRun.shared()
    let cases: [(arguments: [String], status: Int32, words: [String])] = [
      (["elbow"], 64, ["there is no metric elbow; did you mean elbo?", "factor_vae_score"]),
      ([""], 64, ["no metric is named", "elbo"]),
      (["elbo,,rate"], 64, ["elbo,,rate", "is empty"]), (["rate,"], 64, ["is empty"]),
      (["nll"], 64, ["nll needs draws for each example; give --importance-samples"]),
      (["rate", "--importance-samples", "4"], 64, ["rate takes no importance samples", "nll"]),
      (["mig"], 65, ["mig needs the generating factors of the examples", "shapes:32"]),
      (["codebook_usage"], 65, ["codebook_usage needs latents that are codes", "vq-vae"]),
    ]
    for (arguments, status, words) in cases {
      try assertRefused(
        ["evaluate", shared.run, "--data", shared.data, "--metrics"] + arguments, status: status,
        naming: words)
    }
  }

  func testAVariantsDescriptionNamesItsMetrics() throws {
    let known = try list().compactMap { $0["name"] as? String }
    let described = try object(run(["describe", "vq-vae", "--json"]).out)
    let metrics = try XCTUnwrap(described["metrics"] as? [String])
    XCTAssertTrue(Set(metrics).isSubset(of: known))
    XCTAssertTrue(metrics.contains("codebook_usage") && !metrics.contains("active_units"))
    XCTAssertTrue(
      try run(["describe", "vq-vae"]).out.split { $0 == "\n" || $0 == " " }.joined(separator: " ")
        .contains("Metrics: \(metrics.joined(separator: ", "))"))
  }
}
