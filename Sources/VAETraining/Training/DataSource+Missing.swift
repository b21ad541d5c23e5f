import Messages
import VAEData
import VAERecipes

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
      "\(value); every value must be finite, neither NaN nor infinite, for a model that is not told which are missing; fill "
        + "them in, or train \(.modelsOfMissingValues)"
    )
  }
}
