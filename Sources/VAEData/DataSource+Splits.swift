extension DataSource {
  /// The source with all that it has, and beside it as its split `valid` the examples that a training with this
  /// share sets apart of these data; itself where it has such a split, or too few examples for one.
  package func showingHoldout(_ share: Double) -> DataSource {
    guard let apart = try? settingApart(share) else { return self }
    var source = self
    source.validation = apart.validation
    return source
  }
}
