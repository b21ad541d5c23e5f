import Messages
import VAECore

/// What a caller knows of each example beside it, which an array in memory holds.
package enum GivenConditions: Sendable {
  /// A class for each example, by number, and the names of the classes; none where class k is "k".
  case labels([Int32], classes: [String])
  /// Attributes or a vector for each example.
  case rows(ConditionTable)

  /// The number of examples.
  package var count: Int {
    switch self {
    case .labels(let labels, _): labels.count
    case .rows(let table): table.count
    }
  }

  /// The same labels, of classes that have names.
  ///
  /// - Parameters:
  ///   - classes: the names; none where class k is "k".
  ///   - name: what messages call the labels.
  /// - Throws: `DataError` where names are empty or the same, where a label has none of them, or where
  ///   these are no labels.
  package func named(_ classes: [String], name: String) throws(DataError) -> GivenConditions {
    guard !classes.isEmpty else { return self }
    guard case .labels(let labels, _) = self else {
      throw DataError(
        .unusable, "\(name) holds rows of numbers, but the names of classes are of labels")
    }
    if let misfit = ConditionSpace.misfit(names: classes) {
      throw DataError(.unusable, "the classes of \(name) \(misfit)")
    }
    if let place = labels.firstIndex(where: { $0 < 0 || Int($0) >= classes.count }) {
      throw DataError(
        .unusable,
        "\(name)[\(place)] is \(labels[place]), but there are names of "
          + "\(Count.of(classes.count, "class", plural: "classes")); name every class, from 0 on")
    }
    return .labels(labels, classes: classes)
  }
}
