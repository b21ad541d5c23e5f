import NeuralNetworks
import Tensors
import VAECore
import XCTest

final class DistributionTests: XCTestCase {
  private let draws = 40_000

  private func context(_ examples: Int = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<UInt64(examples)).map { $0 })
  }

  private var gaussian: DiagonalGaussian {
    DiagonalGaussian(
      mean: Tensor([0.5, -1], shape: [1, 2]), logVariance: Tensor([-1, 0.4], shape: [1, 2]))
  }

  private var other: DiagonalGaussian {
    DiagonalGaussian(
      mean: Tensor([-0.3, 0.2], shape: [1, 2]), logVariance: Tensor([0.3, -0.5], shape: [1, 2]))
  }

  /// The mean of log q − log p over draws of q, with its standard error.
  private func estimate(_ q: any Distribution, _ p: any Distribution) throws -> (Double, Double) {
    let drawn = q.draw(draws, from: "test", context())
    let terms = (drawn.logDensity - (try XCTUnwrap(p.logDensity(of: drawn.value)))).floats
    let mean = terms.reduce(0) { $0 + Double($1) } / Double(draws)
    let variance =
      terms.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(draws)
    return (mean, (variance / Double(draws)).squareRoot())
  }

  func testEveryClosedFormIsTheMeanOfItsMonteCarloEstimateAndTheSumOfItsUnits() throws {
    let normal = StandardNormal(exampleCount: 1, units: 2)
    for (q, p) in [(gaussian, normal), (gaussian, other)] as [(DiagonalGaussian, any Distribution)]
    {
      let exact = try XCTUnwrap(DivergenceTable.standard.divergence(from: q, to: p))
      let (mean, error) = try estimate(q, p)
      XCTAssertEqual(Double(exact.perExample.floats[0]), mean, accuracy: 4 * error)
      let units = try XCTUnwrap(exact.perUnit)
      XCTAssertEqual(units.shape, [1, 2])
      XCTAssertEqual(Float(units.doubleSum), exact.perExample.floats[0], accuracy: 1e-5)
    }
    XCTAssertNil(DivergenceTable.standard.divergence(from: normal, to: gaussian))
  }

  func testAFamilyOutsideTheTableBringsItsClosedForm() {
    var table = DivergenceTable.standard
    table.add(
      StandardNormal.self, StandardNormal.self, perExample: { q, _ in .zeros([q.exampleCount]) })
    let normal = StandardNormal(exampleCount: 3, units: 2)
    XCTAssertEqual(
      table.divergence(from: normal, to: normal)?.perExample.floats, [0, 0, 0])
    XCTAssertNil(table.divergence(from: normal, to: normal)?.perUnit)
  }

  func testEntropyIsTheMeanOfMinusTheLogDensityOfDraws() throws {
    for distribution in [gaussian, StandardNormal(exampleCount: 1, units: 3)]
      as [any Distribution]
    {
      let terms = distribution.draw(draws, from: "test", context()).logDensity
      XCTAssertEqual(
        -terms.doubleSum / Double(draws), Double(try XCTUnwrap(distribution.entropy).floats[0]),
        accuracy: 0.03)
    }
  }

  func testMomentsAreThoseOfDrawsAndTheTemperatureMultipliesStandardDeviations() throws {
    for temperature in [1, 0.5] as [Float] {
      let values = gaussian.draw(draws, from: "test", temperature: temperature, context()).value
      let mean = values.mean(axis: 0).floats
      let variance = (values - values.mean(axis: 0)).squared().mean(axis: 0).floats
      for unit in 0..<2 {
        let exact = try (
          XCTUnwrap(gaussian.mean).floats[unit], XCTUnwrap(gaussian.variance).floats[unit]
        )
        XCTAssertEqual(mean[unit], exact.0, accuracy: 0.03)
        XCTAssertEqual(
          variance[unit], exact.1 * temperature * temperature, accuracy: 0.05 * exact.1)
      }
    }
  }

  /// z ↦ e^scale z + shift, unit by unit.
  private struct Affine: Bijector {
    let scale: Tensor
    let shift: Tensor
    static var hasInverse: Bool { true }

    func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
      (z * scale.exp() + shift, determinant(rows: z.shape[0]))
    }

    func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? {
      ((value - shift) * (-scale).exp(), determinant(rows: value.shape[0]))
    }

    func stoppingGradient() -> any Bijector {
      Affine(scale: scale.detached(), shift: shift.detached())
    }

    private func determinant(rows: Int) -> Tensor { .zeros([rows]) + scale.sum(axis: 0) }
  }

  private let affine = Affine(
    scale: Tensor([0.3, -0.7], shape: [2]), shift: Tensor([1, 2], shape: [2]))

  /// A map that does not say how to go back.
  private struct OneWay: Bijector {
    let map: Affine
    func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) { map.forward(z) }
    func stoppingGradient() -> any Bijector { self }
  }

  func testAnAffineFlowOfAStandardNormalIsTheGaussianThatItIs() throws {
    let flow = TransformedDistribution(StandardNormal(exampleCount: 1, units: 2), [affine])
    let same = DiagonalGaussian(
      mean: Tensor([1, 2], shape: [1, 2]), logVariance: Tensor([0.6, -1.4], shape: [1, 2]))
    XCTAssertTrue(flow.pricesAnyPoint)
    let drawn = flow.draw(5, from: "test", context())
    let expected = try XCTUnwrap(same.logDensity(of: drawn.value)).floats
    let given = try XCTUnwrap(flow.logDensity(of: drawn.value)).floats
    for (row, density) in drawn.logDensity.floats.enumerated() {
      XCTAssertEqual(density, expected[row], accuracy: 1e-5)
      XCTAssertEqual(given[row], expected[row], accuracy: 1e-5)
    }
  }

  func testAFlowWithoutAnInversePricesItsOwnDrawsAlone() {
    let flow = TransformedDistribution(
      StandardNormal(exampleCount: 1, units: 2), [affine, OneWay(map: affine)])
    XCTAssertFalse(flow.pricesAnyPoint)
    let drawn = flow.draw(2, from: "test", context())
    XCTAssertTrue(drawn.logDensity.isFinite)
    XCTAssertNil(flow.logDensity(of: drawn.value))
  }
}

final class LatentSpaceTests: XCTestCase {
  func testASpaceAnswersForItsLayers() {
    let units = LatentSpace.units(7)
    XCTAssertEqual(units.units, 7)
    XCTAssertTrue(units.isContinuous && units.hasOwnMoments && !units.isEmpty)
    XCTAssertEqual(units.rowPhrase, "floating-point numbers [N, 7]")

    let one = LatentSpace.hierarchy([[5]])
    XCTAssertNil(one.units, "its posterior is drawn by the prior, if of one level")
    XCTAssertTrue(one.isHierarchy && !one.hasOwnMoments)

    let maps = LatentSpace.hierarchy([[4, 4, 2], [2, 2, 3]], features: [4, 4, 8])
    XCTAssertEqual(maps.unitCount, 44)
    XCTAssertEqual(maps.rowShape, [44])
    XCTAssertEqual(maps.decoderInputShape, [4, 4, 8])
    XCTAssertEqual(maps.phrase, "a hierarchy of 2 layers of maps")

    let codes = LatentSpace.codes(CodeGrid(height: 2, width: 3, codeCount: 9, vectorSize: 4))
    XCTAssertTrue(!codes.isContinuous && !codes.isEmpty && codes.units == nil)
    XCTAssertEqual(codes.codeRowShape, [2, 3])
    XCTAssertEqual(codes.rowShape, [2, 3, 4])
    XCTAssertEqual(
      codes.rowPhrase, "whole numbers [N, 2, 3] or floating-point vectors [N, 2, 3, 4]")

    XCTAssertTrue(LatentSpace.none.isEmpty)
    XCTAssertFalse(LatentSpace.none.isContinuous)
    XCTAssertEqual(LatentSpace.none.decoderInputShape, [0])
  }
}
