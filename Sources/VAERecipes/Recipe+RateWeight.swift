extension Recipe {
  /// The setting that weighs the rate in the loss, by one of the two names that objectives have for it: `objective.beta` or
  /// `objective.rate_weight`; nil where the objective has neither.
  public var rateWeight: String? {
    ["beta", "rate_weight"].first { part(.objective).values.values[$0] != nil }.map {
      "\(Role.objective).\($0)"
    }
  }
}
