import Messages
import VAECore
import VAEFiles

extension Registry {
  /// Takes down the SHA-256 of a frozen network that settings have named without it, so that the recipe says
  /// which network it was. Of a recipe that says so already the network may lie elsewhere, but must be the same.
  ///
  /// - Parameters:
  ///   - recipe: with the settings.
  ///   - old: the recipe before them.
  /// - Throws: `FileError` where the file is missing, cannot be read, or is another one than the recipe's.
  package func recordNetworks(in recipe: inout Recipe, before old: Recipe) throws(FileError) {
    let (network, hash) = (FrozenNetworkOptions.networkName, FrozenNetworkOptions.hashName)
    for (role, part) in recipe.parts {
      guard case .text(let path)? = part.values.values[network], !path.isEmpty,
        case .text(let given)? = part.values.values[hash]
      else { continue }
      let before = old.parts[role].flatMap { $0.name == part.name ? $0.values.values : nil } ?? [:]
      let isNewlyNamed = before[network] != .text(path) && before[hash] == .text(given)
      guard given.isEmpty || isNewlyNamed else { continue }
      let found = try FrozenNetworkFile.sha256(of: path)
      guard given.isEmpty || given == found else {
        throw FileError(
          .malformed, "use the frozen network", path,
          "its SHA-256 is \(found), and that of the recipe's is \(given): it is another network; name the recipe's own, or "
            + "take this one by \(.setting("\(role).\(hash)", found))")
      }
      recipe.parts[role]?.values[hash] = .text(found)
    }
  }

  /// A recipe whose frozen networks are named by other paths.
  ///
  /// - Parameter located: the path of a file that the recipe names.
  package static func locatingNetworks(
    in recipe: Recipe, _ located: (String) throws -> String
  ) rethrows -> Recipe {
    var recipe = recipe
    let name = FrozenNetworkOptions.networkName
    for (role, part) in recipe.parts {
      guard case .text(let path)? = part.values.values[name], !path.isEmpty else { continue }
      recipe.parts[role]?.values[name] = .text(try located(path))
    }
    return recipe
  }

  /// What a stored part says with the path of a frozen network left out where the part of another recipe says that
  /// it is the same file: it is known by its SHA-256, wherever it lies.
  package static func withoutPath(ofSameNetwork part: JSON?, as other: JSON?) -> JSON? {
    guard case .object(var members)? = part, let own = members[FrozenNetworkOptions.hashName]?.text,
      !own.isEmpty, own == other?.object?[FrozenNetworkOptions.hashName]?.text
    else { return part }
    members[FrozenNetworkOptions.networkName] = nil
    return .object(members)
  }

  /// A recipe in which a frozen network that has to be named stands for those to come, where a recipe is
  /// looked at before there is one: a model can be made of it, and not trained.
  package func withStandInNetworks(_ recipe: Recipe) -> Recipe {
    var recipe = recipe
    for (role, part) in recipe.parts
    where part.values.values[FrozenNetworkOptions.networkName] == .text("") {
      recipe.parts[role]?.values[FrozenNetworkOptions.networkName] = .text("network.safetensors")
      recipe.parts[role]?.values[FrozenNetworkOptions.hashName] = .text(
        String(repeating: "0", count: 64))
    }
    return recipe
  }

  /// The model that an exported file holds, with its weights, for a part that looks at images with its
  /// encoder; nil where the file holds none.
  ///
  /// - Throws: `NetworkProblem` where its recipe or its weights are none that this registry can make a
  ///   model of.
  package func model(of file: Safetensors) throws(NetworkProblem) -> DescribedModel? {
    guard let text = file.metadata[Recipe.metadataName] else { return nil }
    do {
      let recipe = try recipe(parsing: Array(text.utf8), source: "its recipe")
      guard let data = recipe.data else { throw NetworkProblem("its recipe has no data part") }
      let model = try plan(recipe, source: "its recipe")
      let values = try StoredValues(for: model, in: file)
      if let path = values.infinite.first {
        throw NetworkProblem("tensor \(path) holds values that are not finite")
      }
      values.take()
      return DescribedModel(
        model, imageShape: [data.height, data.width, data.channels], range: data.range)
    } catch let error as NetworkProblem {
      throw error
    } catch let error as RecipeError {
      throw NetworkProblem("\(error.message)")
    } catch let error as SafetensorsError {
      throw NetworkProblem("\(error.message)")
    } catch {
      throw NetworkProblem("\(error)")
    }
  }
}
