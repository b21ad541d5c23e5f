import VAECore
import VAERecipes

extension Component where Part == any Prior {
  /// The recipe component `standard-normal`.
  public static var standardNormal: Component {
    Component(
      role: .prior, name: "standard-normal", summary: "N(0, I) over one layer of latent units",
      hyperparameters: [
        Hyperparameter(
          "latent", .integer(1...65536), default: .integer(20), help: "latent units")
      ]
    ) { values, _ in
      StandardNormalPrior(units: values.integer("latent"))
    }
  }
}
