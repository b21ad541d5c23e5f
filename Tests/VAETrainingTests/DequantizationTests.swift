import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes
import XCTest

/// Bytes that uniform numbers make real, and the bits per dimension that a density then has.
final class DequantizationTests: XCTestCase {
  /// Images of 20×20 that hold one byte each.
  private struct ByteImages: ExampleStore {
    let bytes: [Int]
    var count: Int { bytes.count }
    let shape = ImageShape(height: 20, width: 20, channels: 1)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for pixel in 0..<400 { destination[row * 400 + pixel] = Float(bytes[index]) / 255 }
      }
    }
  }

  private func examples(_ bytes: [Int]) -> Examples {
    Examples(DataSplit(name: "test", store: ByteImages(bytes: bytes)), dequantization: .uniform)
  }

  private func batch(
    _ examples: Examples, _ indices: [Int], step: Int = 0, seed: UInt64 = 2
  ) -> [Float] {
    examples.batch(
      indices,
      Context(
        mode: .training, step: step, random: RandomSource(seed: seed),
        examples: indices.map(UInt64.init))
    ).floats
  }

  func testValuesFillTheCellOfTheirByteEvenly() {
    let bytes = [0, 1, 100, 254, 255]
    let values = batch(examples(bytes), Array(bytes.indices))
    for (row, byte) in bytes.enumerated() {
      let shifts = values[row * 400..<(row + 1) * 400].map { Double($0) * 256 - Double(byte) }
      // Single precision resolves a cell at 255 to some 1/60,000.
      XCTAssertGreaterThan(shifts.min() ?? -1, -1e-4)
      XCTAssertLessThan(shifts.max() ?? 2, 1 + 1e-4)
      let mean = shifts.reduce(0, +) / 400
      let variance = shifts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399
      XCTAssertEqual(mean, 0.5, accuracy: 4 * (1.0 / 12 / 400).squareRoot(), "byte \(byte)")
      XCTAssertEqual(variance, 1.0 / 12, accuracy: 0.016, "byte \(byte)")
    }
    XCTAssertTrue(values.allSatisfy { (0...1).contains($0) })
  }

  func testEveryStepDrawsAnewAndTheSameStepTheSame() {
    let examples = examples([7, 70, 170])
    let values = batch(examples, [0, 1, 2])
    XCTAssertEqual(values, batch(examples, [0, 1, 2]))
    XCTAssertEqual(Array(values[400..<800]), batch(examples, [1]), "whatever the batch")
    XCTAssertNotEqual(values, batch(examples, [0, 1, 2], step: 1))
    XCTAssertNotEqual(values, batch(examples, [0, 1, 2], seed: 3))
  }

  // MARK: Bits per dimension

  private struct Case: Decodable {
    let mean: Float
    let deviation: Float
    let bytes: [Int]
    let bits: [Double]
    let spread: [Double]
    let exact: [Double]
  }

  private func cases() throws -> [Case] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/dequantization.json")
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
  }

  /// A model without latents that gives every pixel one Gaussian.
  private func model(_ mean: Float, _ deviation: Float) -> Model {
    Model(
      encoder: EmptyEncoder(), prior: EmptyPrior(), decoder: ConstantDecoder(mean: mean),
      likelihood: GaussianLikelihood(.fixed(deviation)), objective: EvidenceLowerBound())
  }

  func testBitsOfAGaussianAreThoseOfQuadratureAndNeverBelowTheExactCode() throws {
    for expected in try cases() {
      for (number, byte) in expected.bytes.enumerated() {
        let evaluator = Evaluator(
          model: model(expected.mean, expected.deviation),
          examples: examples(Array(repeating: byte, count: 10)), seed: 3)
        let result = try XCTUnwrap(evaluator.run(importanceSamples: 2))
        let bits = try XCTUnwrap(result.metrics[BitsPerDimMetric.self]).estimate
        // 10 images of 400 numbers; single precision adds up squares of some ten deviations.
        let error = expected.spread[number] / 4000.squareRoot()
        XCTAssertEqual(
          bits.mean, expected.bits[number], accuracy: 4 * error + 2e-4, "byte \(byte)")
        XCTAssertEqual(try XCTUnwrap(bits.standardError), error, accuracy: error + 1e-4)
        XCTAssertGreaterThan(bits.mean, expected.exact[number] - 4 * error - 2e-4)
        XCTAssertGreaterThan(expected.bits[number], expected.exact[number])
        // −log p is of one dequantized image, the same for bound and weights.
        XCTAssertEqual(
          -result.elbo.mean, try XCTUnwrap(result.nll).estimate.mean, accuracy: 1e-2)
        XCTAssertEqual(
          bits.mean, (-result.elbo.mean / 400 + log(256)) / log(2), accuracy: 1e-4)
      }
    }
  }

  func testADensityOverOtherValuesHasNoBits() throws {
    let plain = Examples(DataSplit(name: "test", store: ByteImages(bytes: [7, 8])))
    let evaluator = Evaluator(model: model(0.1, 0.1), examples: plain, seed: 3)
    XCTAssertNil(try XCTUnwrap(evaluator.run()).metrics[BitsPerDimMetric.self])
  }

  // MARK: What cannot be dequantized

  private func source(
    _ range: ValueRange, isDiscrete: Bool, unquantized: String? = nil
  ) -> DataSource {
    DataSource(
      name: "images", valueRange: range, rule: range == .binary ? "binary" : "bytes/255",
      isDiscrete: isDiscrete, unquantizedValue: unquantized,
      train: DataSplit(name: "train", store: ByteImages(bytes: [1])))
  }

  func testOnlyBytesAreDequantized() throws {
    func describe(_ source: DataSource) throws -> DataDescription {
      try source.description(binarization: .none, dequantization: .uniform)
    }
    XCTAssertEqual(try describe(source(.unit, isDiscrete: true)).range, .unit)
    let refused = [
      (source(.binary, isDiscrete: true), "zeros and ones"),
      (source(.real, isDiscrete: false), "values outside 0 to 1"),
      (source(.unit, isDiscrete: false, unquantized: "train[0, 1] is 0.3"), "train[0, 1] is 0.3"),
    ]
    for (source, words) in refused {
      XCTAssertThrowsError(try describe(source)) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData)
        XCTAssertTrue("\(error)".contains("training.dequantize=uniform"), "\(error)")
        XCTAssertTrue("\(error)".contains(words), "\(error)")
      }
    }
  }

  func testBinarizedBytesAreNotDequantized() {
    XCTAssertThrowsError(
      try source(.unit, isDiscrete: true)
        .description(binarization: .threshold, dequantization: .uniform)
    ) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
      XCTAssertTrue("\(error)".contains("training.binarize=threshold"), "\(error)")
    }
  }
}

/// The same mean for every pixel.
private final class ConstantDecoder: Decoder {
  private let mean: Float

  init(mean: Float) { self.mean = mean }

  var members: Members { [:] }

  func begin(at parameters: Tensor) {}

  func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    Tensor.ones([draw.rowCount, 20, 20, 1]) * mean
  }
}
