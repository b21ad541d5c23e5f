import VAEZoo

/// An encoder of our own: the image's size is taken out before the perceptron sees it, so that only
/// its direction matters.
final class CosineEncoder: Encoder {
  struct Options: HyperparameterSet {
    @Setting(1...4096, help: "hidden units") var width = 128
  }

  private let hidden: Dense
  private let head: Dense

  init(inputs: Int, width: Int, latent: Int, random: RandomSource) {
    hidden = Dense(
      inputs: inputs, outputs: width, activation: .silu, random: random.child("hidden"))
    head = Dense(inputs: width, outputs: 2 * latent, random: random.child("head"))
  }

  var members: Members { ["hidden": .module(hidden), "head": .module(head)] }

  func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let rows = x.flattened()
    let length = (rows.squared().sum(axis: 1, keepingAxis: true) + 1e-6).squareRoot()
    return DiagonalGaussian(head: head(hidden(rows / length, context), context))
  }
}

/// A variant of our own: the Gaussian VAE with that encoder.
struct CosineVAE: Variant {
  let name = "cosine-vae"
  let summary = "a Gaussian VAE whose encoder sees directions only"
  let reference = "an example of this package"
  let composition = Composition(
    encoder: "cosine",
    prior: Composition.Choice("standard-normal", ["latent": .integer(8)]),
    decoder: Composition.Choice("mlp", ["hidden": .integers([128])]))

  func registerComponents(in registry: inout Registry) {
    registry.register(
      Component<any Encoder>(
        role: .encoder, name: "cosine", summary: "a perceptron on the normalised image",
        options: CosineEncoder.Options()
      ) { options, build in
        CosineEncoder(
          inputs: build.data.elements, width: options.width,
          latent: try build.singleLatentSize(), random: build.random)
      })
  }
}
