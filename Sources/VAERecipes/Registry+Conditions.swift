import Messages
import VAECore
import VAEFiles

/// Which recipes are of p(x|y), and what they say of the condition y.
extension Registry {
  /// The parts of a recipe that listen to a condition, such as "encoder conditional-mlp".
  private func listeners(in recipe: Recipe) -> [String] {
    Role.allCases.compactMap { role in
      let name = recipe.part(role).name
      return isListener(name, role) ? "\(role) \(name)" : nil
    }
  }

  /// Whether a recipe needs to know what is known beside the data: whether one of its parts listens
  /// to it.
  public func usesCondition(_ recipe: Recipe) -> Bool { !listeners(in: recipe).isEmpty }

  /// Refuses a recipe that has a condition to which no part listens, or a part that listens without
  /// one.
  func checkCondition(of recipe: Recipe, _ data: DataDescription) throws(RecipeError) {
    let listeners = listeners(in: recipe)
    switch (data.condition, listeners.first) {
    case (nil, let part?):
      throw RecipeError(
        .unsuitableData,
        "\(part) needs a condition for each example, and the recipe's data part names none; give data "
          + "with labels or conditions")
    case (let condition?, nil):
      let parts = [Role.encoder, .prior, .decoder].map { "\($0) \(recipe.part($0).name)" }
      let known = Role.allCases.flatMap { role in
        components(role).filter(\.usesCondition).map { "\(role).name=\($0.name)" }
      }
      throw RecipeError(
        .invalid,
        "data.condition is \(condition.phrase), but none of \(parts.joined(separator: ", ")) listens to it; "
          + "leave it out, or choose a part that does: \(known.joined(separator: ", "))")
    case (nil, nil):
      // A variant of p(x|y) must not become one of p(x) without a word.
      guard let own = try? self.recipe(for: recipe.variant),
        let role = Role.allCases.first(where: { isListener(own.part($0).name, $0) })
      else { return }
      let parts = [Role.encoder, .prior, .decoder].map { "\($0) \(recipe.part($0).name)" }
      throw RecipeError(
        .invalid,
        "\(recipe.variant) is a model of p(x|y), but none of \(parts.joined(separator: ", ")) is told y; choose a part "
          + "that is, such as \(.setting("\(role).name", own.part(role).name)), or a variant of p(x)"
      )
    default: return
    }
  }

  /// What to say of a recipe that is told a condition where it makes no difference to what the model
  /// generates; nil for nothing.
  public func conditionNotice(of recipe: Recipe) -> Message? {
    guard recipe.data?.condition != nil,
      Role.allCases.filter({ isListener(recipe.part($0).name, $0) }) == [.encoder]
    else { return nil }
    return
      "encoder \(recipe.part(.encoder).name) is told the condition, but neither prior \(recipe.part(.prior).name) nor decoder "
      + "\(recipe.part(.decoder).name) is: p(x|y) is the same for every y, and so are samples"
  }

  private func isListener(_ name: String, _ role: Role) -> Bool {
    (try? component(role, name))?.usesCondition == true
  }
}

extension ConditionSpace {
  /// As recipes hold it.
  public var json: JSON {
    var members: JSON.Object = ["kind": .text(kind.rawValue), "width": .integer(width)]
    if !names.isEmpty { members["names"] = .array(names.map(JSON.text)) }
    return .object(members)
  }

  /// A condition from a recipe; `path` says where it stands, for errors.
  init(_ json: JSON, path: String) throws(RecipeError) {
    guard let object = json.object,
      let kind = object["kind"]?.text.flatMap(Kind.init(rawValue:)),
      let width = object["width"]?.integer, (1...Self.widthLimit).contains(width)
    else {
      throw RecipeError(
        .malformed,
        "\(path) is \(json.line), not a condition: an object with \"kind\" ("
          + "\(Kind.allCases.map(\.rawValue).joined(separator: ", "))) and \"width\", "
          + "a whole number in 1…\(Self.widthLimit)")
    }
    var names: [String] = []
    if let json = object["names"] {
      guard case .array(let items) = json, items.count == width,
        case let found = items.compactMap(\.text), found.count == width
      else {
        throw RecipeError(.malformed, "\(path).names is not a list of \(width) names")
      }
      if let misfit = Self.misfit(names: found) {
        throw RecipeError(.malformed, "\(path).names \(misfit)")
      }
      names = found
    }
    self.init(kind, width: width, names: names)
  }
}
