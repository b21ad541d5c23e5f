import Messages
import Tensors

extension DataSource {
  /// The source with some of its training examples set apart as the split `valid`; itself where it has
  /// one already.
  ///
  /// Which examples these are follows from their number alone, so that runs with other seeds, and
  /// commands that open the same data later, set the same ones apart.
  ///
  /// - Parameter share: the part of the training examples, above 0 and below 1; at least one is set
  ///   apart, and at least one stays.
  /// - Throws: `DataError` of kind `unusable` where there is only one.
  package func settingApart(_ share: Double) throws(DataError) -> DataSource {
    guard validation == nil, share > 0 else { return self }
    guard train.count > 1 else {
      throw DataError(
        .unusable,
        "\(name) has only one training example, so none can be set apart; leave out "
          + "\(.setting("training.holdout"))")
    }
    let wanted = Int((share * Double(train.count)).rounded())
    let count = min(max(1, wanted), train.count - 1)
    var generator = RandomSource(seed: 0).stream("holdout", step: 0).generator()
    let order = Array(0..<train.count).shuffled(using: &generator)
    var source = self
    source.validation = train.selecting(order.prefix(count).sorted(), named: "valid")
    source.train = train.selecting(order.dropFirst(count).sorted(), named: train.name)
    source.notices.append(
      "\(Count.of(count, "training example")) of \(name) set apart as its split valid "
        + "(\(.setting("training.holdout", "\(share)")))")
    return source
  }
}

extension DataSource {
  /// The same rows of a table with centres and scales of those alone that stay where a share is set apart for
  /// holding out; other data, and those with a split for that, as they are. What kinds columns have, and which
  /// numbers are points of gathered mass, all rows say.
  ///
  /// - Parameter share: see `settingApart`.
  /// - Throws: what `settingApart` throws.
  package func standardizedByTraining(holdingOut share: Double) throws(DataError) -> DataSource {
    guard validation == nil, share > 0, let table = train.store as? TableStore,
      let kept = try settingApart(share).train.store as? TableStore
    else { return self }
    return try asSeen(by: table.columns.standardizing(kept.rows))
  }
}

extension DataSplit {
  /// Some of the examples, with all that is known of them.
  ///
  /// - Parameters:
  ///   - rows: their numbers, in the order that they get.
  ///   - name: what the result is called.
  package func selecting(_ rows: [Int], named name: String) -> DataSplit {
    var split = DataSplit(
      name: name, store: store.selecting(rows),
      labels: labels.map { labels in rows.map { labels[$0] } }, classes: classes,
      conditions: conditions?.rows(rows), factors: factors?.rows(rows))
    split.hiddenStore = hiddenStore?.selecting(rows)
    split.origins = origins?.selecting(rows)
    return split
  }
}
