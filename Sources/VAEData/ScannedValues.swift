import VAECore

/// What one pass over the values of a split has found, wherever they are.
struct ScannedValues: Sendable {
  /// The values by how they are stored.
  enum Kind: Sendable {
    case bytes(ByteScan)
    /// Bytes that are 0 or 1 because of their type.
    case booleans
    case floats(ValueScan)
  }

  /// What messages call the split's images.
  let name: String
  /// Of their array, by which places are named.
  let sizes: ArraySizes
  let kind: Kind

  /// What a user calls the elements.
  var kindName: String {
    switch kind {
    case .bytes: "bytes"
    case .booleans: "booleans"
    case .floats: "floating-point numbers"
    }
  }

  /// A value with its place, such as `train[3, 10, 4] is 17`.
  func text<Value>(_ found: FoundValue<Value>) -> String {
    "\(name)\(sizes.index(of: found.position)) is \(found.value)"
  }

  /// The first value that is missing, with its place, such as "train[3, 10, 4] is nan"; nil where none
  /// is.
  var missingValue: String? {
    guard case .floats(let scan) = kind else { return nil }
    return scan.firstMissing.map(text)
  }

  /// Whether vectors of these values are rows of a table, where nobody has said what they are.
  var areMeasurements: Bool {
    guard case .floats(let scan) = kind else { return false }
    return scan.areMeasurements
  }

  /// Refuses floats that are infinite, and floats of which none is known.
  func checkFinite() throws(DataError) {
    guard case .floats(let scan) = kind else { return }
    guard !scan.isAllMissing else {
      throw DataError(
        .unusable, "every value of \(name) is NaN, so that nothing is known of its examples")
    }
    guard let endless = scan.firstEndless else { return }
    throw DataError(
      .unusable, "\(text(endless)); every value must be finite, neither NaN nor infinite")
  }

  /// The first float between zero and one that is none of the 256 levels k/255, with its place;
  /// nil where there is none, or values lie outside.
  var unquantizedValue: String? {
    guard case .floats(let scan) = kind else { return nil }
    return scan.firstUnquantized.map(text)
  }
}
