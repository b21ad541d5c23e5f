import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Values that are read for a module before it takes any of them.
final class StoredValuesTests: XCTestCase {
  private func values(_ module: some Module) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: module.storedTensors.map { ($0.path, $0.tensor.value.floats) })
  }

  func testWhatIsMissingOrNotFiniteIsNamedAndNothingIsTakenBeforeAllIsRead() {
    let decoder = MLPDecoder(
      latent: 2, hidden: [3], outputShape: [1, 2, 1], random: RandomSource(seed: 1))
    let before = values(decoder)
    var asked: [String: Shape] = [:]
    let stored = StoredValues(for: decoder) { path, shape in
      asked[path] = shape
      switch path {
      case "layers.0.bias": return nil
      case "head.bias": return Tensor([1, .nan])
      default: return Tensor(repeating: 7, shape: shape)
      }
    }
    XCTAssertEqual(
      asked,
      [
        "layers.0.weights": [2, 3], "layers.0.bias": [3], "head.weights": [3, 2], "head.bias": [2],
      ])
    XCTAssertEqual(stored.missing, ["layers.0.bias"])
    XCTAssertEqual(stored.infinite, ["head.bias"])
    XCTAssertEqual(values(decoder), before)
    stored.take()
    var wanted = before
    wanted["layers.0.weights"] = [Float](repeating: 7, count: 6)
    wanted["head.weights"] = [Float](repeating: 7, count: 6)
    XCTAssertEqual(values(decoder), wanted)
  }

  /// Files of before there was a normalisation of inputs have none.
  func testWhatOldFilesDoNotHaveIsAsItWasForThem() {
    let encoder = MLPEncoder(inputs: 2, hidden: [], latent: 1, random: RandomSource(seed: 1))
    for (path, buffer) in encoder.buffers {
      buffer.value = Tensor(repeating: 5, shape: buffer.shape)
      XCTAssertTrue(path.hasPrefix("input."), path)
    }
    let stored = StoredValues(for: encoder) { path, shape in
      path.hasPrefix("input.") ? nil : Tensor(repeating: 7, shape: shape)
    }
    XCTAssertEqual(stored.missing, [])
    stored.take()
    XCTAssertEqual(
      values(encoder),
      [
        "input.mean": [0, 0], "input.scale": [1], "head.weights": [7, 7, 7, 7],
        "head.bias": [7, 7],
      ])
  }

  func testNothingIsAskedForThatNobodyHasSaid() {
    let request = DrawRequest()
    XCTAssertEqual(request.samples, 1)
    XCTAssertFalse(request.usesSampledRate || request.stopsPosterior || request.wantsUnitRates)
    let requirements = ObjectiveRequirements()
    XCTAssertEqual(requirements.fewestExamples, 1)
    XCTAssertFalse(
      requirements.needsSecondBatch || requirements.needsDecodedMeans
        || requirements.needsWholeImages)
    XCTAssertEqual([AdaptiveWeight().limit, AdaptiveWeight().offset], [1e4, 1e-4])
    let phase = Phase(name: "model") { _ in Loss(Tensor(0)) }
    XCTAssertEqual([phase.startStep, phase.interval], [0, 1])
    XCTAssertEqual(phase.rateFactor, 1)
    XCTAssertEqual(phase.group, .model)
    XCTAssertNil(phase.rule)
    let later = Phase(name: "late", startStep: 3, interval: 2) { _ in Loss(Tensor(0)) }
    XCTAssertEqual((0..<9).filter(later.isDue), [3, 5, 7])
    let sample = LatentSample(draws: .zeros([6, 2]), exampleCount: 3, meanLogPosterior: 0)
    XCTAssertEqual(sample.samples, 2)
  }
}
