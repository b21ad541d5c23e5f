import Tensors
import VAECore

/// Adds up how far values that were filled in are from the true ones, part by part.
struct ImputationErrorSum {
  private struct Column {
    var count = 0
    var sum = 0.0
    var sumOfMeans = 0.0
  }

  private let columns: TableColumns?
  /// One for each column of a table, and one for all values of images.
  private var sums: [Column]

  init(_ columns: TableColumns?) {
    self.columns = columns
    sums = Array(repeating: Column(), count: columns?.count ?? 1)
  }

  /// Takes in a value that was filled in, and the true one.
  ///
  /// - Parameter place: of the value in its row.
  mutating func add(_ value: Double, truth: Double, place: Int) {
    guard !truth.isNaN else { return }
    guard let columns else {
      let distance = value - truth
      sums[0].count += 1
      sums[0].sum += distance * distance
      return
    }
    let column = columns.columns[place]
    sums[place].count += 1
    guard column.isNumeric else {
      sums[place].sum += value.rounded() == truth ? 0 : 1
      return
    }
    func seen(_ value: Double) -> Double {
      (TableColumn.transformed(value, column.kind) - column.centre) / column.scale
    }
    let distance = seen(value) - seen(truth)
    // Of logarithms the centre is the mean; of log-normal numbers that have them, half a variance above it.
    let mean = column.kind == .real ? 0 : column.scale / 2
    sums[place].sum += distance * distance
    sums[place].sumOfMeans += (mean - seen(truth)) * (mean - seen(truth))
  }

  /// What was found; nil where nothing was taken in.
  var error: ImputationError? {
    var error = ImputationError()
    var (squares, squaresOfMeans, wrong) = (0.0, 0.0, 0.0)
    for (number, sum) in sums.enumerated() where sum.count > 0 {
      let column = columns?.columns[number]
      let mean = sum.sum / Double(sum.count)
      if column?.isNumeric ?? true {
        error.numberCount += sum.count
        squares += sum.sum
        squaresOfMeans += sum.sumOfMeans
      } else {
        error.categoryCount += sum.count
        wrong += sum.sum
      }
      if let column {
        error.columns.append(
          (name: column.name, error: column.isNumeric ? mean.squareRoot() : mean))
      }
    }
    if error.numberCount > 0 {
      error.rmse = (squares / Double(error.numberCount)).squareRoot()
      if columns != nil {
        error.rmseOfMeans = (squaresOfMeans / Double(error.numberCount)).squareRoot()
      }
    }
    if error.categoryCount > 0 { error.wrongShare = wrong / Double(error.categoryCount) }
    return error.numberCount + error.categoryCount > 0 ? error : nil
  }
}
