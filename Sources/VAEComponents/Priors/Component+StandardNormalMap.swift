import Messages
import VAECore
import VAERecipes

/// The hyper-parameters of a prior over a map of latent units.
package struct LatentMapOptions: HyperparameterSet {
  @Setting(1...4096, help: "latent units at each place of the map") package var latentChannels = 4
  @Setting(
    0...8, help: "times that the image is halved, rounding up, to the size of the map")
  package var levels = 3
  @Setting(
    1e-6...1e6,
    help: "a model of the latents takes (z - shift_factor) * scaling_factor; this one never does")
  package var scalingFactor = 1.0
  @Setting(-1e6...1e6, help: "what a model of the latents takes off them first")
  package var shiftFactor = 0.0

  package init() {}
}

extension Component where Part == any Prior {
  /// The recipe component `standard-normal-map`.
  public static var standardNormalMap: Component {
    Component(
      role: .prior, name: "standard-normal-map",
      summary: "N(0, I) over a map of latent units, a fraction of the image's size",
      options: LatentMapOptions()
    ) { options, build in
      let top = Pyramid(
        height: build.data.height, width: build.data.width, levels: options.levels
      ).top
      let map = LatentMap(
        height: top.height, width: top.width, channels: options.latentChannels,
        scaling: LatentScaling(
          factor: Float(options.scalingFactor),
          shift: Float(options.shiftFactor)))
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
