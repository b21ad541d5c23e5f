import Foundation
import Tensors
import VAEData
import VAEEvaluation
import XCTest

/// Mutual information of Gaussian posteriors beside numerical integration; see
/// `Reference/mutual-information.py`.
final class MutualInformationReferenceTests: XCTestCase {
  private struct Reference: Decodable {
    let sizes: [Int]
    let combinations: [Int32]
    let means: [[Float]]
    let variances: [[Float]]
    /// By factor, then unit.
    let information: [[Double]]
    let deviations: [[Double]]
    let gaps: [Double]

    func representation() throws -> FactoredRepresentation {
      try XCTUnwrap(
        FactoredRepresentation(
          means: means.flatMap { $0 }, variances: variances.flatMap { $0 }, units: means[0].count,
          factors: FactorTable(
            sizes.map { (name: "factor", size: $0) }, combinations: combinations)))
    }
  }

  private func reference() throws -> Reference {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/mutual-information.json")
    return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: path))
  }

  func testInformationIsTheIntegralWithinTheErrorOfItsDraws() throws {
    let reference = try reference()
    let representation = try reference.representation()
    for seed in 1...5 {
      let found = try DisentanglementSupport.gap(representation, seed: UInt64(seed)).information
      XCTAssertEqual(found.count, 2)
      for factor in found.indices {
        XCTAssertEqual(found[factor].count, 4)
        for unit in found[factor].indices {
          // Four standard errors of the mean of 10,000 draws.
          XCTAssertEqual(
            found[factor][unit], reference.information[factor][unit],
            accuracy: 4 * reference.deviations[factor][unit] / 100 + 1e-5,
            "factor \(factor), unit \(unit), seed \(seed)")
        }
      }
    }
  }

  func testTheMeanOverSeedsIsTheIntegral() throws {
    let reference = try reference()
    let representation = try reference.representation()
    let seeds = 40
    var sums = reference.information.map { $0.map { _ in 0.0 } }
    for seed in 0..<seeds {
      let found = try DisentanglementSupport.gap(representation, seed: UInt64(seed)).information
      for factor in sums.indices {
        for unit in sums[factor].indices { sums[factor][unit] += found[factor][unit] }
      }
    }
    for factor in sums.indices {
      for unit in sums[factor].indices {
        XCTAssertEqual(
          sums[factor][unit] / Double(seeds), reference.information[factor][unit],
          accuracy: 4 * reference.deviations[factor][unit] / (1e4 * Double(seeds)).squareRoot()
            + 1e-5,
          "factor \(factor), unit \(unit)")
      }
    }
  }

  func testGapsAreThoseOfTheIntegrals() throws {
    let reference = try reference()
    let gaps = try DisentanglementSupport.gap(reference.representation()).gaps
    XCTAssertEqual(gaps.count, reference.gaps.count)
    for (gap, expected) in zip(gaps, reference.gaps) {
      XCTAssertEqual(gap, expected, accuracy: 0.03)
    }
  }

  func testMoreExamplesThanDrawsAreMeasuredAlike() throws {
    // 101 copies of each example are the same aggregate posteriors.
    let reference = try reference()
    let copies = 101
    let table = FactorTable(
      reference.sizes.map { (name: "factor", size: $0) },
      combinations: (0..<copies).flatMap { _ in reference.combinations })
    let representation = try XCTUnwrap(
      FactoredRepresentation(
        means: (0..<copies).flatMap { _ in reference.means.flatMap { $0 } },
        variances: (0..<copies).flatMap { _ in reference.variances.flatMap { $0 } }, units: 4,
        factors: table))
    let found = try DisentanglementSupport.gap(representation).information
    for factor in found.indices {
      for unit in found[factor].indices {
        XCTAssertEqual(
          found[factor][unit], reference.information[factor][unit],
          accuracy: 4 * reference.deviations[factor][unit] / 100 + 1e-5)
      }
    }
  }
}
