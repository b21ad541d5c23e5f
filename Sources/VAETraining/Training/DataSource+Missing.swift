import Messages
import VAEData

extension DataSource {
  /// Refuses data of which values are missing where a model does not take masks.
  ///
  /// - Parameter takesMasks: whether the model does.
  /// - Throws: `DataError` of kind `unusable` that names the value and what to do.
  public func checkMissing(takesMasks: Bool) throws(DataError) {
    guard !takesMasks, let missingValue else { return }
    throw .missing(missingValue)
  }
}

extension DataError {
  /// The refusal of a value that is missing, such as "train[3, 10, 4] is nan".
  package static func missing(_ value: String) -> DataError {
    DataError(
      .unusable,
      "\(value); every value must be finite, neither NaN nor infinite, unless the model was trained to be told which are "
        + "missing: fill them in, or train missing-vae, or a variant with a plain encoder and \(.setting("encoder.name", "masked-mlp")), "
        + "or flow-vae and \(.setting("encoder.name", "masked-flow-mlp"))"
    )
  }
}
