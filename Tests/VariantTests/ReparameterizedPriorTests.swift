import LadderVAE
import VAEZoo
import XCTest

/// The standard normal coordinates of priors.
final class ReparameterizedPriorTests: XCTestCase {
  private func assertNoiseIsTheInverse(
    _ settings: [(key: String, value: String)], file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let data = SmallModels.data()
    let recipe = try SmallModels.recipe("ladder-vae", data: data, settings)
    let model = try SmallModels.trained(recipe, data: data, epochs: 1)
    let prior = try XCTUnwrap(model.prior as? any ReparameterizedPrior, file: file, line: line)
    let context = SmallModels.context(4)
    let shapes = model.prior.latents.layerShapes
    withoutTape {
      let noise = shapes.enumerated().map { layer, shape in
        context.normalNoise("test\(layer)", samples: 1, shape: shape)
      }
      let draw = prior.draw(noise: noise, context)
      let found = prior.noise(of: draw.layers.map(\.sample), context)
      for (layer, (a, b)) in zip(found, noise).enumerated() {
        XCTAssertEqual(a.shape, b.shape)
        for (a, b) in zip(a.floats, b.floats) {
          XCTAssertEqual(a, b, accuracy: 1e-3, "layer \(layer)", file: file, line: line)
        }
      }
      // The top layer's prior is standard normal; those below follow from it.
      XCTAssertEqual(draw.layers.last?.sample.floats, noise.last?.floats)
      XCTAssertNotEqual(draw.layers[0].sample.floats, noise[0].floats)
      // What is below a layer does not reach it.
      var other = noise
      other[0] = noise[0] + 1
      let second = prior.draw(noise: other, context)
      XCTAssertEqual(second.layers[1].sample.floats, draw.layers[1].sample.floats)
      XCTAssertNotEqual(second.layers[0].sample.floats, draw.layers[0].sample.floats)
    }
  }

  func testALaddersNumbersAreRecoveredFromItsLatents() throws {
    try assertNoiseIsTheInverse([])
  }

  func testAConvolutionalLaddersNumbersAreRecoveredFromItsLatents() throws {
    try assertNoiseIsTheInverse([(key: "architecture", value: "conv")])
  }

  func testUnitsOfAStandardNormalPriorAreTheirOwnNumbers() {
    let prior = StandardNormalPrior(units: 3)
    let values = Tensor([1, -2, 0.5], shape: [1, 3])
    let context = SmallModels.context(1)
    XCTAssertEqual(prior.draw(noise: [values], context).layers[0].sample.floats, values.floats)
    XCTAssertEqual(prior.noise(of: [values], context)[0].floats, values.floats)
  }
}
