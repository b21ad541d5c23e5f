import VAECore
import VAERecipes

/// The variational autoencoder whose posterior is a Gaussian that has gone through a normalising
/// flow (Rezende & Mohamed 2015; Kingma et al. 2016; van den Berg et al. 2018).
public struct FlowVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "flow-vae" }
  /// What it is.
  public var summary: String {
    "a posterior that a normalising flow bends: planar, radial, iaf, sylvester or realnvp"
  }
  /// The papers.
  public var reference: String {
    "D. J. Rezende, S. Mohamed: Variational Inference with Normalizing Flows. ICML 2015, arXiv:1505.05770; "
      + "D. P. Kingma et al.: Improving Variational Inference with Inverse Autoregressive Flow. NeurIPS 2016, "
      + "arXiv:1606.04934; R. van den Berg et al.: Sylvester Normalizing Flows. UAI 2018, arXiv:1803.05649"
  }

  /// The networks of `gaussian-vae`, with two steps of inverse autoregressive flow.
  public var composition: Composition {
    Composition(
      encoder: "flow-mlp", prior: "standard-normal", decoder: "mlp")
  }

  /// The hyper-parameters of the posterior, which are the encoder's.
  public var shorthands: [String: [String]] {
    var names: [String: [String]] = [:]
    for name in ["flow", "flow_steps", "flow_hidden", "flow_context", "reflections"] {
      names[name] = ["encoder.\(name)"]
    }
    names["posterior.flow"] = ["encoder.flow"]
    return names
  }

  /// Perceptrons, or convolutions with or without residual blocks.
  public var architectures: [String: [Role: String]] {
    [
      "mlp": [.encoder: "flow-mlp", .decoder: "mlp"],
      "conv": [.encoder: "flow-conv", .decoder: "conv"],
      "resnet": [.encoder: "flow-resnet", .decoder: "resnet"],
    ]
  }

  /// The encoders that end in a flow.
  public func registerComponents(in registry: inout Registry) {
    for encoder in Component<any Encoder>.withFlow { registry.register(encoder) }
  }
}
