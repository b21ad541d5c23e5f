import Messages
import Tensors

/// Examples of which what was missing has been filled in.
public struct Imputation {
  /// All values in the data's own units, `[N, height, width, channels]`, of a table `[N, 1, columns, 1]`: those that were
  /// known as they were.
  public let values: Tensor
  /// The same rows of a table one after the other, with all digits that their columns have; nil of images.
  public let rows: [Double]?
  private let haveNames: Bool

  /// The same of a table whose columns have names; nil for vectors without, which are 32-bit floats as images are.
  public var namedRows: [Double]? { haveNames ? rows : nil }

  /// The same of a table whose columns have names, and of vectors some of whose known values have more digits than
  /// 32-bit floats; nil of others.
  public var exactRows: [Double]? {
    guard let rows, !haveNames else { return rows }
    let missing = missing.floats
    let isEnough = rows.indices.allSatisfy {
      missing[$0] != 0 || rows[$0].isNaN || Double(Float(rows[$0])) == rows[$0]
    }
    return isEnough ? nil : rows
  }

  /// Ones for what was filled in, else zeros, of the same shape.
  public let missing: Tensor
  /// How many values were filled in.
  public let missingCount: Int
  /// In how many examples.
  public let tornCount: Int
  /// By how many draws of equal weight an example is served as well as by its weighted ones, on average; nil
  /// where nothing was missing.
  public internal(set) var effectiveDraws: Double?
  /// How far what was filled in is from the truth, where that is known.
  public internal(set) var error: ImputationError?
  /// What the user should know, a sentence each.
  public internal(set) var notices: [Message] = []

  /// The values as a matrix, `[N, values of an example]`.
  public var flatRows: Tensor {
    values.reshaped(to: [values.shape[0], values.shape.removingFirst.count])
  }

  init(
    values: Tensor, rows: [Double]?, haveNames: Bool, missing: Tensor, missingCount: Int,
    tornCount: Int
  ) {
    (self.values, self.rows, self.haveNames, self.missing) = (values, rows, haveNames, missing)
    (self.missingCount, self.tornCount) = (missingCount, tornCount)
  }
}

/// How far values that were filled in are from the true ones.
public struct ImputationError: Sendable {
  /// The numbers among them.
  public internal(set) var numberCount = 0
  /// The root of the mean squared error of numbers: of a table in standard deviations of its columns in training as the
  /// model sees these, so that of positive columns and counts it is one of logarithms, which a few huge numbers do not
  /// decide; of images as their values are. Nil without numbers.
  public internal(set) var rmse: Double?
  /// The same where every column's mean in training is filled in, which asks no model: the mean of numbers that are no
  /// points of gathered mass, and of positive columns and counts the mean of log-normal numbers with the mean and the
  /// deviation of their logarithms. Nil of images.
  public internal(set) var rmseOfMeans: Double?
  /// The categories, and the values that are yes or no, among them.
  public internal(set) var categoryCount = 0
  /// The share of these that is wrong; nil without such.
  public internal(set) var wrongShare: Double?
  /// The error of each column that has some, by its name: of numbers the root of the mean squared error, of
  /// categories the share that is wrong. Empty of images.
  public internal(set) var columns: [(name: String, error: Double)] = []
}
