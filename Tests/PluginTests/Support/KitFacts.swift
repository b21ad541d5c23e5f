import VAEPluginKit

/// A plug-in written with the kit, whose parts note what they are told.
enum KitFacts {
  /// What a factory was told of the model.
  struct Told: Equatable {
    var range = ""
    var image: [Int] = []
    var latentSize = -1
    var parametersPerPixel = -1
    var conditionWidth = -1

    init(_ build: Build) {
      let shape = build.imageShape
      (range, image) = ("\(build.range)", [shape.height, shape.width, shape.channels])
      (latentSize, parametersPerPixel) = (build.latentSize, build.parametersPerPixel)
      conditionWidth = build.conditionWidth
    }
  }

  nonisolated(unsafe) static var told: Told?
  /// What factories of the decoder do beside what they have to.
  nonisolated(unsafe) static var making: (Build, Arguments) throws -> Void = { _, _ in }
  /// The condition of the last call of the decoder.
  nonisolated(unsafe) static var condition: [Float] = []

  static let plugin = Plugin("kit-facts", version: "2.5", summary: "notes what it is told") {
    [
      .prior(
        "kit-closed", summary: "with a closed form",
        hyperparameters: [
          Hyperparameter("latent", .integer(default: 4, in: 2...6), help: "units")
        ]
      ) { try KitClosedPrior($0, $1) },
      .decoder(
        "kit-facts", summary: "notes",
        hyperparameters: [
          Hyperparameter("rate", .number(default: 0.5, in: -1...2), help: "a number"),
          Hyperparameter("sizes", .integers(default: [3], in: 2...9), help: "sizes"),
        ]
      ) { try KitFactDecoder($0, $1) },
      .decoder("kit-told", summary: "asks for the condition") { try KitFactDecoder($0, $1) }
        .usingCondition(),
      .likelihood("kit-density", summary: "no probability") { _, _ in KitDensity() },
    ]
  }
}

/// A prior whose numbers tell what it was given.
final class KitClosedPrior: ClosedFormPluginPrior {
  let units: Int

  init(_ build: Build, _ arguments: Arguments) throws {
    units = try arguments.integer("latent")
    KitFacts.told = KitFacts.Told(build)
  }

  func logDensity(_ z: Value) -> Value { z.rowSums() }
  func sample(_ pass: Pass, temperature: Float) -> Value {
    pass.full(temperature, shape: [pass.rows, units])
  }
  func divergence(mean: Value, logVariance: Value) -> Value {
    (mean * 100 - logVariance).rowSums()
  }
}

/// A decoder that gives zeros.
final class KitFactDecoder: PluginDecoder {
  private let outputs: Int
  private let usesCondition: Bool

  init(_ build: Build, _ arguments: Arguments) throws {
    let told = KitFacts.Told(build)
    KitFacts.told = told
    outputs = told.image.reduce(1, *) / told.image[2] * told.parametersPerPixel
    usesCondition = told.conditionWidth > 0
    try KitFacts.making(build, arguments)
  }

  func decode(_ z: Value) -> Value {
    if usesCondition { KitFacts.condition = z.pass.condition.elements }
    return z.pass.full(0, shape: [z.pass.rows, outputs])
  }
}

/// A likelihood with two numbers a pixel.
final class KitDensity: PluginLikelihood {
  func parametersPerPixel(channels: Int) -> Int { 2 * channels }
  func logDensity(_ x: Value, parameters: Value) -> Value {
    (x * 10).rowSums() - parameters.rowSums()
  }
  func mean(_ parameters: Value) -> Value { parameters.slice(axis: 3, from: 1, count: 1) }
  func sample(_ parameters: Value, noise: Value) -> Value {
    mean(parameters) - noise * 2
  }
}
