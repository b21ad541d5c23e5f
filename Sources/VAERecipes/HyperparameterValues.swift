/// Checked values of declared hyper-parameters, one for each declaration, as recipes hold them.
///
/// A component reads them as its `HyperparameterSet`.
public struct HyperparameterValues: Equatable, Sendable {
  /// The values by name.
  public private(set) var values: [String: HyperparameterValue]

  /// The defaults of some declarations.
  public init(defaultsOf declarations: [Hyperparameter]) {
    values = Dictionary(
      declarations.map { ($0.name, $0.default) }, uniquingKeysWith: { first, _ in first })
  }

  /// The value of a declared name; another name is a programming error.
  public package(set) subscript(name: String) -> HyperparameterValue {
    get {
      guard let value = values[name] else {
        fatalError("no hyper-parameter \(name) was declared")
      }
      return value
    }
    set { values[name] = newValue }
  }

  /// Takes defaults in place of those that were declared.
  ///
  /// - Throws: `RecipeError` of kind `invalid` for one that was not declared, or has a value that is not
  ///   allowed.
  mutating func take(
    _ defaults: [String: HyperparameterValue], declaredBy declarations: [Hyperparameter],
    path: String
  ) throws(RecipeError) {
    for (name, value) in defaults {
      guard let declaration = declarations.first(where: { $0.name == name }) else {
        throw RecipeError(
          .invalid, "\(path).\(name) is given a default, but there is no such hyper-parameter")
      }
      values[name] = try declaration.value(of: value.json, path: "the default of \(path).\(name)")
    }
  }
}
