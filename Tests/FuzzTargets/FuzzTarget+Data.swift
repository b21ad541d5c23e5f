import VAEData

extension FuzzTarget {
  /// Data files, by the endings that tell their formats.
  static let dataFiles = [
    data("idx", "images-idx3-ubyte"), data("idx-gz", "images-idx3-ubyte.gz"),
    data("npy", "images.npy"),
    data("npz", "images.npz"), data("csv", "table.csv"),
    data("cifar", "data_batch_1.bin", longest: 7000),
  ]

  private static func data(_ name: String, _ file: String, longest: Int = 4096) -> FuzzTarget {
    FuzzTarget(name, longest: longest) { bytes in
      let source = try DataSource.open(ScratchFolder.shared.write(bytes, file))
      for split in [source.train, source.validation, source.test].compactMap({ $0 }) {
        check(split.count > 0 && split.shape.count > 0, "a split of nothing")
        check(split.labels.map { $0.count == split.count } ?? true, "labels for other images")
        read(split, isWhole: source.missingValue == nil)
      }
    }
  }

  /// The first and last image, each value of which must be a finite number, or NaN where the source says
  /// that values are missing.
  private static func read(_ split: DataSplit, isWhole: Bool) {
    let values = [Float](unsafeUninitializedCapacity: 2 * split.shape.count) { buffer, count in
      buffer.initialize(repeating: .nan)
      split.store.write([0, split.count - 1], into: buffer)
      count = buffer.count
    }
    check(
      values.allSatisfy { $0.isFinite || !isWhole && $0.isNaN }, "a value that is no finite number")
  }
}
