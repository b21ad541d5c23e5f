import VAEFiles

extension Recipe {
  /// Where two values of a recipe differ, each such as "prior.latent 4, not 5". Of a part by another
  /// name it is the name alone.
  ///
  /// - Parameters:
  ///   - old: the value of the one recipe, which is named first.
  ///   - new: that of the other.
  ///   - path: what the value is called.
  package static func differences(_ old: JSON?, _ new: JSON?, path: String) -> [String] {
    guard old != new else { return [] }
    guard let oldMembers = old?.object, let newMembers = new?.object else {
      func text(_ value: JSON?) -> String {
        value?.text == "" ? "empty" : value.map { $0.text ?? $0.line } ?? "unset"
      }
      return ["\(path) \(text(old)), not \(text(new))"]
    }
    if oldMembers["name"] != newMembers["name"] {
      return differences(oldMembers["name"], newMembers["name"], path: "\(path).name")
    }
    let names =
      newMembers.members.map(\.name)
      + oldMembers.members.map(\.name).filter { newMembers[$0] == nil }
    return names.flatMap { differences(oldMembers[$0], newMembers[$0], path: "\(path).\($0)") }
  }

  /// Where the parts of another recipe differ from this one's, each such as "prior.latent 4, not 5", the
  /// other's value first.
  package func partDifferences(from other: Recipe, in roles: [Role] = Role.allCases) -> [String] {
    let (own, others) = (json.object, other.json.object)
    return roles.flatMap {
      Self.differences(others?[$0.rawValue], own?[$0.rawValue], path: $0.rawValue)
    }
  }
}
