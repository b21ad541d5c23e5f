import Messages
import VAECore
import VAERecipes

extension Component where Part == any Prior {
  /// The recipe component `standard-normal-map`.
  public static var standardNormalMap: Component {
    Component(
      role: .prior, name: "standard-normal-map",
      summary: "N(0, I) over a map of latent units, a fraction of the image's size",
      hyperparameters: [
        Hyperparameter(
          "latent_channels", .integer(1...4096), default: .integer(4),
          help: "latent units at each place of the map"),
        Hyperparameter(
          "levels", .integer(0...8), default: .integer(3),
          help: "times that the image is halved, rounding up, to the size of the map"),
        Hyperparameter(
          "scaling_factor", .number(1e-6...1e6), default: .number(1),
          help:
            "a model of the latents takes (z - shift_factor) * scaling_factor; this one never does"
        ),
        Hyperparameter(
          "shift_factor", .number(-1e6...1e6), default: .number(0),
          help: "what a model of the latents takes off them first"),
      ]
    ) { values, build in
      let top = Pyramid(
        height: build.data.height, width: build.data.width, levels: values.integer("levels")
      ).top
      let map = LatentMap(
        height: top.height, width: top.width, channels: values.integer("latent_channels"),
        scaling: LatentScaling(
          factor: Float(values.number("scaling_factor")),
          shift: Float(values.number("shift_factor"))))
      guard map.count <= unitLimit else {
        throw RecipeError(
          .invalid,
          "prior standard-normal-map has \(map.height)×\(map.width)×\(map.channels) units for images of "
            + "\(build.data.height)×\(build.data.width), beyond the limit of \(unitLimit); choose fewer latent_channels or "
            + "more levels")
      }
      return StandardNormalPrior(map: map)
    }
  }

  /// Units that a map may have for one image.
  private static var unitLimit: Int { 1 << 24 }
}
