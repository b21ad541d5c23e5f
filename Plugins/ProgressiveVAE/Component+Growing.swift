import Messages
import VAEComponents
import VAECore
import VAERecipes

/// The hyper-parameters of `progressive`, encoder and decoder alike.
struct GrowingOptions: HyperparameterSet {
  var growth = Growth.Options()
  var step = GrowingStep.Options()
}

extension Component where Part == any Encoder {
  /// The recipe component `progressive`.
  static var progressive: Component {
    Component(
      role: .encoder, name: "progressive",
      summary: "convolutions that begin with small images and grow to larger ones",
      options: GrowingOptions()
    ) { options, build in
      let head = try build.headOfPosterior()
      guard head.shape.rank == 1 else {
        throw RecipeError(
          .invalid,
          "\(build.part) works with one layer of latent units, but the prior has \(build.latents.phrase)"
        )
      }
      return GrowingEncoder(
        inputs: build.data.channels,
        Growth(height: build.data.height, width: build.data.width, options.growth), head: head,
        options.step, random: build.random)
    }
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `progressive`.
  static var progressive: Component {
    Component(
      role: .decoder, name: "progressive",
      summary: "convolutions that begin with small images and grow to larger ones",
      options: GrowingOptions()
    ) { options, build in
      GrowingDecoder(
        latent: try build.decoderInputs(), outputs: build.parametersPerPixel,
        Growth(height: build.data.height, width: build.data.width, options.growth), options.step,
        random: build.random)
    }
  }
}
