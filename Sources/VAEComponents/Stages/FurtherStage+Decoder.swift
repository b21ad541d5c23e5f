import VAECore
import VAERecipes

extension FurtherStage {
  /// The stage `decoder`, of every model with latents: the decoder and its likelihood are trained on, by whatever objective is
  /// set, to latents that stay as they are, so that what was made for these latents goes on to suit them.
  public static var decoder: FurtherStage {
    FurtherStage(
      name: "decoder",
      summary: "the decoder alone, trained on for the latents that the encoder gives",
      latents: "latents of some kind", parts: { $0.isEmpty ? nil : [:] },
      trains: ["decoder.", "likelihood.", "objective."], data: .images, goesOn: true)
  }
}
