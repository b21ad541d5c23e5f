import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A ladder of perceptrons, as in the paper: levels are vectors.
enum PerceptronLadder {
  /// The hyper-parameters that all three parts share.
  struct Layers: HyperparameterSet {
    enum Normalization: String, SettingChoice {
      case none, batch
    }

    @Setting(1...16, help: "dense layers a level") var depth = 2
    @Setting var activation = Activation.leakyReLU(slope: 0.1)
    @Setting(help: "what comes between a dense layer and its activation")
    var normalization = Normalization.batch
  }

  /// Dense layers from `inputs` to each of `widths`, normalised and activated.
  static func perceptron(
    _ inputs: Int, _ widths: [Int], _ options: Layers, _ random: RandomSource
  ) -> Sequential {
    let activation = options.activation
    let isNormalized = options.normalization == .batch
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
}

extension LadderEncoder {
  /// The hyper-parameters of `ladder`.
  struct PerceptronOptions: HyperparameterSet {
    @Setting(
      count: 1...16, each: 1...65536,
      help: "width of each level, the one nearest to the data first; one number serves all")
    var hidden = [512, 256, 128, 64, 32]
    var layers = PerceptronLadder.Layers()
    var path = PathUp()
  }
}

extension LadderEncoder {
  /// What every path up can be told.
  struct PathUp: HyperparameterSet {
    @Setting(help: "what a level hands to the one above: its features, or the mean of its message")
    var handover = Handover.features
  }
}

extension LadderPrior {
  /// The hyper-parameters of `ladder`.
  struct PerceptronOptions: HyperparameterSet {
    @Setting(
      count: 1...16, each: 1...65536,
      help: "units of each level, the one nearest to the data first")
    var latent = [64, 32, 16, 8, 4]
    @Setting(
      count: 1...16, each: 1...65536,
      help:
        "width of the path down to each level, the one nearest to the data first; one number serves all"
    )
    var hidden = [512, 256, 128, 64, 32]
    var layers = PerceptronLadder.Layers()
    var inference = Inference()
  }

  /// Whether inference walks down the generative path.
  struct Inference: HyperparameterSet {
    @Setting(
      help: "whether inference merges with the prior itself rather than with a path of its own")
    var sharesParameters = true
  }
}

extension LadderDecoder {
  /// The hyper-parameters of `ladder`.
  struct PerceptronOptions: HyperparameterSet {
    @Setting(
      count: 1...16, each: 1...65536,
      help: "widths from the lowest level on, each of depth dense layers")
    var hidden = [512]
    var layers = PerceptronLadder.Layers()
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `ladder`.
  static var ladder: Component {
    Component(
      role: .encoder, name: "ladder",
      summary: "a perceptron a level, each with a Gaussian message for the ladder prior",
      options: LadderEncoder.PerceptronOptions()
    ) { options, build in
      let latent = try build.ladderLevels(rank: 1, encoder: "ladder").map(\.count)
      let widths = try options.hidden.each(of: latent.count, named: "encoder.hidden")
      let inputs =
        [build.data.elements] + (options.path.handover == .mean ? latent : widths).dropLast()
      let layers = widths.map { [Int](repeating: $0, count: options.layers.depth) }
      return LadderEncoder(
        blocks: widths.indices.map { level in
          PerceptronLadder.perceptron(
            inputs[level], layers[level], options.layers, build.random.child("block\(level)"))
        },
        heads: widths.indices.map { level in
          Dense(
            inputs: widths[level], outputs: 2 * latent[level],
            random: build.random.child("head\(level)"))
        },
        handover: options.path.handover, flattensInput: true)
    }
  }
}

extension Component where Part == any Prior {
  /// The recipe component `ladder`.
  static var ladder: Component {
    Component(
      role: .prior, name: "ladder",
      summary: "levels of units, each drawn given the one above it; inference merges by precision",
      options: LadderPrior.PerceptronOptions()
    ) { options, build in
      let latent = options.latent
      let widths = try options.hidden.each(of: latent.count, named: "prior.hidden")
      let layers = widths.map { [Int](repeating: $0, count: options.layers.depth) }
      let sharesParameters = options.inference.sharesParameters
      func path(_ level: Int, _ name: String) -> (transition: any Layer, head: any Layer) {
        let random = build.random.child("\(name)\(level)")
        return (
          PerceptronLadder.perceptron(latent[level + 1], layers[level], options.layers, random),
          Dense(
            inputs: widths[level], outputs: 2 * latent[level], random: random.child("head"))
        )
      }
      return LadderPrior(
        levels: latent.map { [$0] },
        steps: latent.indices.dropLast().map { level in
          let own = path(level, "step")
          let separate = sharesParameters ? nil : path(level, "inference")
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
      options: LadderDecoder.PerceptronOptions()
    ) { options, build in
      let latent = try build.ladderLevels(rank: 1, encoder: "ladder").map(\.count)
      let layers = options.hidden.flatMap {
        [Int](repeating: $0, count: options.layers.depth)
      }
      let outputs = build.outputShape.count
      return LadderDecoder(
        trunk: PerceptronLadder.perceptron(
          latent[0], layers, options.layers, build.random.child("trunk")),
        head: Dense(
          inputs: layers.last ?? latent[0], outputs: outputs, random: build.random.child("head")),
        outputShape: build.outputShape)
    }
  }
}

extension BuildContext {
  /// The levels of the ladder that a part belongs to; vectors have rank 1, maps rank 3.
  func ladderLevels(rank: Int, encoder: String) throws(RecipeError) -> [Shape] {
    guard prior is LadderPrior, latents.layerShapes.allSatisfy({ $0.rank == rank }) else {
      throw RecipeError(
        .invalid,
        "\(part) works with the \(encoder) prior alone, but the prior has \(latents.phrase); choose "
          + "\(.setting("prior.name", encoder)) or another encoder and decoder")
    }
    return latents.layerShapes
  }
}
