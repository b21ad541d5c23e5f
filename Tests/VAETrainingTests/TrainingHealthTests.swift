import VAECore
import VAEEvaluation
import VAETraining
import XCTest

/// What an epoch's record is judged to show.
final class TrainingHealthTests: XCTestCase {
  private func health(
    rate: Double, heldOut: Double? = nil, units: Int, active: Int?
  ) -> TrainingHealth {
    let terms = BoundTerms(distortion: 100, rate: rate)
    var metrics = MetricResults()
    metrics[ActiveUnitsMetric.self] = active.map {
      ActiveUnitsMetric.Value(
        active: Estimate(mean: Double($0), standardError: nil), units: units)
    }
    metrics[RatePerUnitMetric.self] = [
      Array(
        repeating: (heldOut ?? rate) / Double(units), count: units)
    ]
    let record = EpochRecord(
      epoch: 3, step: 900, train: terms,
      valid: heldOut.map { BoundTerms(distortion: 100, rate: $0) }, metrics: metrics, terms: [],
      seconds: 1)
    return TrainingHealth(record, .units(units))
  }

  /// A posterior whose means do not vary may cost a tenth of a nat a unit, however many units there
  /// are, and is of no use.
  func testTheRateOfAModelWithoutActiveUnitsIsJudgedByItsUnits() {
    for units in [1, 2, 20, 128] {
      let limit = 0.1 * Double(units)
      XCTAssertEqual(health(rate: 0.95 * limit, units: units, active: 0), .collapsed, "\(units)")
      XCTAssertEqual(health(rate: 1.05 * limit, units: units, active: 0), .fine, "\(units)")
      XCTAssertEqual(health(rate: 0.95 * limit, units: units, active: 1), .fine, "\(units)")
      XCTAssertEqual(health(rate: 0.95 * limit, units: units, active: nil), .fine, "\(units)")
    }
  }

  func testNextToNoRateAtAllIsACollapseWhateverTheUnits() {
    for units in [1, 20] {
      XCTAssertEqual(health(rate: 0.0099, units: units, active: units), .collapsed)
      XCTAssertEqual(health(rate: 0.0101, units: units, active: units), .fine)
    }
  }

  func testHeldOutExamplesAreJudgedWhereThereAreSome() {
    XCTAssertEqual(health(rate: 5, heldOut: 0.001, units: 2, active: 2), .collapsed)
    XCTAssertEqual(health(rate: 0.001, heldOut: 5, units: 2, active: 2), .fine)
    XCTAssertEqual(health(rate: 5, heldOut: .nan, units: 2, active: 2), .notFinite)
  }
}
