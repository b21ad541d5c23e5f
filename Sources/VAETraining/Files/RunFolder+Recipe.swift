import Messages
import VAEFiles

extension RunFolder {
  /// Refuses a recipe whose checksum is wrong, or that has lost it: one whose newest checkpoint is
  /// of the format with checksums was stored with one.
  ///
  /// - Throws: `TrainingError` of kind `unsuitable`. A text that is no recipe at all is left to
  ///   those who read it.
  func checkRecipe(_ bytes: [UInt8]) throws {
    let isSealed: Bool
    do throws(JSONError) {
      isSealed = try SealedObject(parsing: bytes, source: folder.path(of: Self.recipeFile)).isSealed
    } catch {
      guard error.kind == .damaged else { return }
      throw TrainingError(.unsuitable, error.message + Self.recipeAdvice)
    }
    guard !isSealed, let newest = try? latestCheckpoint() else { return }
    let files = try? readCheckpoint(newest.step)
    let object = files?[CheckpointFile.state].flatMap {
      try? SealedObject(parsing: $0, source: newest.folder)
    }
    guard object?.isSealed == true else { return }
    throw TrainingError(
      .unsuitable, "\(folder.path(of: Self.recipeFile)) has lost its checksum" + Self.recipeAdvice)
  }

  private static var recipeAdvice: Message {
    "; take the recipe from the model.safetensors of the run or from a copy, or train anew with this file as the recipe, "
      + "without its member \"\(JSON.Object.sealName)\""
  }
}
