import VAERecipes

/// A Gaussian VAE whose prior is a normalising flow that is learnt with the rest (Chen et al. 2017; Dinh et al.
/// 2017; Papamakarios et al. 2017).
public struct FlowPriorVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "flow-prior-vae" }
  /// What it is.
  public var summary: String {
    "the prior is a normalising flow that is learnt with the rest: maf, iaf or realnvp"
  }
  /// The papers.
  public var reference: String {
    "X. Chen et al.: Variational Lossy Autoencoder. ICLR 2017, arXiv:1611.02731; G. Papamakarios, T. Pavlakou, "
      + "I. Murray: Masked Autoregressive Flow for Density Estimation. NeurIPS 2017, arXiv:1705.07057; L. Dinh, "
      + "J. Sohl-Dickstein, S. Bengio: Density Estimation using Real NVP. ICLR 2017, arXiv:1605.08803"
  }

  /// That of `gaussian-vae`, with a flow in place of N(0, I).
  public var composition: Composition {
    Composition(encoder: "mlp", prior: "flow", decoder: "mlp")
  }

  /// The hyper-parameters of the flow.
  public var shorthands: [String: [String]] {
    [
      "flow": ["prior.flow"], "flow_steps": ["prior.flow_steps"],
      "flow_hidden": ["prior.flow_hidden"],
    ]
  }
}
