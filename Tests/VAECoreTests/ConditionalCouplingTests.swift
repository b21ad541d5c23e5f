import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// The flow of images under a decoder's output, and the points that stand for bytes.
final class ConditionalCouplingTests: XCTestCase {
  private func context(_ count: Int, _ mode: Context.Mode = .evaluation) -> Context {
    Context(mode: mode, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  private func rows(_ count: Int, _ shape: Shape) -> Shape { Shape([count] + shape.dimensions) }

  /// A likelihood none of whose numbers are zero.
  private func trained(
    _ shape: Shape, steps: Int = 3, features: Int = 2, dequantizer: Dequantizer? = nil
  ) -> ConditionalCoupling {
    let likelihood = ConditionalCoupling(
      channels: shape[2], steps: steps, hidden: 6, blocks: 1, features: features,
      dequantizer: dequantizer,
      random: RandomSource(seed: 3))
    disturb(likelihood)
    return likelihood
  }

  private func disturb(_ module: any Module) {
    for (path, parameter) in module.parameters {
      let noise = RandomSource(seed: 8).stream(path).normal(parameter.shape)
      parameter.value = parameter.value * 0.5 + noise * 0.3
    }
  }

  private func learnt(_ shape: Shape, steps: Int = 2) -> Dequantizer {
    Dequantizer(
      learntFor: shape[2], steps: steps, hidden: 5, blocks: 1, random: RandomSource(seed: 4))
  }

  private func parameters(_ rows: Int, _ shape: Shape, _ likelihood: ConditionalCoupling)
    -> Tensor
  {
    RandomSource(seed: 6).stream("parameters").normal(
      [rows, shape[0], shape[1], likelihood.parametersPerPixel(channels: shape[2])])
  }

  // MARK: The density of points

  func testAFreshLikelihoodIsAGaussianWithADeviationForEachElement() {
    let shape: Shape = [2, 3, 2]
    let likelihood = ConditionalCoupling(
      channels: shape[2], steps: 4, hidden: 5, blocks: 1, features: 3, dequantizer: nil,
      random: RandomSource(seed: 3))
    let x = RandomSource(seed: 5).stream("x").normal([0, 1], shape: shape)
    // Two draws for each of two examples.
    let given = parameters(4, shape, likelihood)
    let parts = given.split(sizes: [2, 2, 3])
    let (mean, raw) = (parts[0].floats, parts[1].floats)
    let found = likelihood.logDensity(x, parameters: given, context(2)).floats
    let values = x.tiled(2).floats
    // σ is learnt as softplus(raw + 6) − 6 with raw zero.
    let common = log1p(exp(6.0)) - 6
    for row in 0..<4 {
      let expected = (row * 12..<row * 12 + 12).reduce(0.0) { sum, place in
        let logDeviation = common + tanh(Double(raw[place]))
        let error = Double(values[place] - mean[place]) / exp(logDeviation)
        return sum - 0.5 * (error * error + log(2 * .pi)) - logDeviation
      }
      XCTAssertEqual(Double(found[row]), expected, accuracy: 1e-4 * abs(expected))
    }
  }

  func testTheDensityIntegratesToOne() {
    for shape: Shape in [[1, 2, 1], [1, 1, 2]] {
      let likelihood = trained(shape)
      let given = parameters(1, shape, likelihood)
      // The rectangle rule on a grid that is wide and fine enough converges faster than any power.
      let (side, step) = (321, 0.1)
      let grid = (0..<side).map { (Double($0) - Double(side / 2)) * step }
      let points = Tensor(
        grid.flatMap { a in grid.flatMap { [Float(a), Float($0)] } },
        shape: rows(side * side, shape))
      let logs = likelihood.logDensity(
        ofPoints: points, given.tiled(side * side), context(side * side))
      let total = logs.floats.reduce(0.0) { $0 + exp(Double($1)) } * step * step
      XCTAssertEqual(total, 1, accuracy: 1e-3, "\(shape)")
    }
  }

  func testDrawsAreTheImagesOfStandardNormalNumbersUnderTheVeryMapThatIsPriced() {
    for shape: Shape in [[3, 2, 2], [2, 2, 1], [1, 1, 1]] {
      let likelihood = trained(shape)
      let given = parameters(1, shape, likelihood)
      let noise = RandomSource(seed: 9).stream("e").normal([0], shape: shape)
      let drawn = likelihood.sample(given, noise: noise)
      // Nothing is drawn twice from different numbers: log p of the draw is that of the numbers less log|det| of the map.
      let determinant = NumericalJacobian.logDeterminant(
        of: { likelihood.sample(given, noise: Tensor($0, shape: noise.shape)).floats },
        at: noise.floats)
      let normal = noise.floats.reduce(0.0) {
        $0 - 0.5 * (Double($1 * $1) + log(2 * .pi))
      }
      let found = Double(
        likelihood.logDensity(drawn, parameters: given, context(1)).floats[0])
      XCTAssertEqual(found, normal - determinant, accuracy: 2e-2, "\(shape)")
    }
  }

  func testTheHalvesOfAChessboardOfThreeDimensionsSeeEachOtherByTurns() {
    let shape: Shape = [2, 2, 2]
    let likelihood = trained(shape, steps: 2)
    let given = parameters(1, shape, likelihood)
    let zero = [Float](repeating: 0.1, count: 8)
    func drawn(_ numbers: [Float]) -> [Float] {
      likelihood.sample(given, noise: Tensor(numbers, shape: rows(1, shape))).floats
    }
    let before = drawn(zero)
    var reached = Set<Int>()
    for place in 0..<8 {
      var moved = zero
      moved[place] += 0.5
      let after = drawn(moved)
      for other in 0..<8 where other != place && abs(after[other] - before[other]) > 1e-4 {
        reached.insert(place * 8 + other)
      }
    }
    // A draw begins with the last step: its half sees the other one, 4 · 4 pairs; then that one sees all that has changed, and through it
    // all of its own numbers, 4 · 7 pairs.
    XCTAssertEqual(reached.count, 44)
    // Among them are the channels of one pixel.
    XCTAssertTrue(reached.contains(0 * 8 + 1) || reached.contains(1 * 8 + 0))
  }

  func testGradientsAreThoseOfFiniteDifferences() throws {
    let shape: Shape = [2, 2, 2]
    for isDiscrete in [false, true] {
      let likelihood = trained(shape, dequantizer: isDiscrete ? learnt(shape) : nil)
      let x =
        isDiscrete
        ? Tensor((0..<16).map { Float($0 * 17 % 256) / 255 }, shape: rows(2, shape))
        : RandomSource(seed: 5).stream("x").normal([0, 1], shape: shape)
      let given = Parameter(parameters(4, shape, likelihood))
      let weights = RandomSource(seed: 7).stream("w").normal([4])
      let others = RandomSource(seed: 7).stream("o").normal(rows(4, shape))
      let density = {
        (likelihood.logDensity(x, parameters: given.tensor, self.context(2)) * weights).sum()
      }
      let mean = { (likelihood.mean(given.tensor) * others).sum() }
      let all = [("given", given)] + likelihood.parameters.map { ($0.path, $0.parameter) }
      for (name, value) in [("density", density), ("mean", mean)] {
        let gradients = value().backward()
        for (path, parameter) in all {
          guard let gradient = gradients[parameter] else {
            XCTAssertTrue(name == "mean" && path.hasPrefix("dequantization"), path)
            continue
          }
          assertDirectionalDerivative(
            gradient, of: parameter, along: RandomSource(seed: 11).stream(path), step: 2e-3,
            accuracy: 3e-2, "\(name) of \(path)", value)
        }
      }
    }
  }

  /// What `Reference/conditional-coupling.py` stores.
  private struct Reference: Decodable {
    let arrays: Int
    let densities: [Double]
    let noises: [Double]
    let bounds: [Double]
  }

  func testDensitiesAndBoundsAreThoseOfASecondComputation() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/conditional-coupling.json")
    let expected = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
    let shape: Shape = [3, 4, 2]
    let dequantizer = Dequantizer(
      learntFor: shape[2], steps: 2, hidden: 3, blocks: 1, random: RandomSource(seed: 4))
    let likelihood = ConditionalCoupling(
      channels: shape[2], steps: 2, hidden: 3, blocks: 1, features: 1, dequantizer: dequantizer,
      random: RandomSource(seed: 3))
    XCTAssertEqual(likelihood.parameters.count, expected.arrays)
    for (number, (_, parameter)) in likelihood.parameters.enumerated() {
      parameter.value = Tensor(
        (0..<parameter.shape.count).map { Float(0.15 * sin(0.7 * Double($0) + Double(number))) },
        shape: parameter.shape)
    }
    func place(_ shape: Shape, _ factor: Double) -> [Double] {
      (0..<shape.count).map { sin(factor * Double($0)) }
    }
    let images = rows(2, shape)
    let given = Tensor(place([2, 3, 4, 5], 0.9).map(Float.init), shape: [2, 3, 4, 5])
    let points = Tensor(place(images, 1.3).map(Float.init), shape: images)
    let x = Tensor(
      place(images, 1.3).map { Float((128 + 127 * $0).rounded(.down)) / 255 }, shape: images)
    let uniform = Tensor(place(images, 2.1).map { Float(0.5 + 0.49 * $0) }, shape: images)
    let (values, logNoise) = dequantizer.points(x, uniform: uniform, context(2))
    let noise = try XCTUnwrap(logNoise).floats
    let densities = likelihood.logDensity(ofPoints: points, given, context(2)).floats
    let bounds = likelihood.logDensity(ofPoints: values, given, context(2)).floats
    for row in 0..<2 {
      let bound = Double(bounds[row] - noise[row]) - 24 * log(256)
      for (found, wanted) in [
        (Double(densities[row]), expected.densities[row]),
        (Double(noise[row]), expected.noises[row]), (bound, expected.bounds[row]),
      ] {
        XCTAssertEqual(found, wanted, accuracy: 1e-4 * (1 + abs(wanted)))
      }
    }
  }

  // MARK: Bytes

  func testDrawsInPartsAreThoseOfAllAtOnce() {
    let shape: Shape = [2, 2, 1]
    let likelihood = trained(shape, dequantizer: learnt(shape))
    let x = Tensor((0..<8).map { Float($0 * 31) / 255 }, shape: rows(2, shape))
    let given = parameters(8, shape, likelihood)
    let all = likelihood.logDensity(x, parameters: given, context(2)).floats
    var part = context(2)
    part.firstDraw = 1
    let later = likelihood.logDensity(x, parameters: given.rows(2..<8), part).floats
    XCTAssertEqual(Array(all[2...]), later)
    XCTAssertTrue(likelihood.isDensityDrawn)
  }

  func testTheUniformDensityOfPointsIsExactlyEightBitsADimension() {
    let shape: Shape = [2, 3, 3]
    let x = Tensor((0..<36).map { Float($0 * 7) / 255 }, shape: rows(2, shape))
    for dequantizer in [Dequantizer(), learnt(shape)] {
      let bound = dequantizer.logProbability(x, draws: 2, context(2)) { points in
        XCTAssertEqual(points.shape, rows(4, shape))
        return .zeros([4])
      }
      for value in bound.floats {
        XCTAssertEqual(Double(value) / (-18 * log(2)), 8, accuracy: 1e-5)
      }
    }
  }

  func testNoiseThatIsNotUniformCostsBitsUnderTheUniformDensity() {
    let shape: Shape = [2, 3, 1]
    let dequantizer = learnt(shape)
    disturb(dequantizer)
    let x = Tensor.zeros(rows(1, shape))
    let bound = dequantizer.logProbability(x, draws: 500, context(1)) { .zeros([$0.shape[0]]) }
    let mean = bound.floats.reduce(0) { $0 + Double($1) } / 500
    XCTAssertGreaterThan(mean / (-6 * log(2)), 8.02)
  }

  func testPointsLieInTheBinsOfTheirLevels() {
    let shape: Shape = [16, 16, 1]
    let x = Tensor((0..<256).map { Float($0) / 255 }, shape: rows(1, shape))
    for dequantizer in [Dequantizer(), learnt(shape)] {
      disturb(dequantizer)
      let uniform = dequantizer.uniform(x, draws: 3, context(1))
      let points = dequantizer.points(x, uniform: uniform, context(1)).values.floats
      for (place, point) in points.enumerated() {
        let level = Float(place % 256)
        // Rounding may take a point to the end of its bin.
        XCTAssertTrue((level...level + 1).contains(point * 256), "\(point) of level \(level)")
      }
      XCTAssertGreaterThan(Set(points).count, 600, "points differ")
    }
    let middles = Dequantizer.middle(of: x)
    for (a, b) in zip(Dequantizer.level(of: middles).floats, x.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-6)
    }
    XCTAssertEqual(
      Dequantizer.level(of: Tensor([-0.5, 0, 1, 7])).floats, [0, 0, 1, 1], "beyond the cube")
  }

  /// The mean of p(u)/q(u) over draws of q is the integral of p over a bin: the probability that the density gives to a byte.
  func testManyDrawsOfTheNoiseGiveTheProbabilityOfTheBytes() {
    let shape: Shape = [1, 1, 2]
    let draws = 20_000
    for dequantizer in [Dequantizer(), learnt(shape)] {
      disturb(dequantizer)
      // A density of points that changes within a bin.
      let rate: Float = 150
      let x = Tensor([Float(3) / 255, Float(0) / 255], shape: rows(1, shape))
      let bound = dequantizer.logProbability(x, draws: draws, context(1)) { points in
        points.flattened().sum(axis: 1) * -rate
      }
      let found = bound.floats.reduce(0.0) { $0 + exp(Double($1)) } / Double(draws)
      let width = Double(rate) / 256
      let expected = exp(-3 * width) * pow((1 - exp(-width)) / Double(rate), 2)
      XCTAssertEqual(found, expected, accuracy: 0.03 * expected)
    }
  }

  func testDrawsOfBytesAreLevelsAndTheCentreIsInTheRangeOfTheData() throws {
    let shape: Shape = [2, 2, 3]
    let likelihood = trained(shape, dequantizer: Dequantizer())
    let given = parameters(1, shape, likelihood)
    let noise = likelihood.noise(shape, context(1))
    for value in likelihood.sample(given, noise: noise).floats {
      XCTAssertEqual(value * 255, (value * 255).rounded(), accuracy: 1e-4)
      XCTAssertTrue((0...1).contains(value))
    }
    // Without couplings the centre is the location, and the parameters of a mean have it as theirs.
    let plain = ConditionalCoupling(
      channels: shape[2], steps: 0, hidden: 1, blocks: 0, features: 2, dequantizer: Dequantizer(),
      random: RandomSource(seed: 3))
    let mean = RandomSource(seed: 2).stream("mean").uniform([0], shape: shape)
    let start = try XCTUnwrap(plain.parameters(withMean: mean.reshaped(to: shape)))
    for (a, b) in zip(plain.mean(start.reshaped(to: rows(1, start.shape))).floats, mean.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-6)
    }
  }
}
