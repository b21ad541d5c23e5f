import Messages
import VAECore

extension TrainingOptions.Dequantization {
  /// Refuses a likelihood that prices the bytes themselves, and would round away what is added to
  /// them.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  public func check(_ likelihood: any Likelihood) throws(RecipeError) {
    guard self != .none, likelihood.isDiscrete else { return }
    throw RecipeError(
      .invalid,
      "\(.setting("training.dequantize", rawValue)) is for likelihoods that are densities, and the "
        + "chosen one gives probabilities to the values themselves; leave it out, or choose "
        + "\(.setting("likelihood", "gaussian"))")
  }
}
