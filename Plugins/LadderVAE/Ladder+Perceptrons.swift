import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A ladder of perceptrons, as in the paper: levels are vectors.
enum PerceptronLadder {
  /// The hyper-parameters that encoder and prior share.
  static func hyperparameters(hidden: [Int], help: String) -> [Hyperparameter] {
    [
      Hyperparameter(
        "hidden", .integers(count: 1...16, each: 1...65536), default: .integers(hidden), help: help),
      Hyperparameter(
        "depth", .integer(1...16), default: .integer(2), help: "dense layers a level"),
      .activation(default: "leaky_relu"),
      Hyperparameter(
        "normalization", .choice(["none", "batch"]), default: .text("batch"),
        help: "what comes between a dense layer and its activation"),
    ]
  }

  /// Dense layers from `inputs` to each of `widths`, normalised and activated.
  static func perceptron(
    _ inputs: Int, _ widths: [Int], _ values: Hyperparameters, _ random: RandomSource
  ) throws -> Sequential {
    let activation = try values.activation()
    let isNormalized = values.text("normalization") == "batch"
    var layers: [any Layer] = []
    var size = inputs
    for (number, width) in widths.enumerated() {
      layers.append(
        Dense(
          inputs: size, outputs: width, activation: isNormalized ? .identity : activation,
          initializer: .suited(to: activation), random: random.child("\(number)")))
      if isNormalized { layers.append(BatchNorm(channels: width, activation: activation)) }
      size = width
    }
    return Sequential(layers)
  }

  /// The shapes of that perceptron's weights.
  static func weightShapes(_ inputs: Int, _ widths: [Int]) -> [[Int]] {
    zip([inputs] + widths, widths).map { [$0, $1] }
  }

  /// One width a level: the list as it is, or its one number for every level.
  static func widths(
    _ values: Hyperparameters, _ name: String, levels: Int, role: Role
  ) throws(RecipeError) -> [Int] {
    let list = values.integers(name)
    if list.count == 1 { return [Int](repeating: list[0], count: levels) }
    guard list.count == levels else {
      throw RecipeError(
        .invalid,
        "\(role).\(name) has \(list.count) numbers but the ladder has \(levels) levels: give one number for all "
          + "levels, or one each, the one nearest to the data first")
    }
    return list
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `ladder`.
  static var ladder: Component {
    Component(
      role: .encoder, name: "ladder",
      summary: "a perceptron a level, each with a Gaussian message for the ladder prior",
      hyperparameters: PerceptronLadder.hyperparameters(
        hidden: [512, 256, 128, 64, 32],
        help: "width of each level, the one nearest to the data first; one number serves all")
        + [.handover]
    ) { values, build in
      let latent = try build.ladderLevels(rank: 1, encoder: "ladder").map(\.count)
      let widths = try PerceptronLadder.widths(
        values, "hidden", levels: latent.count, role: .encoder)
      let handover = LadderEncoder.Handover(rawValue: values.text("handover")) ?? .features
      let inputs = [build.data.elements] + (handover == .mean ? latent : widths).dropLast()
      let depth = values.integer("depth")
      let layers = widths.map { [Int](repeating: $0, count: depth) }
      try build.checkSize(
        widths.indices.flatMap { level in
          PerceptronLadder.weightShapes(inputs[level], layers[level] + [2 * latent[level]])
        })
      return LadderEncoder(
        blocks: try widths.indices.map { level in
          try PerceptronLadder.perceptron(
            inputs[level], layers[level], values, build.random.child("block\(level)"))
        },
        heads: widths.indices.map { level in
          Dense(
            inputs: widths[level], outputs: 2 * latent[level],
            random: build.random.child("head\(level)"))
        },
        handover: handover, flattensInput: true)
    }
  }
}

extension Component where Part == any Prior {
  /// The recipe component `ladder`.
  static var ladder: Component {
    Component(
      role: .prior, name: "ladder",
      summary: "levels of units, each drawn given the one above it; inference merges by precision",
      hyperparameters: [
        .latentLevels(
          [64, 32, 16, 8, 4], help: "units of each level, the one nearest to the data first")
      ]
        + PerceptronLadder.hyperparameters(
          hidden: [512, 256, 128, 64, 32],
          help:
            "width of the path down to each level, the one nearest to the data first; one number serves all"
        ) + [.sharesParameters]
    ) { values, build in
      let latent = values.integers("latent")
      let widths = try PerceptronLadder.widths(values, "hidden", levels: latent.count, role: .prior)
      let depth = values.integer("depth")
      let layers = widths.map { [Int](repeating: $0, count: depth) }
      let sharesParameters = values.flag("shares_parameters")
      let shapes = latent.indices.dropLast().flatMap { level in
        PerceptronLadder.weightShapes(latent[level + 1], layers[level] + [2 * latent[level]])
      }
      try build.checkSize(sharesParameters ? shapes : shapes + shapes, of: "a ladder prior")
      func path(_ level: Int, _ name: String) throws -> (transition: any Layer, head: any Layer) {
        let random = build.random.child("\(name)\(level)")
        return (
          try PerceptronLadder.perceptron(latent[level + 1], layers[level], values, random),
          Dense(
            inputs: widths[level], outputs: 2 * latent[level], random: random.child("head"))
        )
      }
      return LadderPrior(
        levels: latent.map { [$0] },
        steps: try latent.indices.dropLast().map { level in
          let own = try path(level, "step")
          let separate = sharesParameters ? nil : try path(level, "inference")
          return LadderPrior.Step(
            transition: own.transition, head: own.head,
            separate: separate.map { .init(transition: $0.transition, head: $0.head) })
        })
    }
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `ladder`.
  static var ladder: Component {
    Component(
      role: .decoder, name: "ladder",
      summary: "a perceptron with normalisation from the lowest level to the image",
      hyperparameters: PerceptronLadder.hyperparameters(
        hidden: [512], help: "widths from the lowest level on, each of depth dense layers")
    ) { values, build in
      let latent = try build.ladderLevels(rank: 1, encoder: "ladder").map(\.count)
      let layers = values.integers("hidden").flatMap {
        [Int](repeating: $0, count: values.integer("depth"))
      }
      let outputs = build.outputShape.count
      try build.checkSize(PerceptronLadder.weightShapes(latent[0], layers + [outputs]))
      return LadderDecoder(
        trunk: try PerceptronLadder.perceptron(
          latent[0], layers, values, build.random.child("trunk")),
        head: Dense(
          inputs: layers.last ?? latent[0], outputs: outputs, random: build.random.child("head")),
        outputShape: build.outputShape)
    }
  }
}

extension Hyperparameter {
  /// What a level hands up.
  static var handover: Hyperparameter {
    Hyperparameter(
      "handover", .choice(LadderEncoder.Handover.allCases.map(\.rawValue)),
      default: .text(LadderEncoder.Handover.features.rawValue),
      help: "what a level hands to the one above: its features, or the mean of its message")
  }

  /// The sizes of the levels.
  static func latentLevels(_ sizes: [Int], help: String) -> Hyperparameter {
    Hyperparameter(
      "latent", .integers(count: 1...16, each: 1...65536), default: .integers(sizes), help: help)
  }

  /// Whether inference walks down the generative path.
  static var sharesParameters: Hyperparameter {
    Hyperparameter(
      "shares_parameters", .flag, default: .flag(true),
      help: "whether inference merges with the prior itself rather than with a path of its own")
  }
}

extension BuildContext {
  /// The levels of the ladder that a part belongs to; vectors have rank 1, maps rank 3.
  func ladderLevels(rank: Int, encoder: String) throws(RecipeError) -> [Shape] {
    guard latents.isHierarchy, latents.layerShapes.allSatisfy({ $0.rank == rank }) else {
      throw RecipeError(
        .invalid,
        "\(part) works with the \(encoder) prior alone, but the prior has \(latents.phrase)")
    }
    return latents.layerShapes
  }
}
