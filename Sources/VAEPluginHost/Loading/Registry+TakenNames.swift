import VAERecipes

/// Names that plug-ins cannot have. Those of what was built in with the first version of the interface are
/// taken; what came later gives way to a plug-in's part or variant of the same name, so that one that was
/// made when the name was free runs as it did.
extension Registry {
  /// The variants of that version.
  private static let firstVariants: Set<String> = [
    "gaussian-vae", "beta-vae", "iwae", "ladder-vae", "pixelcnn", "pixelcnn-vae", "vq-vae",
  ]

  /// Its parts.
  private static let firstComponents: [Role: Set<String>] = [
    .encoder: ["mlp", "conv", "resnet", "ladder", "ladder-conv", "vq-resnet", "none"],
    .prior: [
      "standard-normal", "ladder", "ladder-conv", "uniform-codes", "pixelcnn-codes", "none",
    ],
    .decoder: ["mlp", "conv", "resnet", "ladder", "ladder-conv", "vq-resnet", "pixelcnn"],
    .likelihood: ["bernoulli", "gaussian", "categorical", "logistic-mixture", "auto"],
    .objective: ["elbo", "capacity", "importance-weighted"],
  ]

  /// Makes room for a component of a plug-in.
  ///
  /// - Throws: `Misfit` where its name is taken.
  mutating func makeRoom(for component: PluginComponent) throws(Misfit) {
    let role = component.methods.role
    if role == .likelihood && component.name == "auto" {
      throw Misfit("a likelihood cannot be called auto")
    }
    guard let taken = components(role).first(where: { $0.name == component.name }) else { return }
    guard taken.origin == Self.builtInOrigin,
      Self.firstComponents[role]?.contains(component.name) == false
    else { throw Misfit("there is \(component.title) already (\(taken.origin)); rename yours") }
    removeComponent(role, component.name)
  }

  /// Makes room for a variant of a plug-in.
  ///
  /// - Throws: `Misfit` where its name is taken.
  mutating func makeRoom(forVariant name: String) throws(Misfit) {
    guard let taken = entries.first(where: { $0.variant.name == name }) else { return }
    guard taken.origin == Self.builtInOrigin, !Self.firstVariants.contains(name) else {
      throw Misfit("there is a variant \(name) already (\(taken.origin)); rename yours")
    }
    removeVariant(name)
  }
}
