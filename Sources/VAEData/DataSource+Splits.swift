import Messages

extension DataSource {
  /// The source with all that it has, and beside it as its split `valid` the examples that a training with this
  /// share sets apart of these data; itself where it has such a split, or too few examples for one.
  ///
  /// - Parameter isTraining: whether what is left is what a model was trained on; the split `train` is that alone then.
  package func showingHoldout(
    _ share: Double, isTraining: (DataSplit) -> Bool = { _ in false }
  ) -> DataSource {
    guard validation == nil, share > 0, let apart = try? settingApart(share) else { return self }
    var source = self
    source.validation = apart.validation
    if isTraining(apart.train) {
      source.train = apart.train
      source.notices.append(
        "\(name) is what the model was trained on: of \(Count.of(train.count, "example")) its split train has the "
          + "\(apart.train.count) that training saw, and its split valid those that \(.setting("training.holdout")) set apart"
      )
    }
    return source
  }
}
