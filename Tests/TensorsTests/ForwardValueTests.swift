import Foundation
import Tensors
import XCTest

/// Values of operations that have no reference file, held to their formulas.
final class ForwardValueTests: XCTestCase {
  private func assertClose(
    _ found: Tensor, _ expected: [Double], shape: Shape, _ what: String, line: UInt = #line
  ) {
    XCTAssertEqual(found.shape, shape, what, line: line)
    XCTAssertEqual(found.count, expected.count, what, line: line)
    for (index, (value, exact)) in zip(found.floats, expected).enumerated() {
      XCTAssertEqual(
        Double(value), exact, accuracy: 1e-5 * max(1, exact.magnitude), "\(what)[\(index)]",
        line: line)
    }
  }

  // MARK: Images

  func testMeansOfBlocksAreThoseOfTheirPixels() {
    // Two channels, the second ten times the first.
    let pixels = (0..<12).flatMap { [Float($0), 10 * Float($0)] }
    assertClose(
      Tensor(pixels, shape: [1, 2, 6, 2]).averagedBlocks(of: 2, 3), [4, 40, 7, 70],
      shape: [1, 1, 2, 2], "blocks of two rows and three columns")
    assertClose(
      Tensor(pixels, shape: [1, 6, 2, 2]).averagedBlocks(of: 3, 1), [2, 20, 3, 30, 8, 80, 9, 90],
      shape: [1, 2, 2, 2], "columns of three")
  }

  func testTheLastPartOfAnAxisIsRepeatedBehindIt() {
    let x = Tensor([1, 2, 3, 4], shape: [2, 2])
    assertClose(
      x.extended(axis: 0, by: 2), [1, 2, 3, 4, 3, 4, 3, 4], shape: [4, 2], "rows")
    assertClose(x.extended(axis: -1, by: 1), [1, 2, 2, 3, 4, 4], shape: [2, 3], "columns")
    assertClose(x.extended(axis: 1, by: 0), [1, 2, 3, 4], shape: [2, 2], "nothing")
  }

  func testBilinearEnlargementTakesEachAxisByItsOwnFactor() {
    let (height, width, channels) = (2, 4, 2)
    let x = RandomSource(seed: 1).stream("x").normal([2, height, width, channels])
    let values = x.floats.map(Double.init)
    /// The two pixels between whose centres a new pixel lies, and the share of the second.
    func place(_ pixel: Int, _ factor: Int, _ size: Int) -> (Int, Int, Double) {
      let place = max(0, min(Double(size - 1), (Double(pixel) + 0.5) / Double(factor) - 0.5))
      return (Int(place), min(size - 1, Int(place) + 1), place - place.rounded(.down))
    }
    for (factorY, factorX) in [(3, 1), (1, 3), (2, 3), (4, 2)] {
      var expected: [Double] = []
      for image in 0..<2 {
        for row in 0..<height * factorY {
          for column in 0..<width * factorX {
            let (above, below, down) = place(row, factorY, height)
            let (left, right, along) = place(column, factorX, width)
            for channel in 0..<channels {
              func at(_ y: Int, _ x: Int) -> Double {
                values[((image * height + y) * width + x) * channels + channel]
              }
              let upper = at(above, left) * (1 - along) + at(above, right) * along
              let lower = at(below, left) * (1 - along) + at(below, right) * along
              expected.append(upper * (1 - down) + lower * down)
            }
          }
        }
      }
      assertClose(
        x.upsampledBilinear(by: factorY, factorX), expected,
        shape: [2, height * factorY, width * factorX, channels], "\(factorY)×\(factorX)")
    }
  }

  // MARK: Activations

  func testParametersOfActivationsReachTheirFunctions() {
    let x: [Double] = [-2, -0.5, 0.25, 3]
    let input = Tensor(x.map(Float.init), shape: [2, 2])
    let cases: [(Activation, (Double) -> Double, slope: (Double) -> Double)] = [
      (.elu(alpha: 2), { $0 < 0 ? 2 * expm1($0) : $0 }, { $0 < 0 ? 2 * exp($0) : 1 }),
      (.elu(alpha: 0.5), { $0 < 0 ? 0.5 * expm1($0) : $0 }, { $0 < 0 ? 0.5 * exp($0) : 1 }),
      (.leakyReLU(slope: 0.25), { $0 < 0 ? 0.25 * $0 : $0 }, { $0 < 0 ? 0.25 : 1 }),
    ]
    let identity = Tensor([1, 0, 0, 1], shape: [2, 2])
    for (activation, value, slope) in cases {
      let parameter = Parameter(input)
      let results = [
        parameter.tensor.activated(activation),
        parameter.tensor.dense(weights: identity, bias: nil, activation: activation),
        parameter.tensor.addingBias(.zeros([2]), activation: activation),
        .sum(parameter.tensor, .zeros([2, 2]), activation: activation),
        parameter.tensor.reshaped(to: [1, 2, 1, 2]).convolution(
          weights: identity.reshaped(to: [2, 2, 1, 1]), activation: activation
        ).reshaped(to: [2, 2]),
        parameter.tensor.batchNormalized(
          scale: .ones([2]), shift: .zeros([2]),
          moments: ChannelMoments(mean: .zeros([2]), variance: .ones([2])), epsilon: 0,
          activation: activation
        ).output,
      ]
      for (number, result) in results.enumerated() {
        let what = "\(activation), \(number)"
        assertClose(result, x.map(value), shape: [2, 2], what)
        let gradient = result.backward(from: Tensor([1, -2, 3, 4], shape: [2, 2]))[parameter]
        assertClose(
          gradient ?? .zeros([0]), zip(x, [1, -2, 3, 4]).map { slope($0) * $1 }, shape: [2, 2],
          "\(what), gradient")
      }
    }
  }

  // MARK: Indices

  func testAnIndexOutsideOfTheSizeHasNoOne() {
    let indices = Tensor(indices: [2, -1, 3, 0])
    assertClose(
      .oneHot(indices, size: 3), [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0], shape: [4, 3], "last axis")
    assertClose(
      .oneHot(indices, axis: 0, size: 3), [0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0], shape: [3, 4],
      "first axis")
  }

  // MARK: Densities

  func testDensitiesOfEveryPointUnderEveryComponentAreInRowsOfPoints() {
    let x = Tensor([0.5, -1, 2, 0.25, -0.75, 1.5], shape: [3, 2])
    let means = Tensor([1, 0.5, -0.5, 2], shape: [2, 2])
    let logVariances = Tensor([0.25, -0.5, 1, 0.75], shape: [2, 2])
    var expected: [Double] = []
    for point in 0..<3 {
      for component in 0..<2 {
        var density = 0.0
        for unit in 0..<2 {
          let logVariance = Double(logVariances.floats[component * 2 + unit])
          let mean = Double(means.floats[component * 2 + unit])
          let distance = Double(x.floats[point * 2 + unit]) - mean
          density -= 0.5 * (log(2 * Double.pi) + logVariance)
          density -= 0.5 * distance * distance * exp(-logVariance)
        }
        expected.append(density)
      }
    }
    assertClose(
      .gaussianLogDensities(x, means: means, logVariances: logVariances), expected, shape: [3, 2],
      "components")
    XCTAssertEqual(
      Tensor.gaussianLogDensities(.zeros([0, 2]), means: means, logVariances: logVariances).shape,
      [0, 2])
  }

  /// Two examples of two elements, and logits of two draws of each.
  func testLogitsOfSeveralDrawsMeetTheIndicesOfTheirExample() throws {
    let indices = Tensor(indices: [2, 0, 1, 1], shape: [2, 2])
    let logits = Parameter(
      Tensor(
        [
          0.5, -1, 2, 0.25, 1.5, -0.5, 3, 0, 1, -2, 0.75, 0.5, 1, 1, -1, 0, 2.5, -3, 0.5, 0.25, 1,
          -1, -2, 2,
        ], shape: [4, 2, 3]))
    let cotangent: [Float] = [1, -2, 0.5, 3]
    var (densities, gradient): ([Double], [Double]) = ([], [])
    for row in 0..<4 {
      var density = 0.0
      for element in 0..<2 {
        let start = (row * 2 + element) * 3
        let own = logits.value.floats[start..<start + 3].map(Double.init)
        let total = own.reduce(0) { $0 + exp($1) }
        let index = Int(indices.indices[row % 2 * 2 + element])
        density += own[index] - log(total)
        for (column, logit) in own.enumerated() {
          let chosen = column == index ? 1.0 : 0.0
          gradient.append(Double(cotangent[row]) * (chosen - exp(logit) / total))
        }
      }
      densities.append(density)
    }
    let output = Tensor.categoricalLogDensity(indices, logits: logits.tensor)
    assertClose(output, densities, shape: [4], "densities")
    let found = output.backward(from: Tensor(cotangent))[logits]
    assertClose(try XCTUnwrap(found), gradient, shape: [4, 2, 3], "gradient")
  }

  // MARK: Memory of others

  func testPartsAreWrittenIntoATensorAtTheirPlaceTimesAFactor() {
    let target = Tensor([9, 9, 9, 9, 9, 9], shape: [3, 2])
    Tensor([1, 2, 3, 4], shape: [2, 2]).write(
      1..<4, times: 0.5, into: target.reshaped(to: [6]), at: 2)
    XCTAssertEqual(target.floats, [9, 9, 1, 1.5, 2, 9])
  }

  func testBytesAreDividedByTheDivisor() {
    let bytes: [UInt8] = [0, 51, 255, 1]
    var floats = [Float](repeating: -1, count: 4)
    bytes.withUnsafeBufferPointer { bytes in
      floats.withUnsafeMutableBufferPointer { floats in
        Engine.widen(bytes, dividingBy: 127.5, into: floats)
      }
    }
    XCTAssertEqual(floats, [0, 0.4, 2, 1 / 127.5])
  }

  // MARK: Tapes

  func testConstantParametersRecordNothingAndOtherTensorsStillDo() throws {
    let (own, other) = (Parameter(Tensor([2, 3])), Parameter(Tensor([5, 7])))
    let tracked = own.tensor
    let product = withConstantParameters { () -> Tensor in
      XCTAssertFalse(other.tensor.isTracked)
      XCTAssertFalse(withoutTape { tracked * 2 }.isTracked)
      XCTAssertFalse(withoutTape { withConstantParameters { tracked * 2 } }.isTracked)
      return tracked * other.tensor
    }
    XCTAssertTrue(other.tensor.isTracked, "what it sets ends with it")
    let gradients = product.backward(from: Tensor([1, 10]))
    XCTAssertEqual(gradients[own]?.floats, [5, 70])
    XCTAssertNil(gradients[other])
    XCTAssertEqual(gradients.count, 1)
  }

  func testGradientsOfParametersThatOnlyOneOfTwoHasAreKept() {
    let (a, b, c) = (Parameter(Tensor([1])), Parameter(Tensor([1])), Parameter(Tensor([1])))
    var (first, second) = (Gradients(), Gradients())
    first[a] = Tensor([1])
    first[b] = Tensor([2])
    second[b] = Tensor([4])
    second[c] = Tensor([8])
    first.add(second)
    XCTAssertEqual([a, b, c].map { first[$0]?.item }, [1, 6, 8])
    XCTAssertEqual(first.count, 3)
    XCTAssertEqual(second[b]?.item, 4)
  }

  /// A sum hands the same gradient to both of its terms.
  func testAGradientThatTwoTensorsShareIsNotWrittenOverByWhatOneOfThemGetsBeside() {
    let (x, y) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, 4])))
    let (a, b) = (x.tensor * 1, y.tensor * 1)
    let (fourfold, twofold) = (a * 4, a * 2)
    let sum = a + b
    let gradients = (fourfold + (twofold + sum)).backward(from: Tensor([1, 10]))
    XCTAssertEqual(gradients[x]?.floats, [7, 70])
    XCTAssertEqual(gradients[y]?.floats, [1, 10])
  }
}
