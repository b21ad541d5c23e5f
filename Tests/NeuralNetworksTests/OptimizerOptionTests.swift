import NeuralNetworks
import Tensors
import XCTest

/// What an optimizer does unless it is told otherwise, and with parameters that are not always trained.
final class OptimizerOptionTests: XCTestCase {
  private func gradients(_ values: [(Parameter, [Float])]) -> Gradients {
    var gradients = Gradients()
    for (parameter, values) in values { gradients[parameter] = Tensor(values) }
    return gradients
  }

  func testTheUsualCoefficientsAreThoseOfThePapers() {
    XCTAssertEqual(
      UpdateRule.adam(), .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
    XCTAssertEqual(
      UpdateRule.adamW(), .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01))
    XCTAssertEqual(UpdateRule.sgd(), .sgd(momentum: 0, isNesterov: false, weightDecay: 0))
  }

  func testWeightsDecayEachByWhetherTheyAreDecayed() throws {
    let (decayed, kept) = (Parameter(Tensor([2])), Parameter(Tensor([2]), isDecayed: false))
    let optimizer = Optimizer(.sgd(weightDecay: 0.5), parameters: named([decayed, kept]))
    try optimizer.update(gradients([(decayed, [1]), (kept, [1])]), rate: 0.25)
    XCTAssertEqual(decayed.value.floats, [2 - 0.25 * (1 + 0.5 * 2)])
    XCTAssertEqual(kept.value.floats, [1.75])
  }

  /// Frozen it takes no part, whatever gradients there are.
  func testAParameterThatIsFrozenForAWhileGoesOnAsIfTheUpdatesHadNotBeen() throws {
    for rule in [.adam(), .adamW(weightDecay: 0.1), .sgd(momentum: 0.9)] as [UpdateRule] {
      let (paused, alone) = (Parameter(Tensor([1, -2])), Parameter(Tensor([1, -2])))
      let optimizer = Optimizer(rule, parameters: named([paused]))
      let own = Optimizer(rule, parameters: named([alone]))
      for step in 0..<6 {
        paused.isTrainable = !(2...3).contains(step)
        let values: [Float] = [Float(step) - 1.5, 0.25 * Float(step + 1)]
        try optimizer.update(gradients([(paused, values)]), rate: 0.1)
        if paused.isTrainable { try own.update(gradients([(alone, values)]), rate: 0.1) }
        XCTAssertEqual(paused.value.floats, alone.value.floats, "\(rule) at \(step)")
      }
      XCTAssertEqual(optimizer.updates, 6)
      XCTAssertEqual(own.updates, 4)
    }
  }

  func testTheUpdatesThatAParameterMissedAreStoredWhereItHasMoments() throws {
    let (early, late) = (Parameter(Tensor([1])), Parameter(Tensor([2])))
    let optimizer = Optimizer(.adam(), parameters: named([early, late]))
    for _ in 0..<3 { try optimizer.update(gradients([(early, [1])]), rate: 0.1) }
    XCTAssertEqual(optimizer.state.map(\.name), ["first.p0", "second.p0"])
    try optimizer.update(gradients([(late, [1])]), rate: 0.1)
    XCTAssertEqual(
      optimizer.state.map(\.name),
      ["first.p0", "second.p0", "missed.p0", "first.p1", "second.p1", "missed.p1"])
    XCTAssertEqual(optimizer.state[2].values.item, 1)
    XCTAssertEqual(optimizer.state[5].values.item, 3)
  }

  func testMomentsAreThoseOfTheFormulas() throws {
    let parameter = Parameter(Tensor([1]))
    let optimizer = Optimizer(
      .adam(beta1: 0.75, beta2: 0.5, epsilon: 0, weightDecay: 0), parameters: named([parameter]))
    try optimizer.update(gradients([(parameter, [2])]), rate: 0.125, gradientScale: 2)
    // m = ¼ · 4 and v = ½ · 16; corrected they are 4 and 16.
    XCTAssertEqual(optimizer.state.map(\.values.item), [1, 8])
    XCTAssertEqual(parameter.value.item, 1 - 0.125 * 4 / 4, accuracy: 1e-6)
    try optimizer.update(gradients([(parameter, [-1])]), rate: 0.125, gradientScale: 2)
    // m = ¾ − ½ and v = 4 + 2; the corrections are 1 − 0.75² and 1 − 0.5².
    XCTAssertEqual(optimizer.state.map(\.values.item), [0.25, 6])
    XCTAssertEqual(
      Double(parameter.value.item), 0.875 - 0.125 * (0.25 / 0.4375) / (6 / 0.75).squareRoot(),
      accuracy: 1e-6)
  }

  func testWhatWasRestoredFromKeepsItsValues() throws {
    let parameter = Parameter(Tensor([1, 2]))
    let stored = ["first.p0": Tensor([3, 4]), "second.p0": Tensor([5, 6])]
    let optimizer = Optimizer(.adam(), parameters: named([parameter]))
    var asked: [String] = []
    optimizer.restore(updates: 7) { name, shape in
      asked.append("\(name) \(shape)")
      return stored[name]
    }
    XCTAssertEqual(asked, ["first.p0 [2]", "second.p0 [2]", "missed.p0 []"])
    XCTAssertEqual(optimizer.state.map(\.values.floats), [[3, 4], [5, 6]])
    try optimizer.update(gradients([(parameter, [1, 1])]), rate: 0.1)
    XCTAssertEqual(optimizer.updates, 8)
    XCTAssertEqual(stored["first.p0"]?.floats, [3, 4])
    XCTAssertEqual(stored["second.p0"]?.floats, [5, 6])
    XCTAssertNotEqual(optimizer.state[0].values.floats, [3, 4])
  }

  func testNobodyMissedMoreUpdatesThanThereWere() throws {
    for (stored, missed) in [(99, 3), (-5, 0), (1.75, 1), (2, 2)] as [(Float, Float)] {
      let optimizer = Optimizer(.adam(), parameters: named([Parameter(Tensor([1]))]))
      optimizer.restore(updates: 3) { name, _ in
        name == "missed.p0" ? Tensor(stored) : Tensor([1])
      }
      let found = optimizer.state.first { $0.name == "missed.p0" }?.values.item ?? 0
      XCTAssertEqual(found, missed, "\(stored)")
    }
  }

  // MARK: Averages of weights

  func testOnlyTheParametersThatAreTakenEnterTheAverage() {
    let parameters = [Parameter(Tensor([0, 0])), Parameter(Tensor([4]))]
    let average = WeightAverage(of: named(parameters), decay: 0.75)
    parameters[0].value = Tensor([8, 16])
    parameters[1].value = Tensor([8])
    average.update(number: 1_000_000) { $0 == "p1" }
    XCTAssertEqual(average.state.map { $0.values.floats }, [[0, 0], [5]])
    average.update(number: 1_000_000) { $0 == "p0" }
    XCTAssertEqual(average.state.map { $0.values.floats }, [[2, 4], [5]])
    average.update(number: 1_000_000) { _ in false }
    XCTAssertEqual(average.state.map { $0.values.floats }, [[2, 4], [5]])
  }

  func testAnAverageThatIsNotStoredStaysAsItWas() {
    let parameters = [Parameter(Tensor([1, 2])), Parameter(Tensor([3]))]
    let average = WeightAverage(of: named(parameters), decay: 0.5)
    average.restore { name, shape in
      XCTAssertEqual(shape, name == "average.p0" ? [2] : [1])
      return name == "average.p1" ? Tensor([9]) : nil
    }
    XCTAssertEqual(average.state.map { $0.values.floats }, [[1, 2], [9]])
  }

  // MARK: Schedules

  func testSchedulesOfNoUpdatesAreOverAtOnce() {
    let next = Schedule.step(interval: 2, factor: 0.5)
    let warm = Schedule.warmUp(updates: 0, then: next)
    XCTAssertEqual((0..<5).map { warm.factor(at: $0) }, [1, 1, 0.5, 0.5, 0.25])
    let cosine = Schedule.cosine(total: 0, floor: 0.25)
    XCTAssertEqual((0..<3).map { cosine.factor(at: $0) }, [1, 0.25, 0.25])
    XCTAssertEqual(Schedule.step(interval: 0, factor: 0.5).factor(at: 3), 0.125)
  }

  func testNamesOfSettingsAreThoseOfRecipes() {
    XCTAssertEqual(
      AdversarialLoss.allCases.map(\.rawValue), ["hinge", "non_saturating", "minimax"])
    XCTAssertEqual(Upsampling.Method.allCases.map(\.rawValue), ["nearest", "bilinear"])
  }

  // MARK: Penalties of gradients

  /// Of Σ x² the central difference is the derivative itself, which a difference to one side is not.
  func testThePenaltyIsTheSquaredSlopeAtThePointInTheMeanOverExamples() {
    let x = Tensor([1, 2, 3, -1], shape: [2, 2])
    let noise = Tensor([1, 0.5, -2, 1], shape: [2, 2])
    func penalty(_ judge: (Tensor) -> Tensor) -> Float {
      AdversarialLoss.squaredGradientNorm(at: x, along: noise, step: 0.25, judge).item
    }
    // Slopes of 2 x·n: 4 and −14.
    XCTAssertEqual(
      penalty { $0.squared().sum(axis: 1, keepingAxis: true) }, (16 + 196) / 2, accuracy: 1e-3)
    // Of several logits of an example the mean counts: here twice the first.
    XCTAssertEqual(
      penalty {
        let first = $0.squared().sum(axis: 1, keepingAxis: true)
        return .concatenated([first, first * 3], axis: 1).reshaped(to: [2, 1, 1, 2])
      }, 2 * (16 + 196), accuracy: 1e-2)
  }
}
