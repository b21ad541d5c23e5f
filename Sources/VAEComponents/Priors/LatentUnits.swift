import VAERecipes

/// The hyper-parameter of a prior over one layer of latent units.
public struct LatentUnits: HyperparameterSet {
  /// How many there are.
  @Setting(1...65536, help: "latent units") public var latent = 20

  /// The default.
  public init() {}

  /// Another default.
  public init(latent: Int) { self.latent = latent }
}
