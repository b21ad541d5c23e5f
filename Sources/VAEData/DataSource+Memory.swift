import VAECore

extension DataSource {
  /// A source of images in memory, which are drawn from where they are.
  ///
  /// - Parameters:
  ///   - train: the training split.
  ///   - test: the test split, nil for none.
  ///   - range: where all values must lie; nil for the narrowest range that holds those of `train`
  ///     and `test`.
  ///   - rule: how bytes are read; nil to take them as binary where the range says so, or where
  ///     there is none and all bytes of `train` are 0 or 1, and else to divide them by 255. Floats
  ///     of rule `bytes/255` must be multiples of 1/255; those of no rule have it where they are.
  /// - Throws: `DataError` where sizes, types or values do not agree.
  package static func inMemory(
    train: MemoryImages, test: MemoryImages?, range wanted: ValueRange?, rule: String? = nil
  ) throws(DataError) -> DataSource {
    try train.shape.checkChannelsComeLast(of: "train")
    let given = try rule.map { (text) throws(DataError) in try ValueRule(parsing: text) }
    if let test, test.shape != train.shape {
      throw DataError(
        .unusable, "test has images of \(test.shape), but train has images of \(train.shape)")
    }
    if let test, (test.element == .uint8) != (train.element == .uint8) {
      throw DataError(.unusable, "train and test are not both bytes, or both floating point")
    }
    let areBytes = train.element == .uint8
    let isBinary =
      given.map { $0 == .binary } ?? wanted.map { $0 == .binary }
      ?? (areBytes && train.largestByte <= 1)
    let divisor: Float = isBinary ? 1 : 255
    var (train, test) = (train, test)
    train.divisor = divisor
    test?.divisor = divisor
    let splits = [("train", train)] + (test.map { [("test", $0)] } ?? [])
    var found = ValueRange.binary
    for (name, images) in splits {
      let range = try images.valueRange(name: "images of \(name)")
      found = found.joined(with: range)
      guard wanted.map({ $0.holds(range) }) ?? (!areBytes || !isBinary || range == .binary) else {
        throw DataError(
          .unusable,
          "\(name) holds \(range.rawValue) values, but \(wanted?.rawValue ?? "binary") ones were "
            + "announced\(wanted == nil ? " by train" : "")")
      }
    }
    let range = wanted ?? found
    let unquantized =
      areBytes || range != .unit
      ? nil : splits.lazy.compactMap { $1.firstUnquantizedFloat(name: $0) }.first
    if given == .bytes, let unquantized {
      throw DataError(
        .unusable, "\(unquantized), which is no multiple of 1/255, but bytes were announced")
    }
    return DataSource(
      name: "memory",
      areBytes
        ? ValueReading(isBinary ? .binary : .bytes, range: range)
        : ValueReading(floatsIn: range, unquantizedValue: unquantized, wanted: given),
      train: DataSplit(name: "train", store: train),
      test: test.map { DataSplit(name: "test", store: $0) })
  }
}
