import Glibc

/// log Σ e^w for each of several columns, taken in row by row with the largest term kept apart, so
/// that any number of terms needs the memory of one row.
package struct RunningLogSumExp {
  private var largest: [Double]
  private var sums: [Double]
  /// The number of rows so far.
  package private(set) var rows = 0

  package init(columns: Int) {
    largest = Array(repeating: -.infinity, count: columns)
    sums = Array(repeating: 0, count: columns)
  }

  /// Takes in `[rows, columns]` values.
  package mutating func add(_ values: UnsafeBufferPointer<Float>) {
    let columns = largest.count
    guard columns > 0 else { return }
    rows += values.count / columns
    for (position, value) in values.enumerated() {
      let column = position % columns
      let weight = Double(value)
      if weight <= largest[column] {
        sums[column] += exp(weight - largest[column])
      } else {
        sums[column] = sums[column] * exp(largest[column] - weight) + 1
        largest[column] = weight
      }
    }
  }

  /// log (Σ e^w / rows) for each column.
  package var logMeans: [Double] {
    zip(largest, sums).map { $0 + log($1) - log(Double(max(1, rows))) }
  }
}
