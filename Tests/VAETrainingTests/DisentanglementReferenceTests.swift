import Foundation
import Tensors
import VAEData
import VAEEvaluation
import XCTest

/// Measures of disentanglement beside those that NumPy and scikit-learn give; see
/// `Reference/disentanglement.py`.
final class DisentanglementReferenceTests: XCTestCase {
  private struct Reference: Decodable {
    struct Scores: Decodable {
      let disentanglement: Double
      let completeness: Double
    }

    let sizes: [Int]
    let combinations: [Int32]
    let means: [[Float]]
    let factorVaeScore: Double
    /// By depth, factor, unit.
    let importances: [[[Double]]]
    let scoresAtDepth6: Scores

    var table: FactorTable {
      FactorTable(sizes.map { (name: "factor", size: $0) }, combinations: combinations)
    }
  }

  private func reference() throws -> Reference {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/disentanglement.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Reference.self, from: Data(contentsOf: path))
  }

  private func representation(_ reference: Reference) throws -> FactoredRepresentation {
    try XCTUnwrap(
      FactoredRepresentation(
        means: reference.means.flatMap { $0 }, variances: nil, units: reference.means[0].count,
        factors: reference.table))
  }

  func testTheFactorVAEScoreIsThatOfVotesDrawnWithNumPy() throws {
    let reference = try reference()
    let score = try FactorVAEScore(
      representation(reference), random: RandomSource(seed: 6)
    ).score
    // Four standard deviations of the accuracy of 5,000 votes.
    let expected = reference.factorVaeScore
    XCTAssertEqual(
      score, expected, accuracy: 4 * (expected * (1 - expected) / 5_000).squareRoot())
  }

  func testEntropicScoresAreThoseOfNumPy() throws {
    let reference = try reference()
    let dci = DCI(importances: reference.importances[5], informativeness: 0)
    XCTAssertEqual(
      dci.disentanglement, reference.scoresAtDepth6.disentanglement, accuracy: 1e-9)
    XCTAssertEqual(dci.completeness, reference.scoresAtDepth6.completeness, accuracy: 1e-9)
  }

  func testImportancesAreThoseOfScikitLearnsForestOfTheSameDepth() throws {
    let reference = try reference()
    let features = SortedFeatures(
      reference.means[0].indices.map { unit in reference.means.map { $0[unit] } })
    for factor in reference.sizes.indices {
      var generator = RandomSource(seed: 6).stream("forest").generator()
      let forest = RandomForest(
        features: features,
        classes: reference.combinations.indices.map { reference.table.values(at: $0)[factor] },
        classCount: reference.sizes[factor], treeCount: 300, &generator)
      let expected = reference.importances[forest.depth - 1][factor]
      for (importance, expected) in zip(forest.importances, expected) {
        XCTAssertEqual(importance, expected, accuracy: 0.015, "factor \(factor)")
      }
    }
  }
}
