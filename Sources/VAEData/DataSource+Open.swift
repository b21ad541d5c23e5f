import Messages

extension DataSource {
  /// Opens data by what a user writes.
  ///
  /// - A built-in set: `shapes` (binary, 64x64), `shapes:32` (binary, 32x32) or `shapes-color`
  ///   (colour, 32x32). A file or folder of such a name is reached as `./shapes`.
  /// - A folder of IDX files, as MNIST comes: `train-images-idx3-ubyte`, and where there are such
  ///   `valid-images-idx3-ubyte`, `t10k-images-idx3-ubyte` or `test-images-idx3-ubyte`, and labels
  ///   `train-labels-idx1-ubyte` alike; `idx4` for colour; each as it is or with `.gz`.
  ///   A folder in which torchvision keeps such files in `MNIST/raw` is read too.
  /// - A folder of CIFAR's binary files: `data_batch_1.bin` to `data_batch_5.bin` and
  ///   `test_batch.bin`, or `train.bin` and `test.bin`; or one such file, which becomes the training
  ///   split; each as it is or with `.gz`.
  /// - A folder of PNG and JPEG files, where `images` has a decoder for these. Folders in it named
  ///   `train`, `test` and `valid` or `val` are the splits; without `train`, a tenth of the images
  ///   that can be read is set apart as the test split, by a hash of their names. Folders below that
  ///   are classes.
  /// - One IDX or `.npy` file, which becomes the training split.
  /// - A table, `.csv` or `.tsv`, as it is or with `.gz`, with the names of its columns in the first line,
  ///   which becomes the training split. Of each column it is found out what its values are
  ///   (`TableColumn.Kind`); `table` can say so.
  /// - An `.npz` file with the array `train`, and where there are such `valid`, `test`,
  ///   `train_labels`, `valid_labels`, `test_labels`, or by other usual names such as `x_train`; what
  ///   a conditional model may be told beside them is in `train_attributes`, zeros and ones `[N, n]`,
  ///   or in `train_conditions`, numbers `[N, n]`, and so on.
  ///
  /// Images are `[N, height, width]` or `[N, height, width, channels]`, vectors `[N, width]`. Bytes
  /// are divided by 255, unless all bytes of the training split are 0 or 1: then the source is
  /// binary, as it is where all bytes are 0 or 255. Bytes stay bytes in memory. Floating-point
  /// numbers and booleans are taken as they are, and integers become floating-point numbers; vectors
  /// whose numbers are none of pixels, which lie on one grid of pixel levels between 0 and 1, are standardized column
  /// by column by the training split. An
  /// array that is not compressed and takes more than a quarter of the free memory stays in its
  /// file, of which each batch is read when it is drawn; see `DataSplit.checkExamples()`.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - rule: the `rule` of the source that a model was trained on. Bytes are then read by it
  ///     instead: `bytes/255` divides bytes of 0 and 1 too, `binary` and
  ///     `binary/255` refuse others.
  ///   - preparation: the `preparation` of the source that a model was trained on, which becomes of
  ///     images where `images` does not name another.
  ///   - images: how image files are decoded and what becomes of them; nil for a program that does
  ///     not decode any.
  ///   - table: what the columns of a table are.
  ///   - isCancelled: asked again and again while files are read, on the threads that read them;
  ///     true asks for a stop.
  /// - Throws: `DataError`; of kind `missing` where the path does not exist, of kind `cancelled`
  ///   after a stop.
  public static func open(
    _ specification: String, rule: String? = nil, preparation: String? = nil,
    images: ImageFolderOptions? = nil, table: TableOptions = TableOptions(),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(DataError) -> DataSource {
    try open(
      specification, rule: rule, preparation: preparation, images: images, table: table,
      isCancelled: isCancelled, largestArray: nil)
  }

  /// The same with the bytes in memory beyond which an array that is not compressed stays in its
  /// file; nil for what memory has room for.
  package static func open(
    _ specification: String, rule: String? = nil, preparation: String? = nil,
    images: ImageFolderOptions? = nil, table: TableOptions = TableOptions(),
    isCancelled: @escaping @Sendable () -> Bool = { false }, largestArray: Int?
  ) throws(DataError) -> DataSource {
    var opening = Opening(
      rule: try rule.map { (text) throws(DataError) in try ValueRule(parsing: text) },
      isCancelled: isCancelled)
    if let largestArray { opening.largestArray = largestArray }
    opening.table = table
    // Whether an array is a table its sizes say.
    if !TableFile.isTable(specification),
      ![".npy", ".npz"].contains(where: specification.hasSuffix)
    {
      try table.refuse(for: specification)
    }
    let recorded = try preparation.map { (text) throws(DataError) in
      try ImagePreparation(parsing: text)
    }
    let kind = InputFile.kind(of: specification)
    if ShapeSet(rawValue: specification) == nil {
      let preparation = images?.preparation ?? recorded ?? ImagePreparation()
      switch kind {
      case .folder where CIFARFiles.isThere(specification):
        try refuseCache(images, for: specification)
        return try CIFARFiles.source(specification, preparation, opening.ofPictures)
      case .file where specification.hasSuffix(".bin") || specification.hasSuffix(".bin.gz"):
        try refuseCache(images, for: specification)
        return try CIFARFiles.file(specification, preparation, opening.ofPictures)
      case .folder:
        if let source = try idxFolder(specification, opening) {
          try refuseOptions(images, for: specification)
          return source
        }
        return try imageFolder(specification, images, preparation, opening.ofPictures)
      default: break
      }
    }
    // What does not exist is neither a folder of images nor anything else.
    if case .missing = kind, ShapeSet(rawValue: specification) == nil, !specification.isEmpty,
      images?.preparation != nil || images?.cache != nil
    {
      throw DataError(.missing, "\(specification) does not exist")
    }
    try refuseOptions(images, for: specification)
    return try open(specification, kind, opening)
  }

  /// Whether what a user writes is the name of a built-in set and no path.
  public static func isBuiltIn(_ specification: String) -> Bool {
    ShapeSet(rawValue: specification) != nil
  }

  /// Opens what holds no pictures.
  private static func open(
    _ specification: String, _ kind: InputFile.Kind, _ opening: Opening
  ) throws(DataError) -> DataSource {
    if let set = ShapeSet(rawValue: specification) {
      return try set.source(rule: opening.rule)
    }
    switch kind {
    case .file where specification.hasSuffix(".npy"):
      return try .npyFile(specification, opening)
    case .file where specification.hasSuffix(".npz"):
      return try .npzFile(specification, opening)
    case .file where TableFile.isTable(specification):
      return try .tableFile(specification, opening)
    case .file:
      try ForeignFormat.refuse(specification, opening)
      return try .idxFile(specification, opening)
    case .folder:
      throw DataError(.unusable, "\(specification) is a folder, where a file was expected")
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

extension DataSource {
  private static func refuseOptions(
    _ images: ImageFolderOptions?, for specification: String
  ) throws(DataError) {
    guard images?.preparation == nil else {
      throw DataError(
        .unusable,
        "\(.imageSize()), \(.imageCrop) and \(.greyImages) are for folders of images and CIFAR files, and "
          + "\(specification) is neither; leave them out")
    }
    try refuseCache(images, for: specification)
  }

  private static func refuseCache(
    _ images: ImageFolderOptions?, for specification: String
  ) throws(DataError) {
    guard images?.cache == nil else {
      throw DataError(
        .unusable,
        "\(.imageCache) is for folders of images, and \(specification) is none; leave it out")
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
        "\(PlainText.quoted(text)) is no rule for reading values; there are \(names)")
    }
    self = rule
  }
}
