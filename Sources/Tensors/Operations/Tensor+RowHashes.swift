extension Tensor {
  /// A number for each row of the leading axis that follows from the row's values alone: equal rows
  /// have equal numbers wherever they stand, and different ones different numbers but for chance.
  ///
  /// Zeros of both signs are equal, and so are all NaN.
  public var rowHashes: [UInt64] {
    let columns = shape.removingFirst.count
    return withFloats { values in
      (0..<shape[0]).map { row in
        var hash = RandomSource.mixed(UInt64(columns))
        for value in values[row * columns..<(row + 1) * columns] {
          let bits = value == 0 ? 0 : value.isNaN ? Float.nan.bitPattern : value.bitPattern
          hash = RandomSource.mixed(hash ^ UInt64(bits))
        }
        return hash
      }
    }
  }
}
