import NeuralNetworks
import Tensors
import XCTest

/// Weights divided by their largest singular value, held to matrices whose singular values are known.
final class SpectralNormalizationTests: XCTestCase {
  private let random = RandomSource(seed: 6)

  /// Singular values 3, 2 and ½ between two reflections, `[3, 4]`.
  private var matrix: Tensor {
    func reflection(_ vector: [Float]) -> [[Float]] {
      let square = vector.reduce(0) { $0 + $1 * $1 }
      return vector.indices.map { row in
        vector.indices.map { (row == $0 ? 1 : 0) - 2 * vector[row] * vector[$0] / square }
      }
    }
    let (left, right) = (reflection([1, 2, -1]), reflection([2, -1, 1, 3]))
    let values: [Float] = [3, 2, 0.5]
    return Tensor(
      (0..<3).flatMap { row in
        (0..<4).map { column in
          (0..<3).reduce(Float(0)) { $0 + left[row][$1] * values[$1] * right[$1][column] }
        }
      }, shape: [3, 4])
  }

  func testWeightsAreDividedByTheLargestSingularValue() {
    let parameter = Parameter(matrix)
    let normalization = SpectralNormalization(parameter, random: random.stream("u"))
    assertClose(
      normalization.normalized.floats, matrix.floats.map { Double($0) / 3 }, relative: 1e-5,
      floor: 1, "W / 3")
    // The same numbers as a kernel: its first axis are the rows.
    let kernel = Parameter(matrix.reshaped(to: [3, 1, 2, 2]))
    assertClose(
      SpectralNormalization(kernel, random: random.stream("u")).normalized.floats,
      matrix.floats.map { Double($0) / 3 }, relative: 1e-5, floor: 1, "a kernel")
  }

  func testLayersComputeWithNormalizedWeightsAndKeepThemInAllPassesUntilAnUpdate() {
    let dense = Dense(inputs: 3, outputs: 4, isSpectral: true, random: random)
    let convolution = Conv2D(
      inputs: 4, outputs: 3, kernel: 1, padding: .none, hasBias: false, isSpectral: true,
      random: random)
    XCTAssertEqual(dense.buffers.map(\.path), ["spectral.direction"])
    XCTAssertEqual(dense.parameters.map(\.path), ["weights", "bias"])
    dense.weights.value = matrix
    convolution.weights.value = matrix.reshaped(to: [3, 4, 1, 1])
    let (x, y) = (numbers([5, 3], seed: 2), numbers([2, 1, 1, 4], seed: 3))
    let expected = x.matrixProduct(matrix / 3).addingBias(dense.bias.value)
    // The weights were set after the first direction was due: power iteration finds the new one.
    for _ in 0..<40 {
      dense.afterUpdate(context())
      convolution.afterUpdate(context())
    }
    let before = dense.buffers[0].buffer.value.floats
    for mode in [.training, .evaluation] as [Context.Mode] {
      assertClose(
        dense(x, context(mode)).floats, expected.floats.map(Double.init), relative: 1e-5, floor: 1,
        "dense")
      assertClose(
        convolution(y, context(mode)).floats,
        y.reshaped(to: [2, 4]).matrixProduct(matrix / 3, rightTransposed: true).floats.map(
          Double.init), relative: 1e-5, floor: 1, "convolution")
    }
    XCTAssertEqual(dense.buffers[0].buffer.value.floats, before)
  }

  func testTheGradientPassesThroughTheSingularValue() throws {
    let parameter = Parameter(numbers([3, 4], seed: 9))
    let normalization = SpectralNormalization(parameter, random: random.stream("u"))
    let cotangent = numbers([3, 4], seed: 10)
    let gradients = (normalization.normalized * cotangent).sum().backward()
    let gradient = try XCTUnwrap(gradients[parameter]).floats
    let values = parameter.value.floats
    for position in values.indices {
      func loss(_ step: Float) -> Double {
        var moved = values
        moved[position] += step
        parameter.value = Tensor(moved, shape: [3, 4])
        return (normalization.normalized * cotangent).doubleSum
      }
      let slope = (loss(1 / 64) - loss(-1 / 64)) * 32
      XCTAssertEqual(Double(gradient[position]), slope, accuracy: 1e-3, "\(position)")
    }
    // No step along the weights changes what is divided by their size.
    XCTAssertEqual(
      zip(gradient, values).reduce(0) { $0 + $1.0 * $1.1 }, 0, accuracy: 1e-4)
  }
}
