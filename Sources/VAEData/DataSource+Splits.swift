import Messages

extension DataSource {
  /// The source with all that it has, and beside it as its split `valid` the examples that were set apart of it.
  package func showing(_ apart: DataSource) -> DataSource {
    var source = self
    source.validation = apart.validation
    return source
  }

  /// The source in the splits that a training had of it.
  package func divided(as apart: DataSource) -> DataSource {
    var source = showing(apart)
    source.train = apart.train
    source.notices.append(
      "\(name) is what the model was trained on: of \(Count.of(train.count, "example")) its split train has the "
        + "\(apart.train.count) that training saw, and its split valid those that \(.setting("training.holdout")) set apart"
    )
    return source
  }
}
