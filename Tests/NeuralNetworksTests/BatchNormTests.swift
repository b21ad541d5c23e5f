import NeuralNetworks
import Tensors
import XCTest

/// Which statistics batch normalisation uses when, and when those for evaluation change.
final class BatchNormTests: XCTestCase {
  private let epsilon = 1e-5

  func testTrainingNormalizesByTheBatchItself() {
    let layer = BatchNorm(channels: 3)
    layer.scale.value = Tensor([2, 1, 0.5])
    layer.shift.value = Tensor([-1, 0, 3])
    let output = layer(numbers([50, 2, 1, 3], seed: 1, scale: 4, shift: 7), context())
    let (mean, variance) = moments([output])
    for channel in 0..<3 {
      XCTAssertEqual(mean[channel], [-1, 0, 3][channel], accuracy: 1e-5)
      XCTAssertEqual(variance[channel], [4, 1, 0.25][channel], accuracy: 1e-4)
    }
  }

  func testNoForwardPassChangesTheStoredStatistics() {
    let layer = BatchNorm(channels: 3)
    for mode in [.training, .evaluation, .calibration] as [Context.Mode] {
      _ = layer(numbers([5, 3], seed: 2, shift: 9), context(mode, calibration: Calibration()))
      XCTAssertEqual(layer.mean.value.floats, [0, 0, 0], "\(mode)")
      XCTAssertEqual(layer.variance.value.floats, [1, 1, 1], "\(mode)")
    }
  }

  func testEvaluationUsesTheStoredStatistics() {
    let layer = BatchNorm(channels: 2)
    layer.mean.value = Tensor([1, -2])
    layer.variance.value = Tensor([4, 0.25])
    let output = layer(Tensor([1, -2, 3, -1], shape: [2, 2]), context(.evaluation))
    let expected = [0, 0, 2 / (4 + epsilon).squareRoot(), 1 / (0.25 + epsilon).squareRoot()]
    assertClose(output.floats, expected, relative: 1e-6, floor: 1, "output")
  }

  func testInEvaluationAnExampleDoesNotDependOnTheOthers() {
    let layer = BatchNorm(channels: 3)
    layer.mean.value = Tensor([1, 2, 3])
    let batch = numbers([6, 3], seed: 3)
    let together = layer(batch, context(.evaluation))
    for row in 0..<6 {
      let alone = layer(batch.rows(row..<row + 1), context(.evaluation))
      XCTAssertEqual(alone.floats, together.rows(row..<row + 1).floats)
    }
    let trained = layer(batch.rows(0..<3), context()).floats
    XCTAssertNotEqual(trained, layer(batch, context()).rows(0..<3).floats, "unlike in training")
  }

  func testCalibrationComputesAsTraining() {
    let layer = BatchNorm(channels: 3)
    let batch = numbers([6, 3], seed: 4, shift: 2)
    XCTAssertEqual(
      layer(batch, context(.calibration, calibration: Calibration())).floats,
      layer(batch, context()).floats)
  }

  func testCalibrationGivesTheMomentsOfAllBatchesTogether() {
    let layer = BatchNorm(channels: 3)
    let batches = [
      numbers([7, 2, 2, 3], seed: 5, scale: 2), numbers([1, 2, 2, 3], seed: 6, shift: 3),
      numbers([12, 2, 2, 3], seed: 7, scale: 0.5, shift: -1),
    ]
    let calibration = Calibration()
    for batch in batches { _ = layer(batch, context(.calibration, calibration: calibration)) }
    layer.recalibrate(calibration)
    let (mean, variance) = moments(batches)
    assertClose(layer.mean.value.floats, mean, relative: 1e-5, floor: 1, "mean")
    assertClose(layer.variance.value.floats, variance, relative: 1e-5, floor: 1, "variance")
  }

  func testASecondCalibrationReplacesTheFirst() {
    let layer = BatchNorm(channels: 2)
    for shift in [5, -3] as [Float] {
      let batch = numbers([40, 2], seed: 8, shift: shift)
      let calibration = Calibration()
      _ = layer(batch, context(.calibration, calibration: calibration))
      layer.recalibrate(calibration)
      assertClose(
        layer.mean.value.floats, moments([batch]).mean, relative: 1e-5, floor: 1, "\(shift)")
    }
  }

  func testALayerThatACalibrationNeverMetKeepsItsStatistics() {
    let (met, unmet) = (BatchNorm(channels: 2), BatchNorm(channels: 2))
    let calibration = Calibration()
    _ = met(numbers([5, 2], seed: 9, shift: 4), context(.calibration, calibration: calibration))
    Sequential([met, unmet]).recalibrate(calibration)
    XCTAssertNotEqual(met.mean.value.floats, [0, 0])
    XCTAssertEqual(unmet.mean.value.floats, [0, 0])
    XCTAssertEqual(unmet.variance.value.floats, [1, 1])
  }

  func testEveryLayerOfAChainIsCalibratedByWhatItSaw() {
    let layers = [BatchNorm(channels: 2), BatchNorm(channels: 2)]
    layers[0].shift.value = Tensor([10, 20])
    let network = Sequential(layers)
    let calibration = Calibration()
    let batch = numbers([30, 2], seed: 10, shift: -5)
    _ = network(batch, context(.calibration, calibration: calibration))
    network.recalibrate(calibration)
    assertClose(layers[0].mean.value.floats, moments([batch]).mean, relative: 1e-5, "first")
    assertClose(layers[1].mean.value.floats, [10, 20], relative: 1e-5, "second")
  }

  func testInEvaluationScaleAndShiftStillGetGradients() {
    let layer = BatchNorm(channels: 2)
    let gradients = layer(Tensor([1, 2, 3, 4], shape: [2, 2]), context(.evaluation)).sum()
      .backward()
    XCTAssertEqual(gradients[layer.shift]?.floats, [2, 2])
    assertClose(
      gradients[layer.scale]?.floats, [4, 6].map { $0 / (1 + epsilon).squareRoot() },
      relative: 1e-6, "scale")
    XCTAssertEqual(gradients.count, 2)
  }

  /// Mean and variance of each channel over all batches, in double precision.
  private func moments(_ batches: [Tensor]) -> (mean: [Double], variance: [Double]) {
    let channels = batches[0].shape[-1]
    let values = batches.flatMap(\.floats)
    let count = Double(values.count / channels)
    let columns = (0..<channels).map { channel in
      stride(from: channel, to: values.count, by: channels).map { Double(values[$0]) }
    }
    let means = columns.map { $0.reduce(0, +) / count }
    let variances = zip(columns, means).map { column, mean in
      column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    }
    return (means, variances)
  }
}
