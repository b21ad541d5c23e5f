import Messages
import VAECore
import VAEFiles

/// Reading recipes from JSON.
extension Registry {
  /// The recipe in a JSON text. Parts and values that it leaves out have the variant's defaults. It
  /// may end with its checksum, as that of a run does.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8.
  ///   - source: what the bytes are, for errors.
  /// - Throws: `RecipeError`: `malformed` where the text is no JSON or not of a recipe's form,
  ///   `invalid` for an unknown name, a wrong type or a value out of range.
  public func recipe(parsing bytes: [UInt8], source: String) throws(RecipeError) -> Recipe {
    let object: JSON.Object
    do throws(JSONError) {
      object = try SealedObject(parsing: bytes, source: source).object
    } catch {
      guard error.kind == .damaged else { throw RecipeError(.malformed, error.message) }
      throw RecipeError(
        .malformed, error.message + "; remove that member if you changed the recipe yourself")
    }
    guard object["format"]?.integer == Recipe.format else {
      throw RecipeError(
        .malformed,
        "\(source) is not a recipe of format \(Recipe.format): its member \"format\" is "
          + "\(object["format"]?.line ?? "missing")")
    }
    guard let name = object["variant"]?.text else {
      throw RecipeError(.malformed, "\(source) has no member \"variant\" with a name")
    }
    let recorded = try plugIns(of: object, source: source)
    try checkPlugIns(recorded, of: object, variant: name, source: source)
    var recipe = try located(source) { () throws(RecipeError) in try self.recipe(for: name) }
    let known =
      ["format", "variant", "data", "training", "stages", "plugins"] + Role.allCases.map(\.rawValue)
    for member in object.members where !known.contains(member.name) {
      throw RecipeError(
        .invalid,
        "\(source): there is no recipe member \(member.name); there are: \(known.joined(separator: ", "))"
      )
    }
    for role in Role.allCases {
      guard let json = object[role.rawValue] else { continue }
      try read(json, as: role, into: &recipe, source: source)
    }
    if let json = object["training"] {
      let values = try members(of: json, "training", source: source)
      try read(
        values, TrainingOptions.hyperparameters, path: "training", into: &recipe.training,
        source: source)
      for member in values.members { recipe.openSettings.close(member.name) }
    }
    if let json = object["stages"] { recipe.stages = try stages(json, source: source) }
    if let json = object["data"], json != .null {
      recipe.data = try data(json, source: source)
    }
    recipe.notices =
      otherBuilds(than: recorded, in: recipe, source: source)
      + unused(recorded, in: recipe, source: source)
    return recipe
  }

  /// The plug-ins that a recipe was made with, by its own account.
  private func plugIns(
    of object: JSON.Object, source: String
  ) throws(RecipeError) -> [RecordedPlugIn] {
    guard let json = object["plugins"] else { return [] }
    guard case .array(let items) = json else {
      throw RecipeError(.malformed, "\(source): plugins is \(json.line), not a list of files")
    }
    let recorded = items.compactMap(RecordedPlugIn.init)
    guard recorded.count == items.count else {
      throw RecipeError(
        .malformed,
        "\(source): plugins is \(json.line), not a list of files, each with its \"sha256\", or names"
      )
    }
    return recorded
  }

  /// What to say where plug-ins that a recipe uses are not, byte for byte, those that it was made with:
  /// that one was built anew is nothing unusual, but may be why its numbers are others.
  private func otherBuilds(
    than recorded: [RecordedPlugIn], in recipe: Recipe, source: String
  ) -> [Message] {
    let hashes = recorded.compactMap(\.sha256)
    guard !hashes.isEmpty else { return [] }
    return recipe.plugIns.compactMap { plugIn in
      guard let hash = plugIn.sha256, !hashes.contains(hash) else { return nil }
      return
        "\(source) was made with another build of \(plugIn.origin): its SHA-256 is \(hash), but "
        + "\(hashes.joined(separator: " or ")) is on record; numbers may differ"
    }
  }

  /// What to say of plug-ins that a recipe names without using anything of theirs: that it will name
  /// them no longer.
  private func unused(
    _ recorded: [RecordedPlugIn], in recipe: Recipe, source: String
  ) -> [Message] {
    func isSame(_ one: RecordedPlugIn, _ other: RecordedPlugIn) -> Bool {
      one.origin == other.origin || (one.sha256 != nil && one.sha256 == other.sha256)
    }
    // One that lies elsewhere now and was built anew may be any of those on record.
    guard recipe.plugIns.allSatisfy({ used in recorded.contains { isSame($0, used) } }) else {
      return []
    }
    return recorded.filter { one in !recipe.plugIns.contains { isSame(one, $0) } }.map {
      "\(source) names the plug-in \($0.title), but uses nothing of it; what is made of the recipe does not name it"
    }
  }

  /// Refuses a recipe that names what a plug-in brings that is not loaded. It is not loaded for that:
  /// a recipe may come from anywhere, and loading a plug-in is running it.
  private func checkPlugIns(
    _ recorded: [RecordedPlugIn], of object: JSON.Object, variant: String, source: String
  ) throws(RecipeError) {
    let missing = recorded.filter { !plugInOrigins.contains($0.origin) }
    guard !missing.isEmpty else { return }
    // Names that nothing here has, and those that a plug-in had before they were built in.
    var (unknown, later): ([String], [String]) = ([], [])
    if let entry = entries.first(where: { $0.variant.name == variant }) {
      if entry.origin == Self.builtInOrigin, !Self.isFirst(variant: variant) {
        later.append("the variant \(variant)")
      }
    } else {
      unknown.append("the variant \(variant)")
    }
    for role in Role.allCases {
      guard let name = object[role.rawValue]?.object?["name"]?.text else { continue }
      guard let found = try? component(role, name) else {
        unknown.append("the \(role) \(name)")
        continue
      }
      if found.origin == Self.builtInOrigin, !Self.isFirst(role, name) {
        later.append("the \(role) \(name)")
      }
    }
    if unknown.isEmpty, !later.isEmpty {
      throw RecipeError(
        .needsPlugIn,
        "\(source) names the plug-in \(missing.map(\.title).joined(separator: ", ")), which is not loaded and may bring "
          + "\(later.joined(separator: " and ")), a name that is built in as well; \(Self.remedy(missing)); a recipe that means what is built in names no plug-in"
      )
    }
    guard !unknown.isEmpty else { return }
    throw RecipeError(
      .needsPlugIn,
      "\(source) needs \(unknown.joined(separator: " and ")) of the plug-in "
        + "\(missing.map(\.title).joined(separator: ", ")), which is not loaded; "
        + Self.remedy(missing))
  }

  /// How plug-ins come to be there: from their files, or in the program that brings them itself.
  private static func remedy(_ missing: [RecordedPlugIn]) -> Message {
    let programs = missing.filter { !$0.isFile }
    guard programs.isEmpty else {
      return
        "\(programs.map(\.origin).joined(separator: ", ")) is no file but part of a program: open it in that program, or load a "
        + "plug-in that brings the same names"
    }
    return "if you trust it, load it with \(.plugins(missing.map(\.origin)))"
  }

  /// Runs a check whose error does not yet say where the recipe is.
  private func located<Result>(
    _ source: String, _ check: () throws(RecipeError) -> Result
  ) throws(RecipeError) -> Result {
    do {
      return try check()
    } catch {
      throw RecipeError(error.kind, "\(source): \(error.message)")
    }
  }

  private func members(
    of json: JSON, _ part: String, source: String
  ) throws(RecipeError) -> JSON.Object {
    guard let object = json.object else {
      throw RecipeError(.malformed, "\(source): \(part) is \(json.line), not an object")
    }
    return object
  }

  private func read(
    _ json: JSON, as role: Role, into recipe: inout Recipe, source: String
  ) throws(RecipeError) {
    var values = try members(of: json, role.rawValue, source: source)
    if let json = values["name"] {
      guard let name = json.text else {
        throw RecipeError(.malformed, "\(source): \(role).name is \(json.line), not a string")
      }
      try located(source) { () throws(RecipeError) in
        try apply([(key: "\(role).name", value: name)], to: &recipe)
      }
      values["name"] = nil
    }
    guard var part = recipe.parts[role] else { return }
    let declarations = try component(role, part.name).hyperparameters
    try read(values, declarations, path: role.rawValue, into: &part.values, source: source)
    recipe.parts[role] = part
  }

  private func read(
    _ object: JSON.Object, _ declarations: [Hyperparameter], path: String,
    into values: inout HyperparameterValues, source: String
  ) throws(RecipeError) {
    for member in object.members {
      guard let declaration = declarations.first(where: { $0.name == member.name }) else {
        let known = declarations.map(\.name).joined(separator: ", ")
        throw RecipeError(
          .invalid,
          "\(source): there is no hyper-parameter \(path).\(member.name); there are: "
            + "\(known.isEmpty ? "none" : known)")
      }
      values[member.name] = try declaration.value(
        of: member.value, path: "\(source): \(path).\(member.name)")
    }
  }

  private func stages(_ json: JSON, source: String) throws(RecipeError) -> [Stage] {
    guard case .array(let items) = json, !items.isEmpty else {
      throw RecipeError(.malformed, "\(source): stages is \(json.line), not a list of stages")
    }
    var stages: [Stage] = []
    for (number, item) in items.enumerated() {
      stages.append(try Stage(item, path: "\(source): stages[\(number)]"))
    }
    return stages
  }

  private func data(_ json: JSON, source: String) throws(RecipeError) -> DataDescription {
    let object = try members(of: json, "data", source: source)
    let known = [
      "height", "width", "channels", "range", "rule", "preparation", "condition", "missing",
      "columns", "label_column",
    ]
    for member in object.members where !known.contains(member.name) {
      throw RecipeError(
        .invalid,
        "\(source): there is no recipe member data.\(member.name); there are: \(known.joined(separator: ", "))"
      )
    }
    func size(_ name: String) throws(RecipeError) -> Int {
      guard let value = object[name]?.integer, (1...1 << 20).contains(value) else {
        throw RecipeError(
          .invalid, "\(source): data.\(name) must be a whole number in 1…\(1 << 20)")
      }
      return value
    }
    guard let range = object["range"]?.text.flatMap(ValueRange.init(rawValue:)) else {
      throw RecipeError(
        .invalid,
        "\(source): data.range must be one of "
          + "\(ValueRange.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard let rule = object["rule"]?.text else {
      throw RecipeError(.invalid, "\(source): data.rule must be a string")
    }
    let preparation = object["preparation"]
    guard preparation == nil || preparation?.text != nil else {
      throw RecipeError(.invalid, "\(source): data.preparation must be a string")
    }
    var data = DataDescription(
      height: try size("height"), width: try size("width"), channels: try size("channels"),
      range: range, rule: rule, preparation: preparation?.text,
      condition: try object["condition"].map { (json) throws(RecipeError) in
        try ConditionSpace(json, path: "\(source): data.condition")
      },
      columns: try object["columns"].map { (json) throws(RecipeError) in
        try TableColumns(json, path: "\(source): data.columns")
      })
    if let json = object["label_column"] {
      guard let name = json.text, !name.isEmpty, name.utf8.count <= TableColumn.nameLimit,
        data.columns?.columns.contains(where: { $0.name == name }) == false
      else {
        throw RecipeError(
          .invalid,
          "\(source): data.label_column must be the name of a column of a table, and none of data.columns"
        )
      }
      data.labelColumn = name
    }
    if let columns = data.columns {
      guard data.height == 1, data.channels == 1, data.width == columns.elementCount else {
        throw RecipeError(
          .invalid,
          "\(source): data.columns are of rows of \(columns.elementCount) numbers, but data are of "
            + "\(data.height)x\(data.width)x\(data.channels)")
      }
      guard data.range == .real else {
        throw RecipeError(
          .invalid, "\(source): data.range is \(data.range.rawValue), but that of a table is real")
      }
    }
    if let json = object["missing"] {
      guard case .bool(let missing) = json else {
        throw RecipeError(
          .invalid, "\(source): data.missing is \(json.line), but must be true or false")
      }
      data.missing = missing
    }
    guard data.elements <= 1 << 26 else {
      throw RecipeError(
        .invalid, "\(source): images of \(data.elements) numbers are beyond the limit of \(1 << 26)"
      )
    }
    return data
  }
}
