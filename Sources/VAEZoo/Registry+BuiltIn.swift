import GaussianVAE
import VAECore

extension Registry {
  /// The table of built-in variants: adding one touches its folder, `Package.swift`, and one line
  /// here.
  private static let builtInVariants: [any Variant] = [
    GaussianVAE()
  ]

  /// A registry with every built-in variant, to which others can be added.
  public static var builtIn: Registry {
    var registry = Registry()
    for variant in builtInVariants { registry.register(variant) }
    return registry
  }
}
