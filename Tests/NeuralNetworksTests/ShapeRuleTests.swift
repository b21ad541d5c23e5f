import NeuralNetworks
import Tensors
import XCTest

/// What layers say of their shapes, held to what they compute.
final class ShapeRuleTests: XCTestCase {
  private let random = RandomSource(seed: 4)

  private func assertRule(_ layer: any Layer, _ input: Shape, line: UInt = #line) throws {
    var trace = ShapeTrace()
    let rule = try layer.outputShape(for: input, &trace)
    XCTAssertFalse(layer.parameters.contains { $0.parameter.hasValues }, "\(layer)", line: line)
    let output = layer(
      .zeros(Shape([2] + input.dimensions)),
      Context(mode: .training, random: random, examples: [0, 1]))
    XCTAssertEqual(rule, output.shape.removingFirst, "\(layer) of \(input)", line: line)
  }

  func testEveryLayerGivesTheShapeThatItsRuleSays() throws {
    try assertRule(Dense(inputs: 5, outputs: 3, random: random), [5])
    try assertRule(Dense(inputs: 5, outputs: 3, random: random), [4, 2, 5])
    for (height, width) in [(7, 8), (8, 5), (1, 1)] {
      let image: Shape = [height, width, 3]
      for stride in [1, 2] {
        try assertRule(
          Conv2D(
            inputs: 3, outputs: 4, kernel: 3, stride: stride, padding: Padding(1), random: random),
          image)
        try assertRule(
          Conv2D(
            inputs: 3, outputs: 4, kernel: 4, stride: stride,
            padding: Padding(top: 1, left: 1, bottom: 2, right: 3), random: random), image)
        try assertRule(
          TransposedConv2D(
            inputs: 3, outputs: 4, kernel: 3, stride: stride, padding: Padding(1),
            outputPadding: (stride - 1, 0), random: random), image)
      }
      try assertRule(BatchNorm(channels: 3), image)
      try assertRule(GroupNorm(channels: 3, groups: 1), image)
      try assertRule(ResidualBlock(channels: 3, hidden: 2, random: random), image)
    }
    try assertRule(LayerNorm(features: 6), [6])
    try assertRule(
      Sequential([
        Conv2D(inputs: 3, outputs: 4, kernel: 3, stride: 2, padding: Padding(1), random: random),
        BatchNorm(channels: 4), Dense(inputs: 4, outputs: 2, random: random),
      ]), [6, 7, 3])
  }

  func testAnInputThatDoesNotFitIsRefusedNamingTheLayerInTheChain() throws {
    let chain = Sequential([
      Dense(inputs: 5, outputs: 3, random: random), Dense(inputs: 4, outputs: 2, random: random),
    ])
    var trace = ShapeTrace()
    XCTAssertThrowsError(try trace.pass([5], through: chain, "encoder")) { error in
      XCTAssertEqual(
        "\(error)", "encoder.1 takes 4 numbers along the last axis, but gets [3]")
    }
    let small = Conv2D(inputs: 1, outputs: 1, kernel: 5, padding: .none, random: random)
    XCTAssertThrowsError(try small.outputShape(for: [4, 9, 1], &trace))
    XCTAssertThrowsError(try small.outputShape(for: [9, 9, 2], &trace))
    XCTAssertThrowsError(try small.outputShape(for: [9], &trace))
  }

  func testFirstValuesAreMadeOnceAndAreThoseOfTheLaw() {
    var made = 0
    let stream = random.stream("values")
    let parameter = Parameter([3, 2]) {
      made += 1
      return stream.normal([3, 2])
    }
    XCTAssertEqual(parameter.shape, [3, 2])
    XCTAssertEqual(made, 0)
    XCTAssertEqual(parameter.value.floats, stream.normal([3, 2]).floats)
    XCTAssertEqual(parameter.tensor.floats, stream.normal([3, 2]).floats)
    XCTAssertEqual(made, 1)
  }

  func testValuesThatAreSetBeforeTheFirstOnesLeaveTheseUnmade() {
    let parameter = Parameter([2]) {
      XCTFail("the first values were made")
      return .zeros([2])
    }
    let buffer = Buffer([2]) {
      XCTFail("the first values were made")
      return .zeros([2])
    }
    parameter.value = Tensor([1, 2])
    buffer.value = Tensor([3, 4])
    XCTAssertEqual(parameter.value.floats, [1, 2])
    XCTAssertEqual(buffer.value.floats, [3, 4])
  }

  func testNumbersBeyondCountingAreCountedAsTheMost() {
    let shape = Shape([1 << 30, 1 << 30, 1 << 30])
    XCTAssertEqual(shape.count, .max)
    let layer = Dense(inputs: 1 << 40, outputs: 1 << 40, random: random)
    XCTAssertEqual(layer.parameterCount, .max)
  }
}
