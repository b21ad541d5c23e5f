import VAERecipes

/// Room for what plug-ins bring: names of the first version are taken, later ones give way (`isFirst`).
extension Registry {
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
      !Self.isFirst(role, component.name)
    else { throw Misfit("there is \(component.title) already (\(taken.origin)); rename yours") }
    removeComponent(role, component.name)
  }

  /// Makes room for a variant of a plug-in.
  ///
  /// - Throws: `Misfit` where its name is taken.
  mutating func makeRoom(forVariant name: String) throws(Misfit) {
    guard let taken = entries.first(where: { $0.variant.name == name }) else { return }
    guard taken.origin == Self.builtInOrigin, !Self.isFirst(variant: name) else {
      throw Misfit("there is a variant \(name) already (\(taken.origin)); rename yours")
    }
    removeVariant(name)
  }
}
