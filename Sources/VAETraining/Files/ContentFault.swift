import Messages
import VAECore
import VAERecipes

/// What is wrong with what a file says, whose form and checksums are right.
public struct ContentFault: MessageError, Equatable {
  /// How the file is: `unusable`, or `unchecked` where a plug-in is missing to look at it.
  public let state: CheckedFile.State
  /// What is wrong, with the path of the file.
  public let message: Message

  /// What cannot be used.
  init(_ message: Message) { (state, self.message) = (.unusable, message) }

  /// What is wrong with a recipe.
  init(_ error: RecipeError) {
    state = error.kind == .needsPlugIn ? .unchecked : .unusable
    message = error.message
  }
}
