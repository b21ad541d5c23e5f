import VAEZoo
import XCTest

/// Plans of models, held to the models that are made.
final class ModelShapesTests: XCTestCase {
  private let registry = SmallModels.registry

  /// Each variant with each of its architectures, and each of its further stages.
  private func forEveryRecipe(_ body: (String, Recipe) throws -> Void) throws {
    for entry in registry.entries {
      let variant = entry.variant
      // A variant that names none takes all that its prior allows.
      let architectures =
        variant.architectures.isEmpty
        ? ["mlp", "conv", "resnet"] : variant.architectures.keys.sorted()
      for architecture in architectures {
        var recipe = try registry.recipe(for: variant.name)
        recipe.data = try SmallModels.data(height: 9, width: 8).description(binarization: .none)
        try registry.apply([(key: "architecture", value: architecture)], to: &recipe)
        try SmallModels.shrink(&recipe)
        if registry.usesCondition(recipe) { recipe.data?.condition = SmallModels.condition }
        try body("\(variant.name), \(architecture)", recipe)
        let shared = variant.name == "gaussian-vae" ? ["flow", "two-stage"] : []
        for stage in variant.furtherStages + registry.stages.filter({ shared.contains($0.name) }) {
          var next = try registry.recipe(ofStage: stage.name, after: recipe, origin: "here")
          try SmallModels.shrink(&next)
          try body("\(variant.name), \(architecture), stage \(stage.name)", next)
        }
      }
    }
  }

  private func context(_ recipe: Recipe) throws -> Context {
    let rows: [Float] = [1, 0, 0, 0, 1, 0]
    return Context(
      mode: .evaluation, random: RandomSource(seed: 2), examples: [0, 1],
      condition: recipe.data?.condition == nil ? nil : Tensor(rows, shape: [2, 3]))
  }

  func testAPlanMakesNoWeightsAndCountsThoseOfTheModel() throws {
    try forEveryRecipe { title, recipe in
      let plan = try registry.plan(recipe)
      let shapes = try registry.shapes(of: recipe)
      XCTAssertFalse(plan.parameters.contains { $0.parameter.hasValues }, title)
      XCTAssertFalse(plan.buffers.contains { $0.buffer.hasValues }, title)
      let model = try registry.model(recipe)
      XCTAssertEqual(shapes.parameterCount, model.parameterCount, title)
      XCTAssertEqual(
        plan.parameters.map(\.path), model.parameters.map(\.path), title)
      for (planned, made) in zip(plan.parameters, model.parameters) {
        XCTAssertEqual(
          planned.parameter.shape, made.parameter.value.shape, "\(title), \(made.path)")
      }
    }
  }

  func testEveryLayerGivesThePlannedShape() throws {
    try forEveryRecipe { title, recipe in
      let shapes = try registry.shapes(of: recipe)
      let model = try registry.model(recipe)
      let context = try context(recipe)
      var layers: [String: any Layer] = [:]
      func gather(_ module: any Module, _ path: String) {
        if let layer = module as? any Layer { layers[path] = layer }
        for (name, member) in module.members.entries {
          if case .module(let inner) = member {
            gather(inner, path.isEmpty ? name : "\(path).\(name)")
          }
        }
      }
      gather(model, "")
      for (path, input, output) in shapes.modules {
        guard let layer = layers[path] else { continue }
        let found = layer(.zeros(Shape([2] + input.dimensions)), context)
        XCTAssertEqual(found.shape.removingFirst, output, "\(title), \(path)")
      }
      let x = Tensor.zeros(Shape([2] + shapes.input.dimensions))
      let draw = model.prior.draw(
        from: model.encoder.encode(x, context), DrawRequest(), context)
      if !model.prior.latents.isEmpty {
        XCTAssertEqual(draw.decoderInput.shape.removingFirst, shapes.latents, title)
      }
      let decoded = model.decoder.decode(draw, target: x, context)
      XCTAssertEqual(decoded.shape.removingFirst, shapes.output, title)
      XCTAssertEqual(shapes.modules.last { $0.path == "decoder" }?.output, shapes.output, title)
      // The objective's networks see no example of their own.
      for layer in shapes.layers where !layer.path.hasPrefix("objective") {
        let isShared = ["likelihood", "prior"].contains(layer.path)
        let isTable = layer.path.hasSuffix("codebook") || layer.path == "prior.network"
        guard !isShared, !isTable, !layer.path.contains("posterior") else { continue }
        XCTAssertNotNil(layer.output, "\(title): \(layer.path) has no rule")
      }
    }
  }

  /// Layers that began with the same random numbers would have the same gradients, or nearly so.
  func testNoTwoParametersBeginAtTheSameRandomNumbers() throws {
    try forEveryRecipe { title, recipe in
      var paths: [[Float]: String] = [:]
      for (path, parameter) in try registry.model(recipe, seed: 4).parameters {
        let values = parameter.value.floats
        // Zeros, ones and whatever else is a constant have no random numbers.
        guard values.count > 1, Set(values).count > 1 else { continue }
        XCTAssertNil(paths[values], "\(title): \(path) begins as \(paths[values] ?? "")")
        paths[values] = path
      }
    }
  }

  func testPartsOfVariantsSayHowManyNumbersTheyGive() throws {
    func shape(_ part: any Module, of input: Shape) throws -> Shape? {
      var trace = ShapeTrace()
      return try part.outputShape(for: input, &trace)
    }
    let convolutional = ["encoder.name", "prior.name", "decoder.name"].map {
      (key: $0, value: "ladder-conv")
    }
    for (variant, settings, encoder, prior) in [
      // Means and log-variances of all levels; what is handed down last is the lowest one.
      ("ladder-vae", [("latent", "2,3,2"), ("hidden", "5")], [14], [2]),
      (
        "ladder-vae", [("latent", "2,3,2"), ("hidden", "5"), ("encoder.handover", "mean")], [14],
        [2]
      ),
      // Maps of 3×4 and 2×2 places, and features of four channels.
      (
        "ladder-vae",
        convolutional + [("latent", "2,3"), ("channels", "4,5"), ("encoder.handover", "mean")],
        [72], [3, 4, 4]
      ),
      // Maps of 5×7, 3×4 and 2×2 places.
      (
        "very-deep-vae",
        [
          ("prior.blocks_per_size", "1,1,1"), ("channels", "2,3,4"), ("latent", "2"),
          ("encoder.blocks_per_size", "1"),
        ], [122],
        [5, 7, 2]
      ),
      ("progressive-vae", [("latent", "3")], [6], nil),
      ("conditional-vae", [("latent", "3"), ("prior.name", "conditional-normal")], [6], [3]),
      ("vq-vae", [("levels", "1"), ("code_size", "3")], [3, 4, 3], nil),
      (
        "vq-vae", [("levels", "1"), ("code_size", "3"), ("prior.name", "pixelcnn-codes")],
        [3, 4, 3], [3, 4, 3]
      ),
      ("autoencoder-kl", [("latent_channels", "3")], [1, 1, 6], nil),
      ("autoencoder-tiny", [("latent_channels", "3")], [1, 1, 3], nil),
    ] as [(String, [(key: String, value: String)], Shape, Shape?)] {
      let recipe = try SmallModels.recipe(
        variant, data: SmallModels.data(height: 5, width: 7), settings)
      let model = try registry.plan(recipe)
      XCTAssertEqual(try shape(model.encoder, of: [5, 7, 1]), encoder, variant)
      if let prior { XCTAssertEqual(try shape(model.prior, of: encoder), prior, variant) }
      XCTAssertEqual(
        try shape(model.decoder, of: model.prior.latents.decoderInputShape), [5, 7, 1], variant)
    }
  }

  func testAPartOfTooManyNumbersIsRefusedNamingItAndItsSizes() throws {
    var recipe = try registry.recipe(for: "vampprior-vae")
    recipe.data = DataDescription(
      height: 1000, width: 1000, channels: 3, range: .unit, rule: "bytes/255")
    try registry.apply([(key: "encoder.hidden", value: "1")], to: &recipe)
    XCTAssertThrowsError(try registry.plan(recipe)) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
      XCTAssertTrue("\(error)".hasPrefix("prior vampprior of 1500000000 parameters"), "\(error)")
      XCTAssertTrue("\(error)".contains("prior.latent or prior.pseudo_inputs"), "\(error)")
    }
  }

  func testTheLargestMixtureIsRefusedBeforeAnythingIsMade() throws {
    let recipe = try SmallModels.recipe(
      "gaussian-vae", data: SmallModels.data(),
      [
        (key: "prior.name", value: "fitted-mixture"), (key: "prior.latent", value: "65536"),
        (key: "prior.components", value: "4096"),
      ])
    XCTAssertThrowsError(try registry.plan(recipe)) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid, "\(error)")
    }
    XCTAssertEqual(try registry.latents(of: recipe).units, 65536)
  }

  func testADecoderThatGivesAnotherShapeThanTheLikelihoodTakesIsRefused() throws {
    final class Short: Decoder {
      let layer = Dense(inputs: 2, outputs: 5, random: RandomSource(seed: 1))
      var members: Members { ["layer": .module(layer)] }
      func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
        try trace.pass(input, through: layer, "layer")
      }
      func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
        layer(draw.decoderInput, context)
      }
    }
    var registry = registry
    registry.register(
      Component<any Decoder>(role: .decoder, name: "short", summary: "too few numbers") { _ in
        Short()
      })
    for (latent, words) in [("2", "decoder gives [5]"), ("3", "decoder.layer takes 2 numbers")] {
      var recipe = try registry.recipe(for: "gaussian-vae")
      recipe.data = try SmallModels.data().description(binarization: .none)
      try registry.apply(
        [(key: "decoder.name", value: "short"), (key: "latent", value: latent)], to: &recipe)
      XCTAssertThrowsError(try registry.plan(recipe)) { error in
        XCTAssertTrue("\(error)".contains(words), "\(error)")
      }
    }
  }
}
