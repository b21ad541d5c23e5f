import VAEZoo
import XCTest

/// What the density of a prior gives for four rows of three numbers, with the gradient of its sum.
struct PriorDensity {
  let value: [Float]
  let gradient: [Float]

  /// - Throws: the fault of a prior of a plug-in.
  init(of prior: any Prior, at values: [Float]) throws {
    let parameter = Parameter(Tensor(values, shape: [4, 3]))
    let context = Context(mode: .training, random: RandomSource(seed: 1), examples: [0, 1, 2, 3])
    let rate = prior.draw(from: GivenDraw(parameter: parameter), DrawRequest(), context).rate
    if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
    value = (-rate).floats
    gradient =
      rate.sum().backward()[parameter].map { (-$0).floats } ?? Array(repeating: 0, count: 12)
  }

  /// Holds the value and the gradient to those of a function of the engine at the same numbers.
  func assertIs(
    _ function: (Tensor) -> Tensor, at values: [Float], file: StaticString = #filePath,
    line: UInt = #line
  ) {
    let parameter = Parameter(Tensor(values, shape: [4, 3]))
    let wanted = function(parameter.tensor)
    XCTAssertEqual(value, wanted.floats, file: file, line: line)
    let slope = wanted.sum().backward()[parameter] ?? .zeros([4, 3])
    XCTAssertEqual(gradient, slope.floats, file: file, line: line)
  }
}
