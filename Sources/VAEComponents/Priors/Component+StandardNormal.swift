import VAECore
import VAERecipes

extension Component where Part == any Prior {
  /// The recipe component `standard-normal`.
  public static var standardNormal: Component {
    Component(
      role: .prior, name: "standard-normal", summary: "N(0, I) over one layer of latent units",
      options: LatentUnits()
    ) { options, _ in StandardNormalPrior(units: options.latent) }
  }
}
