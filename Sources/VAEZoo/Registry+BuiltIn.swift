import AutoencoderKL
import AutoencoderTiny
import BetaVAE
import ConditionalVAE
import FactorVAE
import FlowVAE
import GaussianVAE
import IWAE
import LadderVAE
import MixturePriorVAE
import PerceptualVAE
import PixelCNN
import PixelCNNVAE
import VAERecipes
import VQVAE
import VampPriorVAE

extension Registry {
  /// The table of built-in variants: adding one touches its folder, `Package.swift`, and one line
  /// here.
  private static let builtInVariants: [any Variant] = [
    GaussianVAEVariant(),
    BetaVAEVariant(),
    FactorVAEVariant(),
    IWAEVariant(),
    FlowVAEVariant(),
    LadderVAEVariant(),
    PixelCNNVariant(),
    PixelCNNVAEVariant(),
    VQVAEVariant(),
    ConditionalVAEVariant(),
    MixturePriorVAEVariant(),
    VampPriorVAEVariant(),
    PerceptualVAEVariant(),
    AutoencoderTinyVariant(),
    AutoencoderKLVariant(),
  ]

  /// A registry with every built-in variant, to which others can be added.
  public static var builtIn: Registry {
    var registry = sharedComponents
    for variant in builtInVariants { registry.register(variant) }
    return registry
  }
}
