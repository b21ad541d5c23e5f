import Foundation
import VAEZoo
import XCTest

/// The encoder of another run as a frozen network.
final class FrozenEncoderTests: XCTestCase {
  /// An objective that does nothing but look at a frozen network.
  private final class Looking: Objective {
    let members: Members = [:]
    let requirements: ObjectiveRequirements
    var phases: [Phase] {
      [
        Phase(name: "model") { pass in
          Loss((pass.evaluation.distortion + pass.evaluation.rate).mean())
        }
      ]
    }

    init(_ file: FrozenNetworkFile) {
      var requirements = ObjectiveRequirements()
      requirements.networks = [file]
      self.requirements = requirements
    }
  }

  private var registry: Registry {
    var registry = Registry.builtIn
    registry.register(
      Component<any Objective>(
        role: .objective, name: "looking", summary: "looks at a frozen network",
        options: FrozenNetworkOptions()
      ) { options, build in
        Looking(try options.file(layers: ["mean"], build))
      })
    return registry
  }

  private func trained(
    _ variant: String = "gaussian-vae", width: Int = 5
  ) throws -> TrainedModel {
    var recipe = try registry.recipe(for: variant)
    recipe.data = DataDescription(
      height: 7, width: width, channels: 1, range: .binary, rule: "binary")
    let sizes =
      variant == "vq-vae" ? [] : [(key: "latent", value: "3"), (key: "hidden", value: "8")]
    try registry.apply(sizes, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: 4), recipe: recipe, source: "memory")
  }

  private func network(_ other: TrainedModel, width: Int = 5) throws -> FrozenNetworkFile {
    let path = try makeTemporaryFolder() + "/model.safetensors"
    try other.save(to: path)
    let hash = SHA256.text(SHA256.hash(of: try DurableFiles.read(path)))
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 7, width: width, channels: 1, range: .binary, rule: "binary")
    try registry.apply(
      [
        (key: "objective.name", value: "looking"), (key: "objective.network", value: path),
        (key: "objective.network_sha256", value: hash),
      ], to: &recipe)
    return try XCTUnwrap(
      registry.model(recipe, seed: 1).objective.requirements.networks.first)
  }

  func testItsFeaturesAreTheMeansOfItsPosteriorsAndGradientsReachTheImagesAlone() throws {
    let other = try trained()
    let file = try network(other)
    try file.open()
    let images = RandomSource(seed: 1).stream("images").uniform([3, 7, 5, 1]).isAbove(0.5)
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 9), examples: [0, 1, 2])
    let expected = withoutTape { other.model.encoder.encode(images, context).mean }
    XCTAssertEqual(file.features(of: images)[0].floats, expected?.floats)
    let parameter = Parameter(images)
    let gradients = file.features(of: parameter.tensor)[0].sum().backward()
    XCTAssertTrue(try XCTUnwrap(gradients[parameter]).floats.contains { $0 != 0 })
  }

  func testAModelThatCannotBeOneIsRefusedInOneLine() throws {
    func refusal(_ file: FrozenNetworkFile, _ words: String) {
      XCTAssertThrowsError(try file.open()) { error in
        let message = "\((error as? FileError)?.message ?? "")"
        XCTAssertTrue(message.contains(words), message)
        XCTAssertFalse(message.contains("\n"))
      }
    }
    refusal(try network(trained(width: 4)), "takes images of 7x4x1, but the data have 7x5x1")
    refusal(try network(trained("vq-vae")), "have no means to be features")
  }
}
