import VAEPluginKit

/// A plug-in written with the kit, in the process of the tests, with a component of every role.
enum KitPlugin {
  /// What the prior's density does, with its parameters.
  nonisolated(unsafe) static var density: (KitPrior, Value) -> Value = { $1.rowSums() }

  static let plugin = Plugin("kit", version: "1", summary: "a component of every role") {
    [
      .encoder(
        "kit", summary: "one layer",
        hyperparameters: [
          Hyperparameter("hidden", .integer(default: 3, in: 1...5), help: "a size"),
          Hyperparameter("slope", .number(default: 0.5, in: 0...1), help: "a number"),
          Hyperparameter("is_steep", .flag(default: true), help: "a flag"),
          Hyperparameter("shape", .choice(["round", "flat"]), help: "a choice"),
          Hyperparameter("sizes", .integers(default: [2, 3], in: 1...9), help: "sizes"),
        ]
      ) { try KitEncoder($0, $1) },
      .prior("kit", summary: "a density that a test writes") { build, _ in try KitPrior(build) },
      .decoder("kit", summary: "one layer") { build, _ in try KitDecoder(build) },
      .likelihood("kit", summary: "Bernoulli") { _, _ in KitLikelihood() },
    ]
  }
}

/// One dense layer, whose arguments a test may look at.
final class KitEncoder: PluginEncoder {
  nonisolated(unsafe) static var arguments = ""
  private let weights: Parameter

  init(_ build: Build, _ arguments: Arguments) throws {
    guard try arguments.choice("shape") != "flat" else {
      throw PluginError("flat things are refused")
    }
    Self.arguments =
      try "\(arguments.integer("hidden")) \(arguments.number("slope")) "
      + "\(arguments.flag("is_steep")) \(arguments.choice("shape")) \(arguments.integers("sizes"))"
    let image = build.imageShape
    weights = try build.parameter(
      "weights", shape: [image.height * image.width * image.channels, 2 * build.latentSize],
      .lecunUniform)
  }

  func encode(_ x: Value) -> Value { x.reshaped(to: [x.pass.rows, -1]).dense(weights) }
}

/// A prior of three units with parameters of the shapes of a dense layer and of convolutions.
final class KitPrior: PluginPrior {
  let units = 3
  let weights: Parameter
  let bias: Parameter
  let kernel: Parameter
  let ones: Parameter

  init(_ build: Build) throws {
    weights = try build.parameter("weights", shape: [3, 2], values: [1, 2, 3, 4, 5, 6])
    bias = try build.parameter("bias", shape: [2], values: [0.5, -0.5], .notDecayed)
    kernel = try build.parameter("kernel", shape: [1, 1, 1, 2], values: [0.5, -1])
    ones = try build.parameter("ones", shape: [3], .constant(1), .buffer)
  }

  func logDensity(_ z: Value) -> Value { KitPlugin.density(self, z) }

  /// Something that depends on the weights.
  func weightPenalty(_ pass: Pass) -> Value { pass.use(weights).squared().total() * -1e-3 }

  func sample(_ pass: Pass, temperature: Float) -> Value {
    pass.normal("kit", shape: [3]).scaled(by: temperature)
  }
}

/// One dense layer.
final class KitDecoder: PluginDecoder {
  private let weights: Parameter
  private let bias: Parameter

  init(_ build: Build) throws {
    let image = build.imageShape
    let outputs = image.height * image.width * build.parametersPerPixel
    weights = try build.parameter("weights", shape: [build.latentSize, outputs], .normal(0.1))
    bias = try build.parameter("bias", shape: [outputs], .constant(0), .notDecayed)
  }

  func decode(_ z: Value) -> Value { z.dense(weights, bias) }
}

/// Bernoulli of logits.
final class KitLikelihood: PluginLikelihood {
  static let isDiscrete = true
  func parametersPerPixel(channels: Int) -> Int { channels }
  func logDensity(_ x: Value, parameters: Value) -> Value {
    x.bernoulliLogDensity(logits: parameters)
  }
  func mean(_ parameters: Value) -> Value { parameters.activated(.sigmoid) }
  func sample(_ parameters: Value, noise: Value) -> Value {
    (mean(parameters) - noise).isAbove(0)
  }
}
