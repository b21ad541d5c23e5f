import VAECore
import VAERecipes

extension FurtherStage {
  /// The stage `mixture`, of every model with one layer of real units: what its encoder says of the
  /// training examples, all together, becomes the prior. It lowers the rate, leaves the distortion as it
  /// is, and draws samples from where the data are.
  public static var mixture: FurtherStage {
    FurtherStage(
      name: "mixture",
      summary: "a mixture of Gaussians, fitted to draws of the posteriors, in place of the prior",
      latents: "one layer of real units",
      parts: { latents in
        latents.vectorUnits.map {
          [.prior: Composition.Choice("fitted-mixture", ["latent": .integer($0)])]
        }
      }, trains: ["prior."], data: .latents,
      training: ["epochs": .integer(1), "average_decay": .number(0)])
  }
}
