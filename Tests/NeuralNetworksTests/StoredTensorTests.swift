import NeuralNetworks
import Tensors
import XCTest

/// Parameters and buffers as files and other languages see them.
final class StoredTensorTests: XCTestCase {
  private let random = RandomSource(seed: 14)

  func testAModuleStoresItsParametersAndThenItsBuffers() {
    let network = Sequential([
      BatchNorm(channels: 2), Dense(inputs: 2, outputs: 3, isSpectral: true, random: random),
    ])
    let stored = network.storedTensors
    XCTAssertEqual(
      stored.map(\.path),
      [
        "0.scale", "0.shift", "1.weights", "1.bias", "0.mean", "0.variance",
        "1.spectral.direction",
      ])
    XCTAssertEqual(stored.map(\.tensor.shape), [[2], [2], [2, 3], [3], [2], [2], [2]])
    XCTAssertEqual(stored[5].tensor.value.floats, [1, 1])
  }

  func testWhatAStoredTensorIsSetToIsThatOfItsParameterOrBuffer() {
    let (parameter, buffer) = (Parameter(Tensor([1, 2])), Buffer(Tensor([3, 4])))
    let (first, second) = (StoredTensor.parameter(parameter), StoredTensor.buffer(buffer))
    first.value = Tensor([5, 6])
    second.value = Tensor([7, 8])
    XCTAssertEqual(parameter.value.floats, [5, 6])
    XCTAssertEqual(buffer.value.floats, [7, 8])
    XCTAssertEqual(first.value.floats, [5, 6])
    XCTAssertEqual(second.value.floats, [7, 8])
    first.take(Tensor([9, 10]))
    second.take(Tensor([11, 12]))
    XCTAssertEqual(parameter.value.floats, [9, 10])
    XCTAssertEqual(buffer.value.floats, [11, 12])
    XCTAssertTrue(first.tensor.isTracked)
    XCTAssertFalse(second.tensor.isTracked)
    if case .parameter(let same) = first.member {
      XCTAssertTrue(same === parameter)
    } else {
      XCTFail("a parameter became something else")
    }
    if case .buffer(let same) = second.member {
      XCTAssertTrue(same === buffer)
    } else {
      XCTFail("a buffer became something else")
    }
  }

  func testABufferThatOldFilesHaveNotSaysWhatItWasThere() {
    let usual = Buffer([2]) { Tensor([1, 2]) }
    let late = Buffer([2], isInEveryFile: false) { Tensor([3, 4]) }
    late.value = Tensor([5, 6])
    XCTAssertNil(usual.valueOfOldFiles)
    XCTAssertNil(Buffer(Tensor([1])).valueOfOldFiles)
    XCTAssertEqual(late.valueOfOldFiles?.floats, [3, 4])
    XCTAssertEqual(StoredTensor.buffer(late).valueOfOldFiles?.floats, [3, 4])
    XCTAssertNil(StoredTensor.buffer(usual).valueOfOldFiles)
    XCTAssertNil(StoredTensor.parameter(Parameter(Tensor([1]))).valueOfOldFiles)
  }

  func testValuesAreMadeOfParametersAndBuffersAlike() {
    let layer = BatchNorm(channels: 2)
    let network = ModuleGroup(numbered: [layer, Dense(inputs: 1, outputs: 2, random: random)])
    XCTAssertFalse(network.parameters.contains { $0.parameter.hasValues })
    XCTAssertFalse(network.buffers.contains { $0.buffer.hasValues })
    network.makeValues()
    XCTAssertTrue(network.parameters.allSatisfy { $0.parameter.hasValues })
    XCTAssertTrue(network.buffers.allSatisfy { $0.buffer.hasValues })
    XCTAssertEqual(
      network.parameters.map(\.path), ["0.scale", "0.shift", "1.weights", "1.bias"])
  }

  func testABufferKeepsItsOwnCopyOfWhatItWasMadeOf() {
    let parameter = Parameter(Tensor([1, 2]))
    let (made, planned) = (Buffer(parameter.value), Buffer([2]) { parameter.value })
    XCTAssertEqual(planned.value.floats, [1, 2])
    FusedUpdate([FusedUpdate.Entry(parameter, gradient: .ones([2]))]).sgd(
      rate: 1, momentum: 0, isNesterov: false, gradientScale: 1)
    XCTAssertEqual(parameter.value.floats, [0, 1])
    XCTAssertEqual(made.value.floats, [1, 2])
    XCTAssertEqual(planned.value.floats, [1, 2])
  }

  func testADroppedUpdateReachesEveryPart() {
    final class Noting: Module {
      var dropped = 0
      var members: Members { [:] }
      func dropUpdate() { dropped += 1 }
    }
    let parts = [Noting(), Noting(), Noting()]
    ModuleGroup([
      "first": .module(parts[0]), "inner": .module(ModuleGroup(numbered: [parts[1], parts[2]])),
    ]).dropUpdate()
    XCTAssertEqual(parts.map(\.dropped), [1, 1, 1])
  }

  // MARK: Watching a computation

  func testAWatchedComputationSaysWhichPartOfItsConvolutionsIsDone() {
    let network = Sequential([
      Conv2D(inputs: 2, outputs: 2, kernel: 1, padding: .none, random: random),
      Dense(inputs: 2, outputs: 2, random: random),
      ResidualBlock(channels: 2, outputs: 3, hidden: 1, random: random),
    ])
    var fractions: [Double] = []
    var context = context(.evaluation)
    let watch = ComputationWatch(over: network) {
      fractions.append($0)
      return true
    }
    context.watch = watch
    _ = network(.zeros([1, 2, 2, 2]), context)
    XCTAssertEqual(fractions, [0, 0.25, 0.5, 0.75])
    _ = network(.zeros([1, 2, 2, 2]), context)
    XCTAssertEqual(fractions.suffix(4), [1, 1, 1, 1])
    XCTAssertFalse(watch.isStopped)
  }

  func testAWatchThatWasToldToStopAsksNoMore() {
    let layer = Conv2D(inputs: 1, outputs: 1, kernel: 1, padding: .none, random: random)
    var asked = 0
    let watch = ComputationWatch(over: Sequential([layer, layer, layer])) { _ in
      asked += 1
      return asked < 2
    }
    var context = context(.evaluation)
    context.watch = watch
    for _ in 0..<5 { _ = layer(.zeros([1, 1, 1, 1]), context) }
    XCTAssertEqual(asked, 2)
    XCTAssertTrue(watch.isStopped)
  }
}
