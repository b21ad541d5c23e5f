import VAEFiles

extension Imputation {
  /// What there is to say of it, by the names that commands, C and Python use.
  public var json: JSON {
    var object: JSON.Object = [
      "examples": .integer(values.shape[0]), "missing": .integer(missingCount),
      "examples_with_missing": .integer(tornCount),
    ]
    if let effectiveDraws { object["effective_draws"] = .finite(effectiveDraws) }
    guard let error else { return .object(object) }
    if let rmse = error.rmse {
      object["numbers"] = .integer(error.numberCount)
      object["rmse"] = .finite(rmse)
    }
    if let rmse = error.rmseOfMeans { object["rmse_of_means"] = .finite(rmse) }
    if let wrong = error.wrongShare {
      object["categories"] = .integer(error.categoryCount)
      object["wrong_share"] = .finite(wrong)
    }
    if !error.columns.isEmpty {
      var columns: JSON.Object = [:]
      for (name, error) in error.columns { columns[name] = .finite(error) }
      object["columns"] = .object(columns)
    }
    return .object(object)
  }
}
