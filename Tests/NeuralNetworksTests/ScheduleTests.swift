import NeuralNetworks
import XCTest

final class ScheduleTests: XCTestCase {
  private struct Case: Decodable {
    let name: String
    let schedule: Description
    let updates: [Int]
    let factors: [Double]
  }

  private final class Description: Decodable {
    let kind: String
    let interval, total, updates: Int?
    let factor, floor: Float?
    let then: Description?

    func schedule() throws -> Schedule {
      switch kind {
      case "constant": return .constant
      case "step":
        return .step(interval: try XCTUnwrap(interval), factor: try XCTUnwrap(factor))
      case "cosine": return .cosine(total: try XCTUnwrap(total), floor: try XCTUnwrap(floor))
      case "warm_up":
        let next = try XCTUnwrap(then).schedule()
        return .warmUp(updates: try XCTUnwrap(updates), then: next)
      default: throw UnknownSchedule(kind: kind)
      }
    }
  }

  private struct UnknownSchedule: Error {
    let kind: String
  }

  func testFactorsEqualTheReference() throws {
    let cases = try ReferenceFile.load("schedules.json", as: Case.self)
    XCTAssertEqual(Set(cases.map(\.schedule.kind)), ["constant", "step", "cosine", "warm_up"])
    for reference in cases {
      let schedule = try reference.schedule.schedule()
      let factors = reference.updates.map { schedule.factor(at: $0) }
      // Powers of a factor that is no binary number are off by half a unit a multiplication.
      assertClose(factors, reference.factors, relative: 2e-5, floor: 1e-3, reference.name)
    }
  }

  func testASteppedRateThatVanishesStaysZero() {
    XCTAssertEqual(Schedule.step(interval: 1, factor: 0.1).factor(at: 1_000_000_000), 0)
  }
}
