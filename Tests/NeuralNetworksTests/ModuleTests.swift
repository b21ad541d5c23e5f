import NeuralNetworks
import Tensors
import XCTest

/// The paths that become checkpoint keys, and the life-cycle calls.
final class ModuleTests: XCTestCase {
  private let random = RandomSource(seed: 1)

  func testPathsOfParametersAndBuffersInOrder() {
    let network = Sequential([
      Conv2D(inputs: 3, outputs: 4, kernel: 3, padding: Padding(1), hasBias: false, random: random),
      BatchNorm(channels: 4),
      Sequential([
        ResidualBlock(channels: 4, hidden: 2, normalization: .groups(2), random: random),
        TransposedConv2D(inputs: 4, outputs: 3, kernel: 4, padding: .none, random: random),
      ]),
      LayerNorm(features: 3),
      Dense(inputs: 3, outputs: 5, random: random),
    ])
    XCTAssertEqual(
      network.parameters.map(\.path),
      [
        "0.weights", "1.scale", "1.shift", "2.0.first.weights", "2.0.first.bias",
        "2.0.second.weights", "2.0.second.bias", "2.0.normalization0.scale",
        "2.0.normalization0.shift", "2.0.normalization1.scale", "2.0.normalization1.shift",
        "2.1.weights", "2.1.bias", "3.scale", "3.shift", "4.weights", "4.bias",
      ])
    XCTAssertEqual(network.buffers.map(\.path), ["1.mean", "1.variance"])
  }

  func testShapesAndCountOfParameters() {
    let network = Sequential([
      Conv2D(inputs: 3, outputs: 4, kernel: 5, padding: .none, random: random),
      TransposedConv2D(inputs: 4, outputs: 2, kernel: 3, padding: .none, random: random),
      Dense(inputs: 2, outputs: 7, random: random),
    ])
    XCTAssertEqual(
      network.parameters.map(\.parameter.shape),
      [[4, 3, 5, 5], [4], [4, 2, 3, 3], [2], [2, 7], [7]])
    XCTAssertEqual(network.parameterCount, 300 + 4 + 72 + 2 + 14 + 7)
  }

  func testWeightsDecayAndBiasesAndNormalizationsDoNot() {
    let network = Sequential([
      Conv2D(inputs: 1, outputs: 2, kernel: 1, padding: .none, random: random),
      TransposedConv2D(inputs: 2, outputs: 2, kernel: 1, padding: .none, random: random),
      BatchNorm(channels: 2), GroupNorm(channels: 2, groups: 1), LayerNorm(features: 2),
      Dense(inputs: 2, outputs: 2, random: random),
    ])
    let decayed = network.parameters.filter(\.parameter.isDecayed).map(\.path)
    XCTAssertEqual(decayed, ["0.weights", "1.weights", "5.weights"])
  }

  func testLifeCycleCallsReachEveryPart() throws {
    let probes = [Probe(), Probe()]
    let network = Sequential([probes[0], Sequential([probes[1]])])
    let batches = [Tensor.zeros([2]), .zeros([3])]
    try network.prepare(firstBatches: batches, context: context())
    network.afterUpdate(context())
    network.afterUpdate(context())
    network.recalibrate(Calibration())
    for probe in probes {
      XCTAssertEqual(probe.calls, ["prepare 2", "after update", "after update", "recalibrate"])
    }
  }

  func testAnErrorInPreparationIsPassedOn() {
    let probe = Probe()
    probe.failure = Probe.Failure()
    XCTAssertThrowsError(try Sequential([probe]).prepare(firstBatches: [], context: context())) {
      XCTAssertTrue($0 is Probe.Failure)
    }
  }

  func testAModuleUsesCalibrationWhereAPartDoes() {
    XCTAssertFalse(Sequential([Dense(inputs: 1, outputs: 1, random: random)]).usesCalibration)
    XCTAssertTrue(Sequential([Sequential([BatchNorm(channels: 1)])]).usesCalibration)
  }

  func testABufferKeepsTheValuesItWasSetToWhileAParameterIsTrained() {
    let (parameter, buffer) = (Parameter(Tensor([1, 2])), Buffer(Tensor([0, 0])))
    buffer.value = parameter.value
    FusedUpdate([FusedUpdate.Entry(parameter, gradient: .ones([2]))]).sgd(
      rate: 1, momentum: 0, isNesterov: false, gradientScale: 1)
    XCTAssertEqual(parameter.value.floats, [0, 1])
    XCTAssertEqual(buffer.value.floats, [1, 2])
  }

  func testTheContextOfOneOfSeveralBatchesHasTheRowsOfThatBatch() {
    let batches: [Tensor] = [.zeros([2, 1]), .zeros([3, 1])]
    var all = context()
    all.examples = [5, 6, 7, 8, 9]
    all.condition = Tensor([0, 1, 2, 3, 4], shape: [5, 1])
    let second = all.ofBatch(1, among: batches)
    XCTAssertEqual(second.examples, [7, 8, 9])
    XCTAssertEqual(second.condition?.floats, [2, 3, 4])
    XCTAssertEqual(all.ofBatch(0, among: [.zeros([5, 1])]).examples, all.examples)
  }
}

/// Notes which life-cycle calls it got.
private final class Probe: Layer {
  struct Failure: Error {}

  var calls: [String] = []
  var failure: Failure?
  let members: Members = [:]

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor { input }
  func prepare(firstBatches: [Tensor], context: Context) throws {
    if let failure { throw failure }
    calls.append("prepare \(firstBatches.count)")
  }
  func afterUpdate(_ context: Context) { calls.append("after update") }
  func recalibrate(_ calibration: Calibration) { calls.append("recalibrate") }
}
