import VAEFiles
import VAERecipes

extension Registry {
  /// The variants as JSON, as `list` shows them: name, name of the class, summary and origin.
  public var variantsJSON: JSON {
    .array(
      entries.map { entry in
        .object([
          "name": .text(entry.variant.name), "class": .text(entry.variant.className),
          "summary": .text(entry.variant.summary),
          "origin": .text(entry.origin),
        ])
      })
  }

  /// The components that can fill a role as JSON: name, summary and hyper-parameters, these with
  /// type, default, range and help.
  public func componentsJSON(_ role: Role) -> JSON {
    .array(
      components(role).map { component in
        .object([
          "name": .text(component.name), "summary": .text(component.summary),
          "origin": .text(component.origin), "uses_condition": .bool(component.usesCondition),
          "uses_mask": .bool(component.usesMask),
          "hyperparameters": .array(
            component.hyperparameters.map { $0.json(named: $0.name, default: $0.default) }),
        ])
      })
  }
}

extension Hyperparameter {
  /// The declaration as JSON.
  ///
  /// - Parameters:
  ///   - name: what it is called there: its own name, or its path in a recipe.
  ///   - value: the default in force there.
  ///   - isOpen: whether the data may choose another value where nobody has chosen one.
  func json(
    named name: String, default value: HyperparameterValue, isOpen: Bool = false
  ) -> JSON {
    var object: JSON.Object = [
      "name": .text(name), "type": .text(typeName), "default": value.json,
      "range": .text(rangeText), "help": .text(help),
    ]
    if isOpen { object["chosen_by_data"] = .bool(true) }
    return .object(object)
  }
}
