import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// A ladder of convolutions: levels are maps of half the size of the one below, and the top-down
/// path keeps features beside the draws, so that what a level does not draw is not lost to those
/// below it (as in the deep ladders of Maaløe et al. 2019).
enum ConvolutionalLadder {
  /// The hyper-parameters that all three parts share.
  struct Layers: HyperparameterSet {
    @Setting var activation = Activation.leakyReLU(slope: 0.1)
    @Setting(help: "what comes between a convolution and its activation")
    var normalization = ConvolutionalNormalization.batch
    @Setting(0...16, help: "residual blocks a level") var blocks = 1
  }

  /// The hyper-parameters that encoder and prior share.
  struct Levels: HyperparameterSet {
    @Setting(
      count: 1...16, each: 1...4096,
      help: "channels of each level, the one nearest to the data first; one number serves all")
    var channels = [32, 64, 64]
    var layers = Layers()
  }

  /// The layers after a change of size: normalisation with activation, then residual blocks.
  static func finish(
    _ convolution: (_ hasBias: Bool, _ activation: Activation) -> any Layer, channels: Int,
    _ options: Layers, _ random: RandomSource
  ) -> Sequential {
    let (activation, normalization) = (options.activation, options.normalization)
    let norm = normalization.layer(channels: channels, activation: activation)
    var layers = [convolution(norm == nil, norm == nil ? activation : .identity)]
    if let norm { layers.append(norm) }
    layers += ResidualBlock.chain(
      options.blocks, channels: channels, activation: activation, normalization, random: random)
    return Sequential(layers)
  }

  /// From a map at level `level + 1` of the pyramid (0 being the image) to the size below it.
  static func up(
    _ pyramid: Pyramid, to level: Int, inputs: Int, outputs: Int, _ options: Layers,
    _ random: RandomSource
  ) -> Sequential {
    finish(
      { hasBias, activation in
        TransposedConv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: 2, padding: Padding(1),
          outputPadding: pyramid.outputPadding(to: level), hasBias: hasBias,
          activation: activation, random: random.child("up"))
      }, channels: outputs, options, random)
  }

  static func pointwise(_ inputs: Int, _ outputs: Int, _ random: RandomSource) -> Conv2D {
    Conv2D(inputs: inputs, outputs: outputs, kernel: 1, padding: .none, random: random)
  }
}

extension LadderEncoder {
  /// The hyper-parameters of `ladder-conv`.
  struct ConvolutionalOptions: HyperparameterSet {
    var levels = ConvolutionalLadder.Levels()
    var path = PathUp()
  }
}

extension LadderPrior {
  /// The hyper-parameters of `ladder-conv`.
  struct ConvolutionalOptions: HyperparameterSet {
    @Setting(
      count: 1...16, each: 1...65536,
      help: "channels of each level's map, the one nearest to the data first")
    var latent = [4, 8, 16]
    var levels = ConvolutionalLadder.Levels()
    var inference = Inference()
  }
}

extension LadderDecoder {
  /// The hyper-parameters of `ladder-conv`.
  struct ConvolutionalOptions: HyperparameterSet {
    @Setting(1...4096, help: "channels at the image's size") var width = 16
    var layers = ConvolutionalLadder.Layers(blocks: 0)
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `ladder-conv`.
  static var ladderConvolutional: Component {
    Component(
      role: .encoder, name: "ladder-conv",
      summary: "a stride-2 convolution a level, each with a Gaussian message for the ladder prior",
      options: LadderEncoder.ConvolutionalOptions()
    ) { options, build in
      let levels = try build.ladderLevels(rank: 3, encoder: "ladder-conv")
      let channels = try options.levels.channels.each(of: levels.count, named: "encoder.channels")
      let (handover, layers) = (options.path.handover, options.levels.layers)
      let inputs =
        [build.data.channels] + (handover == .mean ? levels.map { $0[2] } : channels).dropLast()
      return LadderEncoder(
        blocks: channels.indices.map { level in
          let random = build.random.child("block\(level)")
          return ConvolutionalLadder.finish(
            { hasBias, activation in
              Conv2D(
                inputs: inputs[level], outputs: channels[level], kernel: 3, stride: 2,
                padding: Padding(1), hasBias: hasBias, activation: activation, random: random)
            }, channels: channels[level], layers, random)
        },
        heads: channels.indices.map { level in
          ConvolutionalLadder.pointwise(
            channels[level], 2 * levels[level][2], build.random.child("head\(level)"))
        },
        handover: handover, flattensInput: false)
    }
  }
}

extension Component where Part == any Prior {
  /// The recipe component `ladder-conv`.
  static var ladderConvolutional: Component {
    Component(
      role: .prior, name: "ladder-conv",
      summary: "levels of maps, each of half the size of the one below it",
      options: LadderPrior.ConvolutionalOptions()
    ) { options, build in
      let latent = options.latent
      let channels = try options.levels.channels.each(of: latent.count, named: "prior.channels")
      let layers = options.levels.layers
      let sharesParameters = options.inference.sharesParameters
      // What an injection takes: the features that came down, where there are any, and the draw.
      let injected = latent.indices.map { level in
        latent[level] + (level + 1 < latent.count ? channels[level] : 0)
      }
      let pyramid = Pyramid(
        height: build.data.height, width: build.data.width, levels: latent.count)
      func path(_ level: Int, _ name: String) -> (transition: any Layer, head: any Layer) {
        let random = build.random.child("\(name)\(level)")
        return (
          ConvolutionalLadder.up(
            pyramid, to: level + 1, inputs: channels[level + 1], outputs: channels[level],
            layers, random),
          ConvolutionalLadder.pointwise(channels[level], 2 * latent[level], random.child("head"))
        )
      }
      return LadderPrior(
        levels: latent.enumerated().map { level, count in
          let size = pyramid.sizes[level + 1]
          return [size.height, size.width, count]
        },
        steps: latent.indices.dropLast().map { level in
          let own = path(level, "step")
          let separate = sharesParameters ? nil : path(level, "inference")
          return LadderPrior.Step(
            transition: own.transition, head: own.head,
            separate: separate.map { .init(transition: $0.transition, head: $0.head) })
        },
        injections: latent.indices.map { level in
          let random = build.random.child("injection\(level)")
          return ConvolutionalLadder.finish(
            { hasBias, activation in
              Conv2D(
                inputs: injected[level], outputs: channels[level], kernel: 1, padding: .none,
                hasBias: hasBias, activation: activation, random: random)
            }, channels: channels[level], layers, random)
        },
        features: [pyramid.sizes[1].height, pyramid.sizes[1].width, channels[0]])
    }
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `ladder-conv`.
  static var ladderConvolutional: Component {
    Component(
      role: .decoder, name: "ladder-conv",
      summary: "one more step up from the features of the top-down path to the image",
      options: LadderDecoder.ConvolutionalOptions()
    ) { options, build in
      _ = try build.ladderLevels(rank: 3, encoder: "ladder-conv")
      let (inputs, width) = (build.latents.decoderInputShape[2], options.width)
      let pyramid = Pyramid(height: build.data.height, width: build.data.width, levels: 1)
      return LadderDecoder(
        trunk: ConvolutionalLadder.up(
          pyramid, to: 0, inputs: inputs, outputs: width, options.layers,
          build.random.child("trunk")),
        head: Conv2D(
          inputs: width, outputs: build.parametersPerPixel, kernel: 3, padding: Padding(1),
          random: build.random.child("head")),
        outputShape: build.outputShape)
    }
  }
}
