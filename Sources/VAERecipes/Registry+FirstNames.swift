/// What was built in with the first version of the interface of plug-ins. What came later gives way to a plug-in's
/// part or variant of the same name, so that one that was made when the name was free runs as it did; and a recipe
/// that records a plug-in may mean that plug-in's by the name of a later one.
extension Registry {
  private static let firstVariants: Set<String> = [
    "gaussian-vae", "beta-vae", "iwae", "ladder-vae", "pixelcnn", "pixelcnn-vae", "vq-vae",
  ]

  private static let firstComponents: [Role: Set<String>] = [
    .encoder: ["mlp", "conv", "resnet", "ladder", "ladder-conv", "vq-resnet", "none"],
    .prior: [
      "standard-normal", "ladder", "ladder-conv", "uniform-codes", "pixelcnn-codes", "none",
    ],
    .decoder: ["mlp", "conv", "resnet", "ladder", "ladder-conv", "vq-resnet", "pixelcnn"],
    .likelihood: ["bernoulli", "gaussian", "categorical", "logistic-mixture", "auto"],
    .objective: ["elbo", "capacity", "importance-weighted"],
  ]

  /// Whether no plug-in can bring a component of this name.
  package static func isFirst(_ role: Role, _ name: String) -> Bool {
    firstComponents[role]?.contains(name) == true
  }

  /// Whether no plug-in can bring a variant of this name.
  package static func isFirst(variant name: String) -> Bool { firstVariants.contains(name) }
}
