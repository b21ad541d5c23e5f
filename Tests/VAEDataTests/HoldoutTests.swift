import Tensors
import VAECore
import VAEData
import XCTest

/// Examples that a source sets apart of those that train.
final class HoldoutTests: XCTestCase {
  /// Pictures of two pixels: ten times their number, and one more.
  private struct Numbers: ExampleStore {
    let count: Int
    let shape = ImageShape(height: 1, width: 2, channels: 1)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (place, index) in indices.enumerated() {
        destination[2 * place] = Float(10 * index)
        destination[2 * place + 1] = Float(10 * index + 1)
      }
    }
  }

  private func source(_ count: Int) throws -> DataSource {
    let numbers = 0..<count
    let train = DataSplit(
      name: "train", store: Numbers(count: count), labels: numbers.map { Int32(7 * $0) },
      conditions: try ConditionTable(
        name: "c", kind: .vector, width: 2, values: numbers.flatMap { [Float($0), Float(-$0)] }),
      factors: FactorTable(
        [(name: "a", size: 5), (name: "b", size: 4)], combinations: numbers.map { Int32($0 % 20) }))
    return DataSource(
      name: "numbers", valueRange: .real, rule: "floats", isDiscrete: false, train: train)
  }

  func testTheShareIsRoundedAndLeavesAnExampleOnEachSide() throws {
    for (count, share, apart) in [
      (10, 0.24, 2), (10, 0.25, 3), (10, 0.26, 3), (4, 0.05, 1), (3, 0.9, 2), (2, 0.5, 1),
      (100, 0.1, 10),
    ] {
      let found = try source(count).settingApart(share)
      XCTAssertEqual(found.splits.map(\.name), ["train", "valid"])
      XCTAssertEqual(found.splits.map(\.count), [count - apart, apart], "\(share) of \(count)")
      let word = apart == 1 ? "example" : "examples"
      XCTAssertTrue(
        found.notices.contains {
          "\($0)".contains("\(apart) training \(word) of numbers set apart as its split valid")
        }, "\(found.notices)")
    }
    XCTAssertThrowsError(try source(1).settingApart(0.5)) {
      XCTAssertEqual(($0 as? DataError)?.kind, .unusable)
      XCTAssertTrue("\($0)".contains("numbers has only one training example"), "\($0)")
    }
  }

  /// What was set apart of data once must be so whenever these are opened again.
  func testTheExamplesAreTheFirstOfAnOrderThatTheirNumberDecidesAlone() throws {
    var generator = RandomSource(seed: 0).stream("holdout", step: 0).generator()
    let order = Array(0..<10).shuffled(using: &generator)
    let found = try source(10).settingApart(0.3)
    XCTAssertEqual(found.validation?.labels, order.prefix(3).sorted().map { Int32(7 * $0) })
    XCTAssertEqual(found.train.labels, order.dropFirst(3).sorted().map { Int32(7 * $0) })
  }

  func testAllThatIsKnownOfAnExampleGoesWithIt() throws {
    let found = try source(17).settingApart(0.4)
    var seen: [Int] = []
    for split in found.splits {
      let numbers = (0..<split.count).map { Int(split.batch([$0]).floats[0]) / 10 }
      XCTAssertEqual(numbers, numbers.sorted(), split.name)
      XCTAssertEqual(
        split.batch(Array(0..<split.count)).floats,
        numbers.flatMap { [Float(10 * $0), Float(10 * $0 + 1)] })
      XCTAssertEqual(split.labels, numbers.map { Int32(7 * $0) })
      XCTAssertEqual(split.conditions?.values, numbers.flatMap { [Float($0), Float(-$0)] })
      XCTAssertEqual(
        numbers.indices.map { split.factors?.values(at: $0) },
        numbers.map { [Int32($0 % 20 / 4), Int32($0 % 4)] })
      XCTAssertEqual(split.factors?.names, ["a", "b"])
      seen += numbers
    }
    XCTAssertEqual(seen.sorted(), Array(0..<17))
  }

  func testASourceWithASplitForItSetsNothingApart() throws {
    var found = try source(10)
    XCTAssertEqual(try found.settingApart(0).splits.map(\.count), [10])
    found = DataSource(
      name: "two", valueRange: .real, rule: "floats", isDiscrete: false, train: found.train,
      validation: DataSplit(name: "valid", store: Numbers(count: 2)))
    XCTAssertEqual(try found.settingApart(0.5).splits.map(\.count), [10, 2])
    XCTAssertEqual(try found.settingApart(0.5).notices.count, 0)
  }

  func testSplitsOfATrainingAreShownBesideAllDataOrInTheirPlace() throws {
    let whole = try source(10)
    let apart = try whole.settingApart(0.3)
    XCTAssertEqual(whole.showing(apart).splits.map(\.count), [10, 3])
    let divided = whole.divided(as: apart)
    XCTAssertEqual(divided.splits.map(\.count), [7, 3])
    XCTAssertTrue(
      divided.notices.contains {
        "\($0)".contains("of 10 examples its split train has the 7 that training saw")
      }, "\(divided.notices)")
  }
}
