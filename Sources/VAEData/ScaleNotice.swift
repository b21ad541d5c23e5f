import Messages
import VAECore

/// Looks at numbers outside of 0 to 1 as a model will see them: layers are started for values near
/// one, so numbers far from that train badly or not at all.
enum ScaleNotice {
  /// Examples that are looked at, spread evenly over all.
  private static let exampleLimit = 1000
  /// Numbers of them.
  private static let numberLimit = 1 << 21
  /// Standardized values have a root mean square of one.
  private static let largestMagnitude = 30.0
  private static let largestRatio = 1000.0
  /// The numbers of a row from which on it may be a picture: 8×8.
  private static let leastPixels = 64

  /// What the user should know of the values of a split; nil where they are as models expect them.
  ///
  /// - Parameter range: of the values.
  static func of(_ split: DataSplit, range: ValueRange = .real) -> Message? {
    guard range == .real else { return nil }
    let isRow = split.shape.height == 1 && split.shape.channels == 1 && split.shape.width > 1
    // Vectors that are standardized may still be bytes of pictures; columns with kinds are none.
    let table = split.store as? TableStore
    if let table, !table.columns.columns.allSatisfy({ $0.kind == .real && $0.decimals == nil }) {
      return nil
    }
    let store = table?.rows ?? split.store
    let size = store.shape.count
    let count = min(split.count, exampleLimit, max(2, numberLimit / max(1, size)))
    guard count > 0, size <= numberLimit else { return nil }
    let indices = (0..<count).map { $0 * split.count / count }
    let values = [Float](unsafeUninitializedCapacity: count * size) { buffer, used in
      let room = UnsafeMutableBufferPointer(rebasing: buffer[..<(count * size)])
      room.initialize(repeating: 0)
      store.write(indices, into: room)
      used = count * size
    }
    var (least, greatest, isWhole, squares) = (Float.infinity, -Float.infinity, true, 0.0)
    for value in values where !value.isNaN {
      least = min(least, value)
      greatest = max(greatest, value)
      isWhole = isWhole && value == value.rounded(.towardZero)
      squares += Double(value) * Double(value)
    }
    // A short row of such numbers is one of ages or scores.
    let mayBePicture = split.shape.height > 1 || size >= leastPixels
    if isWhole, least >= 0, greatest > 127, greatest <= 255, mayBePicture {
      return
        "values of \(split.name) are whole numbers from \(Int(least)) to \(Int(greatest)), as bytes are, "
        + "but not stored as bytes, so they are not divided by 255; store them as uint8, by X.astype('u1')"
    }
    guard table == nil else { return nil }
    if isRow, count > 1,
      let text = differingColumns(values, size: size, count: count)
    {
      return
        "columns of \(split.name) differ in scale: \(text); standardize them, by (X - X.mean(0)) / X.std(0)"
    }
    let magnitude = (squares / Double(values.count)).squareRoot()
    guard magnitude > largestMagnitude else { return nil }
    return
      "values of \(split.name) reach from \(least) to \(greatest), where models expect numbers near 1; "
      + "standardize them, by (X - X.mean()) / X.std()"
  }

  /// The columns of the largest and the smallest deviation, where these lie far apart.
  private static func differingColumns(_ values: [Float], size: Int, count: Int) -> String? {
    var smallest: (column: Int, deviation: Double)?
    var largest: (column: Int, deviation: Double)?
    for column in 0..<size {
      let entries = stride(from: column, to: size * count, by: size).map { Double(values[$0]) }
        .filter { !$0.isNaN }
      let known = Double(max(1, entries.count))
      let mean = entries.reduce(0, +) / known
      let variance = entries.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / known
      // Columns that never change have no scale.
      guard variance > 0 else { continue }
      let found = (column: column, deviation: variance.squareRoot())
      if found.deviation < smallest?.deviation ?? .infinity { smallest = found }
      if found.deviation > largest?.deviation ?? 0 { largest = found }
    }
    guard let smallest, let largest, largest.deviation >= largestRatio * smallest.deviation else {
      return nil
    }
    return "column \(smallest.column) has the deviation \(Float(smallest.deviation)), column "
      + "\(largest.column) \(Float(largest.deviation))"
  }
}
