import Messages
import VAEFiles

/// Settings that stand by themselves, outside of a recipe.
extension HyperparameterSet {
  /// The defaults with some settings, as after `--set`.
  ///
  /// - Parameters:
  ///   - settings: name and value of each; of several of one name the last one counts.
  ///   - owner: whose they are, for errors, such as "a classifier".
  /// - Throws: `RecipeError` of kind `invalid` for a name that there is not, a wrong type or a value out of range.
  public init(
    _ settings: [(key: String, value: String)], of owner: String
  ) throws(RecipeError) {
    let declarations = Self.declarations
    var values = HyperparameterValues(defaultsOf: declarations)
    for (key, value) in settings {
      guard let declaration = declarations.first(where: { $0.name == key }) else {
        let known = declarations.map(\.name)
        let near = Suggestion.nearest(to: key, in: known).map { "did you mean \($0)? " } ?? ""
        throw RecipeError(
          .invalid,
          "\(owner) has no setting \(key); \(near)there are: \(known.joined(separator: ", "))")
      }
      values[key] = try declaration.value(parsing: value, path: key)
    }
    self.init(values)
  }

  /// The values as JSON.
  public var json: JSON {
    var object: JSON.Object = [:]
    for declaration in declarations { object[declaration.name] = declaration.default.json }
    return .object(object)
  }
}
