import AdversarialAutoencoder
import AutoencoderKL
import AutoencoderTiny
import BetaVAE
import ConditionalVAE
import FactorVAE
import FlowPriorVAE
import FlowVAE
import GaussianVAE
import IWAE
import LadderVAE
import LogCoshVAE
import MSSSIMVAE
import MissingVAE
import MixturePriorVAE
import MultiscaleVAE
import PerceptualVAE
import PixelCNN
import PixelCNNVAE
import ProgressiveVAE
import TwoStageVAE
import VAEGAN
import VAERecipes
import VQGAN
import VQModel
import VQVAE
import VampPriorVAE
import VeryDeepVAE
import WAEGAN

extension Registry {
  /// The table of built-in variants: adding one touches its folder, `Package.swift`, and here one line
  /// with its import.
  private static let builtInVariants: [any Variant] = [
    GaussianVAEVariant(),
    BetaVAEVariant(),
    FactorVAEVariant(),
    IWAEVariant(),
    MissingVAEVariant(),
    FlowVAEVariant(),
    LadderVAEVariant(),
    PixelCNNVariant(),
    PixelCNNVAEVariant(),
    VQVAEVariant(),
    ConditionalVAEVariant(),
    MixturePriorVAEVariant(),
    VampPriorVAEVariant(),
    FlowPriorVAEVariant(),
    TwoStageVAEVariant(),
    LogCoshVAEVariant(),
    MultiscaleVAEVariant(),
    MSSSIMVAEVariant(),
    PerceptualVAEVariant(),
    AutoencoderTinyVariant(),
    AutoencoderKLVariant(),
    VAEGANVariant(),
    VQGANVariant(),
    WAEGANVariant(),
    AdversarialAutoencoderVariant(),
    VQModelVariant(),
    VeryDeepVAEVariant(),
    ProgressiveVAEVariant(),
  ]

  /// A registry with every built-in variant, to which others can be added.
  public static var builtIn: Registry {
    var registry = sharedComponents
    for variant in builtInVariants { registry.register(variant) }
    return registry
  }
}
