import BetaVAE
import GaussianVAE
import IWAE
import LadderVAE
import PixelCNN
import PixelCNNVAE
import VAECore
import VQVAE

extension Registry {
  /// The table of built-in variants: adding one touches its folder, `Package.swift`, and one line
  /// here.
  private static let builtInVariants: [any Variant] = [
    GaussianVAE(),
    BetaVAE(),
    IWAE(),
    LadderVAE(),
    PixelCNN(),
    PixelCNNVAE(),
    VQVAE(),
  ]

  /// A registry with every built-in variant, to which others can be added.
  public static var builtIn: Registry {
    var registry = Registry()
    for variant in builtInVariants { registry.register(variant) }
    return registry
  }
}
