import NeuralNetworks
import Tensors

extension Sequential {
  /// A discriminator of latents: fully connected layers of the given sizes with leaky rectifiers of slope 0.2 between them
  /// (Kim & Mnih 2018, appendix B). He's law keeps the variance of the signal through many layers.
  package static func discriminator(_ sizes: [Int], random: RandomSource) -> Sequential {
    Sequential(
      zip(sizes, sizes.dropFirst()).enumerated().map { number, size in
        let isLast = number == sizes.count - 2
        return Dense(
          inputs: size.0, outputs: size.1,
          activation: isLast ? .identity : .leakyReLU(slope: 0.2),
          initializer: isLast ? nil : .heNormal, random: random.child("\(number)"))
      })
  }
}
