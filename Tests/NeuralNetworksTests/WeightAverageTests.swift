import NeuralNetworks
import Tensors
import XCTest

final class WeightAverageTests: XCTestCase {
  private struct Case: Decodable {
    let decay: Float
    let initial: [Float]
    let values: [[Float]]
    let averages: [[Double]]
  }

  private struct Stop: Error {}

  /// So late that the stated decay holds.
  private let late = 1_000_000

  func testAveragesEqualTheReference() throws {
    let cases = try ReferenceFile.load("averages.json", as: Case.self)
    XCTAssertFalse(cases.isEmpty)
    for reference in cases {
      let parameter = Parameter(Tensor(reference.initial))
      let average = WeightAverage(of: named([parameter]), decay: reference.decay)
      XCTAssertEqual(reference.values.count, reference.averages.count)
      for (value, expected) in zip(reference.values, reference.averages) {
        parameter.value = Tensor(value)
        average.update(number: late)
        assertClose(
          average.state[0].values.floats, expected, relative: 2e-6, floor: 0.5,
          "decay \(reference.decay)")
        XCTAssertEqual(parameter.value.floats, value, "an average changes no parameter")
      }
    }
  }

  func testEarlyAveragesKeepLittleOfTheStart() {
    let parameter = Parameter(Tensor([0]))
    let average = WeightAverage(of: named([parameter]), decay: 0.2)
    parameter.value = Tensor([10])
    var expected: Float = 0
    for (number, decay) in ([0.1, 2 / 11, 0.2, 0.2] as [Float]).enumerated() {
      average.update(number: number)
      expected = decay * expected + (1 - decay) * 10
      XCTAssertEqual(average.state[0].values.floats[0], expected, accuracy: 1e-5, "\(number)")
    }
  }

  func testAveragesStandInForTheValuesOnlyInsideTheClosure() {
    let parameter = Parameter(Tensor([0, 2]))
    let average = WeightAverage(of: named([parameter]), decay: 0.5)
    parameter.value = Tensor([2, 4])
    average.update(number: late)
    XCTAssertEqual(average.applied { parameter.value.floats }, [1, 3])
    XCTAssertEqual(parameter.value.floats, [2, 4])
    XCTAssertEqual(average.state[0].values.floats, [1, 3])
    XCTAssertThrowsError(try average.applied { throw Stop() })
    XCTAssertEqual(parameter.value.floats, [2, 4], "after an error")
  }

  func testStandingInCopiesNothing() {
    let parameter = Parameter(Tensor([0, 2]))
    let average = WeightAverage(of: named([parameter]), decay: 0.5)
    let own = parameter.value.address
    for _ in 0..<2 {
      XCTAssertEqual(average.applied { parameter.value.address }, average.state[0].values.address)
      XCTAssertEqual(parameter.value.address, own)
    }
  }

  func testStoredAveragesAreTakenUpByName() {
    let parameters = [Parameter(Tensor([0, 2])), Parameter(Tensor([5]))]
    let average = WeightAverage(of: named(parameters), decay: 0.5)
    XCTAssertEqual(average.state.map(\.name), ["average.p0", "average.p1"])
    let stored = ["average.p0": Tensor([7, 8]), "average.p1": Tensor([9])]
    let restored = WeightAverage(of: named(parameters), decay: 0.5)
    restored.restore { name, _ in stored[name] }
    XCTAssertEqual(restored.state.map { $0.values.floats }, [[7, 8], [9]])
    restored.update(number: late)
    XCTAssertEqual(stored["average.p0"]?.floats, [7, 8], "what was stored keeps its values")
    XCTAssertEqual(restored.state.map { $0.values.floats }, [[3.5, 5], [7]])
  }
}
