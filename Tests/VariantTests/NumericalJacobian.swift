import Foundation

/// Derivatives of a map of few numbers by differences.
enum NumericalJacobian {
  /// log|det| of the Jacobian of a map at a point.
  static func logDeterminant(of map: ([Float]) -> [Float], at point: [Float]) -> Double {
    let h: Float = 4e-3
    let units = point.count
    var jacobian = Array(repeating: [Double](repeating: 0, count: units), count: units)
    for column in 0..<units {
      // Four points: the error is of the fourth order.
      func moved(_ times: Float) -> [Float] {
        var moved = point
        moved[column] += times * h
        return map(moved)
      }
      let (a, b, c, d) = (moved(-2), moved(-1), moved(1), moved(2))
      for row in 0..<units {
        jacobian[row][column] = Double(a[row] - 8 * b[row] + 8 * c[row] - d[row]) / Double(12 * h)
      }
    }
    return logDeterminant(jacobian)
  }

  /// log|det| of a matrix by elimination with pivots.
  private static func logDeterminant(_ matrix: [[Double]]) -> Double {
    var rows = matrix
    var sum = 0.0
    for column in rows.indices {
      let pivot = (column..<rows.count).max { abs(rows[$0][column]) < abs(rows[$1][column]) }
      rows.swapAt(column, pivot ?? column)
      sum += log(abs(rows[column][column]))
      for row in column + 1..<rows.count {
        let factor = rows[row][column] / rows[column][column]
        for place in column..<rows.count { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return sum
  }
}
