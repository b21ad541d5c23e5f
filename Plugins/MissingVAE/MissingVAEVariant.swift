import VAECore
import VAERecipes

/// A model of data with missing values (Mattei & Frellsen 2019): the importance-weighted bound on log p of
/// the values that are known, with an encoder that is told which these are.
public struct MissingVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "missing-vae" }
  /// What it is.
  public var summary: String {
    "trained where values are missing, by a bound of K draws on the known ones; imputes"
  }
  /// The paper.
  public var reference: String {
    "P.-A. Mattei, J. Frellsen: MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets. ICML "
      + "2019, arXiv:1812.02633"
  }

  /// The paper's model of tables: two layers of 128 tanh units each way, 10 latent units, 20 draws, batches of 64.
  public var composition: Composition {
    let network: [String: HyperparameterValue] = [
      "hidden": .integers([128, 128]), "activation": .text("tanh"),
    ]
    return Composition(
      encoder: Composition.Choice("masked-mlp", network),
      prior: Composition.Choice("standard-normal", ["latent": .integer(10)]),
      decoder: Composition.Choice("mlp", network),
      objective: Composition.Choice("importance-weighted", ["importance_samples": .integer(20)]),
      training: ["batch_size": .integer(64)])
  }

  /// The networks that are told which values are missing, by the names of those that are not.
  public var architectures: [String: [Role: String]] {
    Dictionary(
      uniqueKeysWithValues: ["mlp", "conv"].map {
        ($0, [.encoder: "masked-\($0)", .decoder: $0])
      })
  }
}
