extension DataSource {
  /// Opens data by what a user writes.
  ///
  /// - A built-in set: `shapes` (binary, 64x64), `shapes:32` (binary, 32x32) or `shapes-color`
  ///   (colour, 32x32). A file or folder of such a name is reached as `./shapes`.
  /// - A folder of IDX files, as MNIST comes: `train-images-idx3-ubyte`, and where there are such
  ///   `valid-images-idx3-ubyte`, `t10k-images-idx3-ubyte` or `test-images-idx3-ubyte`, and labels
  ///   `train-labels-idx1-ubyte` alike; `idx4` for colour; each as it is or with `.gz`.
  /// - One IDX or `.npy` file, which becomes the training split.
  /// - An `.npz` file with the array `train`, and where there are such `valid`, `test`,
  ///   `train_labels`, `valid_labels`, `test_labels`.
  ///
  /// Images are `[N, height, width]` or `[N, height, width, channels]`. Bytes are divided by 255,
  /// unless all bytes of the training split are 0 or 1: then the source is binary. Bytes stay bytes
  /// in memory. Floating-point numbers and booleans are taken as they are.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - rule: the `rule` of the source that a model was trained on. Bytes are then read by it
  ///     instead: `bytes/255` divides bytes of 0 and 1 too, `binary` refuses others.
  /// - Throws: `DataError`; of kind `missing` where the path, or the training images in a folder,
  ///   do not exist.
  public static func open(
    _ specification: String, rule: String? = nil
  ) throws(DataError) -> DataSource {
    let wanted = try rule.map { (text) throws(DataError) in try ValueRule(parsing: text) }
    if let set = ShapeSet(rawValue: specification) {
      return try set.source(rule: wanted)
    }
    switch InputFile.kind(of: specification) {
    case .folder:
      return try .idxFolder(specification, rule: wanted)
    case .file where specification.hasSuffix(".npy"):
      return try .npyFile(specification, rule: wanted)
    case .file where specification.hasSuffix(".npz"):
      return try .npzFile(specification, rule: wanted)
    case .file:
      return try .idxFile(specification, rule: wanted)
    case .missing where specification.contains("/"):
      throw DataError(.missing, "\(specification) does not exist")
    case .missing:
      let names = ShapeSet.allCases.map(\.rawValue).joined(separator: ", ")
      let subject = specification.isEmpty ? "an empty name" : specification
      throw DataError(
        .missing, "\(subject) is neither a path that exists nor a built-in set; those are \(names)")
    case .other(let reason):
      throw DataError(.unusable, "\(specification) \(reason)")
    }
  }
}

extension ValueRule {
  /// The rule that a recipe stores.
  init(parsing text: String) throws(DataError) {
    guard let rule = ValueRule(rawValue: text) else {
      let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DataError(
        .unusable,
        "\(DataError.quoting(text.utf8)) is no rule for reading values; there are \(names)")
    }
    self = rule
  }
}
