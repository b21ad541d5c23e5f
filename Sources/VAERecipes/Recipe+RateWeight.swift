extension Recipe {
  /// The setting that weighs the rate in the loss, such as `objective.beta`; nil where the objective has none.
  public var rateWeight: String? {
    ["beta", "rate_weight"].first { part(.objective).values.values[$0] != nil }.map {
      "\(Role.objective).\($0)"
    }
  }
}
