import FlowVAE
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes
import VAEZoo
import XCTest

final class FlowVAETests: XCTestCase {
  private let random = RandomSource(seed: 5)

  private func context(_ examples: Int) -> Context {
    Context(
      mode: .evaluation, random: random, examples: (0..<examples).map { UInt64($0) })
  }

  private func head(_ flow: FlowHead.Family, units: Int, steps: Int = 3, context: Int = 3) throws
    -> FlowHead
  {
    var options = FlowHead.Options()
    options.flow = flow
    options.flowSteps = steps
    options.flowHidden = [9, 7]
    options.flowContext = context
    options.reflections = 3
    var build = BuildContext(
      data: DataDescription(height: 2, width: 2, channels: 1, range: .binary, rule: "binary"),
      random: random)
    build.latents = .units(units)
    return try FlowHead(options, build)
  }

  /// A head whose networks, which begin at zero, are somewhere else.
  private func movedHead(_ flow: FlowHead.Family, units: Int, steps: Int = 3) throws -> FlowHead {
    let head = try head(flow, units: units, steps: steps)
    for (path, parameter) in head.parameters {
      parameter.value =
        random.stream("moved \(path)").normal(parameter.shape) * 0.7 + parameter.value * 0.5
    }
    return head
  }

  private func output(_ head: FlowHead, examples: Int, seed: Int = 0) -> Tensor {
    random.stream("output \(seed)").normal([examples, head.shape[0]])
  }

  private func posterior(
    _ head: FlowHead, _ output: Tensor
  ) throws -> TransformedDistribution {
    try XCTUnwrap(
      head.posterior(output, context(output.shape[0])) as? TransformedDistribution)
  }

  private static let families = FlowHead.Family.allCases

  // MARK: Log-determinants

  func testEveryLogDeterminantIsThatOfANumericalJacobian() throws {
    for family in Self.families {
      for units in [1, 2, 5] {
        let head = try movedHead(family, units: units)
        let flow = try posterior(head, output(head, examples: 1))
        let z = random.stream("z").normal([1, units])
        func mapped(_ point: [Float]) -> [Float] {
          var value = Tensor(point, shape: [1, units])
          for bijector in flow.bijectors { value = bijector.forward(value).value }
          return value.floats
        }
        var expected: Float = 0
        var value = z
        for bijector in flow.bijectors {
          let step = bijector.forward(value)
          expected += step.logDeterminant.floats[0]
          value = step.value
        }
        XCTAssertEqual(
          Double(expected), NumericalJacobian.logDeterminant(of: mapped, at: z.floats),
          accuracy: 5e-3, "\(family), \(units) units")
      }
    }
  }

  func testAnInverseLeadsBackAndStatesTheSameLogDeterminant() throws {
    for units in [1, 2, 5] {
      let head = try movedHead(.realnvp, units: units)
      let flow = try posterior(head, output(head, examples: 3))
      let z = random.stream("z").normal([6, units])
      for bijector in flow.bijectors {
        let there = bijector.forward(z)
        let back = try XCTUnwrap(bijector.inverse(there.value))
        for (a, b) in zip(back.z.floats, z.floats) { XCTAssertEqual(a, b, accuracy: 1e-4) }
        for (a, b) in zip(back.logDeterminant.floats, there.logDeterminant.floats) {
          XCTAssertEqual(a, b, accuracy: 1e-4)
        }
      }
      let drawn = flow.draw(2, from: "posterior", context(3))
      let density = try XCTUnwrap(flow.logDensity(of: drawn.value))
      for (a, b) in zip(density.floats, drawn.logDensity.floats) {
        XCTAssertEqual(a, b, accuracy: 1e-3)
      }
    }
  }

  func testAnAutoregressiveStepSeesNothingOfLaterUnits() throws {
    let head = try movedHead(.iaf, units: 4, steps: 2)
    let flow = try posterior(head, output(head, examples: 1))
    for (step, bijector) in flow.bijectors.enumerated() {
      let before = bijector.forward(.zeros([1, 4])).value.floats
      for unit in 0..<4 {
        var point = [Float](repeating: 0, count: 4)
        point[unit] = 1
        let after = bijector.forward(Tensor(point, shape: [1, 4])).value.floats
        for other in 0..<4 where step == 0 ? other < unit : other > unit {
          XCTAssertEqual(before[other], after[other], "step \(step): \(other) has seen \(unit)")
        }
        let next = step == 0 ? unit + 1 : unit - 1
        if (0..<4).contains(next) { XCTAssertNotEqual(before[next], after[next]) }
      }
    }
  }

  // MARK: The posterior

  func testNumbersOfZeroMakeAFlowThatLeavesTheGaussianGaussian() throws {
    for family in Self.families {
      let head = try head(family, units: 3)
      let flow = try posterior(head, .zeros([1, head.shape[0]]))
      let draws = 20_000
      let drawn = flow.draw(draws, from: "posterior", context(1))
      // A fresh iaf shrinks each unit by sigmoid(2) and moves nothing; all others are the identity.
      let sigma: Float = family == .iaf ? pow(1 / (1 + exp(-2)), 3) : 1
      let gaussian = DiagonalGaussian(
        mean: .zeros([1, 3]), logVariance: .zeros([1, 3]) + 2 * log(sigma))
      let expected = try XCTUnwrap(gaussian.logDensity(of: drawn.value))
      for (a, b) in zip(drawn.logDensity.floats.prefix(50), expected.floats) {
        XCTAssertEqual(a, b, accuracy: 2e-4, family.rawValue)
      }
      // So its rate is that Gaussian's closed form.
      let prior = StandardNormal(exampleCount: 1, units: 3)
      let exact = try XCTUnwrap(
        DivergenceTable.standard.divergence(from: gaussian, to: prior)
      ).perExample.floats[0]
      let terms = (drawn.logDensity - (try XCTUnwrap(prior.logDensity(of: drawn.value)))).floats
      let mean = terms.reduce(0) { $0 + Double($1) } / Double(draws)
      XCTAssertEqual(mean, Double(exact), accuracy: 0.02, family.rawValue)
    }
  }

  func testTheDensityOfDrawsIsOneWhenAllAreAddedUp() throws {
    // ∫ q = E_p[q / p]: with draws of the flow itself as z, E_q[p / q] is ∫ p over where q is, one.
    for family in Self.families {
      let head = try movedHead(family, units: 2, steps: 2)
      let flow = try posterior(head, output(head, examples: 1) * 0.3)
      let draws = 40_000
      let drawn = flow.draw(draws, from: "posterior", context(1))
      let wide = DiagonalGaussian(
        mean: drawn.value.mean(axis: 0, keepingAxis: true),
        logVariance: ((drawn.value - drawn.value.mean(axis: 0)).squared().mean(
          axis: 0, keepingAxis: true) * 0.3).log())
      let weights = ((try XCTUnwrap(wide.logDensity(of: drawn.value))) - drawn.logDensity).exp()
      XCTAssertEqual(weights.doubleSum / Double(draws), 1, accuracy: 0.1, family.rawValue)
    }
  }

  func testAPlanarDirectionKeepsTheProductAboveMinusOne() {
    // û for ‖w‖ = 3: with ‖w‖ in place of ‖w‖² the product would be far below −1.
    let step = PlanarStep(
      w: Tensor([3, 0], shape: [1, 2]), u: Tensor([-1, 0.5], shape: [1, 2]), b: .zeros([1, 1]))
    let determinant = step.forward(.zeros([1, 2])).logDeterminant.floats[0]
    let product = log(1 + exp(Float(-3)) * (Float(M_E) - 1)) - 1
    XCTAssertEqual(determinant, log(1 + product), accuracy: 1e-4)
  }

  func testAPlanarDirectionStaysAsLongAsUHoweverSmallWIs() {
    // z = 0 moves by û tanh(b): of a w that vanishes by no more than 2 ‖u‖, and by u itself across w.
    for size in [1, 1e-2, 1e-4, 1e-6, 1e-9, 0] as [Float] {
      for u in [[0.5, 0.25], [-0.5, 0.25]] as [[Float]] {
        let step = PlanarStep(
          w: Tensor([size, 0], shape: [1, 2]), u: Tensor(u, shape: [1, 2]),
          b: Tensor([20], shape: [1, 1]))
        let moved = step.forward(.zeros([1, 2]))
        let direction = moved.value.floats
        XCTAssertLessThanOrEqual(abs(direction[0] - u[0]), 0.5, "‖w‖ = \(size)")
        XCTAssertEqual(direction[1], u[1], accuracy: 1e-6)
        XCTAssertTrue(moved.logDeterminant.isFinite)
      }
    }
  }

  func testGradientsOfTheRateAreThoseOfFiniteDifferences() throws {
    for family in Self.families {
      let head = try movedHead(family, units: 3, steps: 2)
      let numbers = Parameter(output(head, examples: 2) * 0.5)
      func rate() throws -> Tensor {
        let flow = try posterior(head, numbers.tensor)
        let drawn = flow.draw(2, from: "posterior", context(2))
        let prior = StandardNormal(exampleCount: 2, units: 3)
        return (drawn.logDensity - (try XCTUnwrap(prior.logDensity(of: drawn.value)))).sum()
      }
      let gradients = try rate().backward()
      var parameters = [numbers]
      parameters += head.parameters.map(\.parameter)
      for (place, parameter) in parameters.enumerated() {
        let gradient = try XCTUnwrap(gradients[parameter], "\(family) \(place)").floats
        let start = parameter.value.floats
        for index in stride(from: 0, to: start.count, by: max(1, start.count / 6)) {
          func moved(_ by: Float) throws -> Double {
            var values = start
            values[index] += by
            parameter.value = Tensor(values, shape: parameter.shape)
            return try rate().doubleSum
          }
          let h: Float = 1e-2
          let slope =
            (8 * (try moved(h) - moved(-h)) - (try moved(2 * h) - moved(-2 * h))) / Double(12 * h)
          parameter.value = Tensor(start, shape: parameter.shape)
          XCTAssertEqual(
            Double(gradient[index]), slope, accuracy: 2e-2 * max(1, abs(slope)),
            "\(family), parameter \(place), element \(index)")
        }
      }
    }
  }

  func testAStoppedFlowGivesItsParametersNoGradientButItsDrawsOne() throws {
    let head = try movedHead(.realnvp, units: 3)
    let numbers = Parameter(output(head, examples: 2))
    let flow = try posterior(head, numbers.tensor)
    let z = Parameter(random.stream("z").normal([2, 3]))
    let density = try XCTUnwrap(flow.stoppingGradient().logDensity(of: z.tensor)).sum()
    let gradients = density.backward()
    XCTAssertNotNil(gradients[z])
    XCTAssertNil(gradients[numbers])
    for (path, parameter) in head.parameters { XCTAssertNil(gradients[parameter], path) }
  }

  // MARK: In recipes

  func testSizesThatDoNotFitInMemoryAreRefusedBeforeAnythingIsMade() throws {
    for (flow, setting) in [
      ("sylvester", "prior.latent"), ("iaf", "encoder.flow_hidden"),
      ("realnvp", "encoder.flow_hidden"),
    ] {
      var recipe = try Registry.builtIn.recipe(for: "flow-vae")
      try Registry.builtIn.apply(
        [
          (key: "encoder.flow", value: flow), (key: "encoder.flow_steps", value: "64"),
          (key: setting, value: "65536"), (key: "encoder.flow_context", value: "65536"),
          (key: "likelihood", value: "bernoulli"),
        ], to: &recipe)
      recipe.data = DataDescription(
        height: 4, width: 4, channels: 1, range: .binary, rule: "binary")
      XCTAssertThrowsError(try Registry.builtIn.model(recipe, seed: 1), flow) {
        XCTAssertTrue("\($0)".contains("choose"), "\($0)")
      }
    }
  }

  func testAFlowOverCodesOrManyLayersIsRefused() throws {
    for (prior, words) in [("uniform-codes", "discrete codes"), ("ladder", "a hierarchy")] {
      let recipe = try SmallModels.recipe(
        "flow-vae", data: SmallModels.data(), [(key: "prior.name", value: prior)])
      XCTAssertThrowsError(try Registry.builtIn.plan(recipe)) {
        XCTAssertTrue("\($0)".contains("proposes a flow over one layer"), "\($0)")
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
  }

  func testASylvesterFlowOfTooManyUnitsIsRefusedWithItsLimit() throws {
    XCTAssertThrowsError(try head(.sylvester, units: 2049)) {
      XCTAssertTrue("\($0)".contains("matrices of 2049×2049; it takes at most 2048"), "\($0)")
    }
    XCTAssertNoThrow(try head(.planar, units: 2049))
  }

  func testDRegIsRefusedWhereThereIsNoInverse() throws {
    let registry = Registry.builtIn
    for (flow, isTaken) in [("iaf", false), ("planar", false), ("realnvp", true)] {
      var recipe = try registry.recipe(for: "flow-vae")
      try registry.apply(
        [
          (key: "posterior.flow", value: flow),
          (key: "objective.name", value: "importance-weighted"),
          (key: "objective.gradient", value: "dreg"), (key: "flow_hidden", value: "8"),
          (key: "likelihood", value: "bernoulli"),
        ], to: &recipe)
      recipe.data = DataDescription(
        height: 4, width: 4, channels: 1, range: .binary, rule: "binary")
      if isTaken {
        XCTAssertNoThrow(try registry.model(recipe, seed: 1))
      } else {
        XCTAssertThrowsError(try registry.model(recipe, seed: 1)) {
          XCTAssertTrue("\($0)".contains("has no cheap inverse"), "\($0)")
        }
      }
    }
  }

  func testAMixtureOfPosteriorsIsRefusedWhereTheyHaveNoInverseOrAreToldACondition() throws {
    let registry = Registry.builtIn
    for (encoder, flow, words) in [
      ("flow-mlp", "iaf", "encoder.flow=realnvp"), ("flow-mlp", "sylvester", "no cheap inverse"),
      ("flow-mlp", "realnvp", nil), ("conditional-mlp", nil, "is told one"),
    ] as [(String, String?, String?)] {
      var recipe = try registry.recipe(for: "vampprior-vae")
      try registry.apply(
        [
          (key: "encoder.name", value: encoder), (key: "likelihood", value: "bernoulli"),
          (key: "prior.pseudo_inputs", value: "3"),
        ], to: &recipe)
      if let flow {
        try registry.apply(
          [(key: "encoder.flow", value: flow), (key: "encoder.flow_hidden", value: "8")],
          to: &recipe)
      }
      recipe.data = DataDescription(
        height: 4, width: 4, channels: 1, range: .binary, rule: "binary",
        condition: flow == nil ? ConditionSpace(classes: 3) : nil)
      do {
        let model = try registry.model(recipe, seed: 1)
        XCTAssertNil(words)
        let x = RandomSource(seed: 1).stream("x").uniform([2, 4, 4, 1])
        XCTAssertTrue(model.evaluate(x, DrawRequest(), context(2)).rate.isFinite)
      } catch let error as RecipeError {
        XCTAssertTrue("\(error)".contains(words ?? "nothing at all"), "\(error)")
      }
    }
  }

  func testAHeadSaysBeforehandWhatItsPosteriorsCanDo() throws {
    for family in Self.families {
      let head = try head(family, units: 3)
      let flow = try posterior(head, output(head, examples: 1))
      XCTAssertEqual(head.traits.pricesAnyPoint, flow.pricesAnyPoint, family.rawValue)
      XCTAssertEqual(head.traits.hasMoments, flow.mean != nil, family.rawValue)
    }
  }

  func testAPriorPricesTheTransformedDraw() throws {
    let head = try movedHead(.planar, units: 3)
    let flow = try posterior(head, output(head, examples: 2))
    let prior = StandardNormalPrior(units: 3)
    let layer = prior.draw(from: flow, DrawRequest(), context(2)).layers[0]
    let drawn = flow.draw(1, from: "posterior", context(2))
    XCTAssertEqual(layer.sample.floats, drawn.value.floats)
    XCTAssertEqual(
      try XCTUnwrap(layer.logPrior).floats, prior.logDensity(of: drawn.value, context(2)).floats)
  }
}
