import NeuralNetworks
import Tensors
import XCTest

/// Trajectories of every update rule against those of the papers' formulas in double precision, and
/// what an optimizer leaves alone.
final class OptimizerTests: XCTestCase {
  private struct Trajectory: Decodable {
    let name: String
    let rule: Rule
    let rate: Float
    let gradientScale: Float
    let decayed: Bool
    let initial: [Float]
    let gradients: [[Float]]
    let values: [[Double]]
  }

  private struct Rule: Decodable {
    let kind: String
    let beta1, beta2, epsilon, momentum: Float?
    let nesterov: Bool?
    let weightDecay: Float

    func updateRule() throws -> UpdateRule {
      switch kind {
      case "adam":
        .adam(
          beta1: try XCTUnwrap(beta1), beta2: try XCTUnwrap(beta2),
          epsilon: try XCTUnwrap(epsilon), weightDecay: weightDecay)
      case "adam_w":
        .adamW(
          beta1: try XCTUnwrap(beta1), beta2: try XCTUnwrap(beta2),
          epsilon: try XCTUnwrap(epsilon), weightDecay: weightDecay)
      case "sgd":
        .sgd(
          momentum: try XCTUnwrap(momentum), isNesterov: try XCTUnwrap(nesterov),
          weightDecay: weightDecay)
      default: throw UnknownRule(kind: kind)
      }
    }
  }

  private struct UnknownRule: Error {
    let kind: String
  }

  /// A second parameter of one element goes along, so that more than one is updated in a pass.
  func testTrajectoriesEqualTheReference() throws {
    let trajectories = try ReferenceFile.load("optimizers.json", as: Trajectory.self)
    XCTAssertEqual(Set(trajectories.map(\.rule.kind)), ["adam", "adam_w", "sgd"])
    for trajectory in trajectories {
      let whole = Parameter(Tensor(trajectory.initial), isDecayed: trajectory.decayed)
      let single = Parameter(
        Tensor([trajectory.initial[0]], shape: [1, 1]), isDecayed: trajectory.decayed)
      let optimizer = Optimizer(
        try trajectory.rule.updateRule(), parameters: named([whole, single]))
      XCTAssertEqual(trajectory.gradients.count, trajectory.values.count)
      // Ten updates round each element ten times, by 6e-8 of its own size at that time, and its steps
      // as often; 0.2 stands for the way that ten steps of an adaptive rule make.
      var largest = trajectory.initial.map { max(0.2, Double($0.magnitude)) }
      for (gradient, expected) in zip(trajectory.gradients, trajectory.values) {
        var gradients = Gradients()
        gradients[whole] = Tensor(gradient)
        gradients[single] = Tensor([gradient[0]], shape: [1, 1])
        try optimizer.update(
          gradients, rate: trajectory.rate, gradientScale: trajectory.gradientScale)
        largest = zip(largest, expected).map { max($0, $1.magnitude) }
        let what = "\(trajectory.name), update \(optimizer.updates)"
        for (index, exact) in expected.enumerated() {
          XCTAssertEqual(
            Double(whole.value.floats[index]), exact, accuracy: 1e-6 * largest[index],
            "\(what)[\(index)]")
        }
        XCTAssertEqual(
          Double(single.value.item), expected[0], accuracy: 1e-6 * largest[0],
          "\(what), the single element")
      }
      XCTAssertEqual(optimizer.updates, trajectory.values.count)
    }
  }

  func testAParameterWithoutGradientStays() throws {
    let (moved, still) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, 4])))
    for rule in Self.rules {
      let optimizer = Optimizer(rule, parameters: named([moved, still]))
      var gradients = Gradients()
      gradients[moved] = Tensor([1, -1])
      let before = moved.value.floats
      try optimizer.update(gradients, rate: 0.1)
      XCTAssertNotEqual(moved.value.floats, before)
      XCTAssertEqual(still.value.floats, [3, 4])
      XCTAssertFalse(optimizer.state.contains { $0.name.hasSuffix(".p1") })
    }
  }

  func testAFrozenParameterStaysAndTakesNoState() throws {
    let frozen = Parameter(Tensor([1, 2]))
    frozen.isTrainable = false
    for rule in Self.rules {
      let optimizer = Optimizer(rule, parameters: named([frozen]))
      var gradients = Gradients()
      gradients[frozen] = Tensor([1, -1])
      try optimizer.update(gradients, rate: 0.1)
      XCTAssertEqual(frozen.value.floats, [1, 2])
      XCTAssertTrue(optimizer.state.isEmpty)
    }
  }

  func testStateIsNamedByMomentAndPath() throws {
    let expected = [
      ["first.p0", "second.p0"], ["first.p0", "second.p0"], ["first.p0"], [],
    ]
    for (rule, names) in zip(Self.rules, expected) {
      let parameter = Parameter(Tensor([1, 2]))
      let optimizer = Optimizer(rule, parameters: named([parameter]))
      var gradients = Gradients()
      gradients[parameter] = Tensor([1, -1])
      try optimizer.update(gradients, rate: 0.1)
      XCTAssertEqual(optimizer.state.map(\.name), names)
    }
  }

  func testARestoredOptimizerContinuesWithTheSameBits() throws {
    for rule in Self.rules {
      let original = Parameter(numbers([7, 3], seed: 1))
      let optimizer = Optimizer(rule, parameters: named([original]))
      for seed in 0..<5 { try update(optimizer, original, seed: seed) }

      let copy = Parameter(original.value)
      let restored = Optimizer(rule, parameters: named([copy]))
      let saved = Dictionary(uniqueKeysWithValues: optimizer.state.map { ($0.name, $0.values) })
      restored.restore(updates: optimizer.updates) { name, _ in saved[name] }
      for seed in 5..<10 {
        try update(optimizer, original, seed: seed)
        try update(restored, copy, seed: seed)
      }
      XCTAssertEqual(original.value.floats, copy.value.floats)
      XCTAssertEqual(restored.updates, 10)
    }
  }

  /// Adam's corrections are for moments that began at zero, whenever that was.
  func testAParameterThatJoinsLateOrPausesIsUpdatedAsByAnOptimizerOfItsOwn() throws {
    for rule in Self.rules {
      let (early, late, alone) = (
        Parameter(numbers([4], seed: 1)), Parameter(numbers([4], seed: 2)),
        Parameter(numbers([4], seed: 2))
      )
      var both = Optimizer(rule, parameters: named([early, late]))
      let own = Optimizer(rule, parameters: named([alone]))
      for step in 0..<9 {
        var gradients = Gradients()
        gradients[early] = numbers([4], seed: 100)
        // It has a part in the updates 3, 4, 6, 7 and 8.
        if step >= 3 && step != 5 {
          let gradient = numbers([4], seed: UInt64(step))
          gradients[late] = gradient
          var single = Gradients()
          single[alone] = gradient
          try own.update(single, rate: 0.01)
        }
        try both.update(gradients, rate: 0.01)
        XCTAssertEqual(late.value.floats, alone.value.floats, "\(rule) at \(step)")
        // What is stored says how often it had none.
        let saved = Dictionary(uniqueKeysWithValues: both.state.map { ($0.name, $0.values) })
        let restored = Optimizer(rule, parameters: named([early, late]))
        restored.restore(updates: both.updates) { name, _ in saved[name] }
        both = restored
      }
    }
  }

  private func update(_ optimizer: Optimizer, _ parameter: Parameter, seed: Int) throws {
    var gradients = Gradients()
    gradients[parameter] = numbers(parameter.shape, seed: UInt64(seed) + 100)
    try optimizer.update(gradients, rate: 0.01)
  }

  private static let rules: [UpdateRule] = [
    .adam(), .adamW(), .sgd(momentum: 0.9), .sgd(),
  ]
}
