import VAECore
import VAEFiles

extension Registry {
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
