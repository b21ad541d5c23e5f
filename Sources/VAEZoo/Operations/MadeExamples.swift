import Tensors
import VAECore

/// What a model makes: images, or rows of a table.
public struct MadeExamples {
  /// As the model sees examples, `[N, height, width, channels]`.
  private let seen: Tensor
  private let columns: TableColumns?
  private let rounding: Bool
  /// The column of a table that has labels, with the label of each row: what the model was told of it. Nil where no
  /// column has any, or the model is told something else.
  public var labels: (column: String, words: [String])?

  /// - Parameters:
  ///   - seen: as the model sees examples.
  ///   - columns: of the table, where the model is one of a table.
  ///   - rounding: whether numbers get as many digits as those of the data.
  init(_ seen: Tensor, columns: TableColumns?, rounding: Bool) {
    (self.seen, self.columns, self.rounding) = (seen, columns, rounding)
  }

  /// As the data have them, in 32-bit floats: rows of a table in its own units, `[N, 1, columns, 1]`, and images
  /// as they are.
  public var tensor: Tensor { columns?.restored(seen, rounding: rounding) ?? seen }

  /// Rows of a table in its own units, one after the other, with all digits that their columns have; nil for images.
  public var rows: [Double]? { columns?.restoredRows(seen, rounding: rounding) }

  /// The same of a table whose columns have names; nil for vectors without, which are 32-bit floats as images are.
  public var namedRows: [Double]? { columns?.haveNames == true ? rows : nil }

  /// `[N, height, width, channels]` of `tensor`.
  public var shape: Shape {
    columns.map { [seen.shape[0], 1, $0.count, 1] } ?? seen.shape
  }
}
