import VAECore

extension DataSource {
  /// A source of images in memory, which are drawn from where they are.
  ///
  /// - Parameters:
  ///   - train: the training split.
  ///   - test: the test split, nil for none.
  ///   - conditions: what is known of each example of `train` and `test` beside it.
  ///   - range: where all values must lie; nil for the narrowest range that holds those of `train`
  ///     and `test`.
  ///   - rule: how bytes are read; nil for the rule of files: bytes are taken as binary where all of
  ///     `train` are 0 or 1, and else divided by 255. Floats of rule `bytes/255` must be multiples
  ///     of 1/255; those of no rule have it where they are.
  /// - Throws: `DataError` where sizes, types or values do not agree.
  package static func inMemory(
    train: MemoryImages, test: MemoryImages?,
    conditions: (train: GivenConditions?, test: GivenConditions?) = (nil, nil),
    range wanted: ValueRange?, rule: String? = nil
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
    let scanned = [train.scanned(name: "train")] + (test.map { [$0.scanned(name: "test")] } ?? [])
    let reading = try ValueReading(of: scanned, wanted: given, announced: wanted)
    if let wanted, !wanted.holds(reading.range) {
      // The split that the announced range does not hold, which need not be the first.
      var outside = scanned[0]
      for values in scanned.reversed() {
        let range = try ValueReading(of: [values], wanted: reading.rule).range
        if !wanted.holds(range) { outside = values }
      }
      throw DataError(
        .unusable,
        "\(outside.name) holds \(reading.range.rawValue) values, but \(wanted.rawValue) ones were announced"
      )
    }
    if given == .bytes, let unquantized = reading.unquantizedValue {
      throw DataError(
        .unusable, "\(unquantized), which is no multiple of 1/255, but bytes were announced")
    }
    var (train, test) = (train, test)
    train.divisor = reading.rule.divisor
    test?.divisor = reading.rule.divisor
    return DataSource(
      name: "memory", reading,
      train: DataSplit(name: "train", store: train, given: conditions.train),
      test: test.map { DataSplit(name: "test", store: $0, given: conditions.test) })
  }
}
