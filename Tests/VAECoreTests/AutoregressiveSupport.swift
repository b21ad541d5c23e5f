import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Networks to hold to the rules of autoregression.
enum PixelNetworks {
  /// A gated network small enough to look at every derivative.
  static func gated(
    inputs: Int = 1, outputs: Int = 1, groups: Int = 1, condition: Int = 0, layers: Int = 2,
    kernel: Int = 3, channels: Int = 6, seed: UInt64 = 3
  ) -> GatedPixelCNN {
    var sizes = GatedPixelCNN.Sizes(inputs: inputs, outputs: outputs)
    (sizes.groups, sizes.condition, sizes.layers) = (groups, condition, layers)
    (sizes.kernel, sizes.channels, sizes.head) = (kernel, channels, 6)
    return livened(GatedPixelCNN(sizes, random: RandomSource(seed: seed)))
  }

  /// A plain stack.
  static func plain(
    inputs: Int = 1, outputs: Int = 1, groups: Int = 1, kernels: [Int] = [5, 3, 3],
    seed: UInt64 = 3
  ) -> MaskedConvolutionStack {
    livened(
      MaskedConvolutionStack(
        inputs: inputs, outputs: outputs, channels: 6, kernels: kernels, groups: groups,
        random: RandomSource(seed: seed)))
  }

  /// The network with its biases drawn, which else are zero and could hide a path that they take.
  private static func livened<Network: PixelNetwork>(_ network: Network) -> Network {
    for (path, parameter) in network.parameters where path.hasSuffix("bias") {
      parameter.value = RandomSource(seed: 4).stream(path).uniform(parameter.shape) * 0.4
    }
    return network
  }
}

extension RandomSource {
  /// A context for as many examples.
  func context(_ count: Int, _ mode: Context.Mode = .evaluation) -> Context {
    Context(mode: mode, random: self, examples: (0..<count).map(UInt64.init))
  }
}

extension PixelNetwork {
  /// The derivative of one output with respect to the input `[1, height, width, inputs]`, by the
  /// tape.
  func derivative(of output: Int, at input: Tensor) -> Tensor {
    let x = Parameter(input)
    let y = self(x.tensor, condition: nil, RandomSource(seed: 1).context(1))
    let cotangent = Tensor(y.shape) { values in
      values.update(repeating: 0)
      values[output] = 1
    }
    return y.backward(from: cotangent)[x] ?? .zeros(input.shape)
  }
}

extension PixelCNNDecoder {
  /// Images `[N, height, width, channels]` drawn with a full pass for every number, in order.
  func drawnByFullPasses(
    _ draw: LatentDraw, _ likelihood: any Likelihood, shape: Shape, _ context: Context
  ) -> Tensor {
    withoutTape {
      let count = draw.rowCount
      let noise = likelihood.noise(shape, context)
      var image = [Float](repeating: 0, count: count * shape.count)
      let full = Shape([count] + shape.dimensions)
      for element in 0..<shape.count {
        let parameters = decode(draw, target: Tensor(image, shape: full), context)
        let drawn = likelihood.sample(parameters, noise: noise).floats
        for row in 0..<count {
          image[row * shape.count + element] = drawn[row * shape.count + element]
        }
      }
      return Tensor(image, shape: full)
    }
  }
}

/// Two independent numbers a channel pretend to be one likelihood with two parameters a channel: x
/// is drawn as tanh(a) + 0.3 · b · noise.
final class TwoParameterLikelihood: Likelihood {
  let couplesChannels: Bool

  init(couplesChannels: Bool) {
    self.couplesChannels = couplesChannels
  }

  var members: Members { [:] }
  var isDiscrete: Bool { false }

  func parametersPerPixel(channels: Int) -> Int { 2 * channels }

  func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let rows = parameters.shape[0]
    return Tensor.gaussianLogDensity(
      x.tiled(rows / x.shape[0]).flattened(), mean: mean(parameters).flattened(),
      logVariance: .zeros([rows, x.count / x.shape[0]]))
  }

  /// The first parameter of each channel.
  func mean(_ parameters: Tensor) -> Tensor { pairs(parameters, 0).tanh() }

  func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.normalNoise("likelihood", samples: 1, shape: imageShape)
  }

  func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    mean(parameters) + pairs(parameters, 1) * noise * 0.3
  }

  private func pairs(_ parameters: Tensor, _ which: Int) -> Tensor {
    let shape = parameters.shape.dimensions
    let channels = shape[3] / 2
    return parameters.reshaped(to: Shape(shape.dropLast() + [channels, 2]))
      .slice(axis: 4, which..<which + 1).reshaped(to: Shape(shape.dropLast() + [channels]))
  }
}
