import Messages

/// What is wrong with a recipe, in one line.
public typealias RecipeError = ExplainedError<RecipeFault>

/// The kinds of error about recipes, which front ends tell apart.
public enum RecipeFault: Sendable {
  /// A name or value that does not exist or is out of range.
  case invalid
  /// A name of a plug-in's that is not loaded.
  case needsPlugIn
  /// Not JSON, or not of a recipe's form.
  case malformed
  /// Data that the model cannot take.
  case unsuitableData
}
