import Tensors

/// Precision, recall, density and coverage of one set of vectors against another, by balls around each vector
/// that reach to its k-th neighbour (Kynkäänniemi et al. 2019; Naeem et al. 2020).
///
/// A ball holds what lies nearer to its centre than the k-th neighbour of that within its own set, itself left
/// out. With data of the same law density is 1 and coverage 1 − 2⁻ᵏ, about.
public struct Neighborhoods: Sendable, Equatable {
  /// The share of samples that lie in a ball around some example.
  public let precision: Double
  /// The share of examples that lie in a ball around some sample.
  public let recall: Double
  /// In how many balls around examples a sample lies, over k.
  public let density: Double
  /// The share of balls around examples that a sample lies in.
  public let coverage: Double

  /// Compares two sets, `[N, features]` and `[M, features]`.
  ///
  /// - Returns: nil where one of them has no more than k vectors, or something is not finite.
  public init?(data: Tensor, samples: Tensor, neighbors k: Int) {
    guard k > 0, data.shape[0] > k, samples.shape[0] > k, data.isFinite, samples.isFinite else {
      return nil
    }
    let found = withoutTape {
      // Distances do not change with a shift, and lose least near zero.
      let center = data.mean(axis: 0)
      let (data, samples) = (Points(data - center), Points(samples - center))
      return (data: data, samples: samples, radii: (data.radii(k), samples.radii(k)))
    }
    let (count, drawn) = (found.data.count, found.samples.count)
    var inData = 0
    var inside = [Bool](repeating: false, count: drawn)
    var (recalled, covered) = (0, 0)
    found.data.forEachRow(against: found.samples) { row, distances in
      let radius = found.radii.0[row]
      var (isRecalled, isCovered) = (false, false)
      for (column, distance) in distances.enumerated() {
        if distance < radius {
          inData += 1
          inside[column] = true
          isCovered = true
        }
        if distance < found.radii.1[column] { isRecalled = true }
      }
      if isRecalled { recalled += 1 }
      if isCovered { covered += 1 }
    }
    precision = Double(inside.count { $0 }) / Double(drawn)
    recall = Double(recalled) / Double(count)
    density = Double(inData) / (Double(k) * Double(drawn))
    coverage = Double(covered) / Double(count)
  }
}

/// Vectors with their squared lengths.
private struct Points {
  let vectors: Tensor
  private let lengths: [Float]

  init(_ vectors: Tensor) {
    self.vectors = vectors
    lengths = vectors.squared().sum(axis: 1).floats
  }

  var count: Int { vectors.shape[0] }

  /// Calls a closure with each of these vectors' number and its squared distances from all others.
  func forEachRow(
    against others: Points, _ body: (Int, UnsafeBufferPointer<Float>) -> Void
  ) {
    let block = 256
    var distances = [Float](repeating: 0, count: others.count)
    for start in stride(from: 0, to: count, by: block) {
      let rows = start..<min(start + block, count)
      let products = withoutTape {
        vectors.rows(rows).matrixProduct(others.vectors, rightTransposed: true)
      }
      products.withFloats { products in
        for row in rows {
          let first = (row - start) * others.count
          for column in 0..<others.count {
            distances[column] = max(
              0, lengths[row] + others.lengths[column] - 2 * products[first + column])
          }
          distances.withUnsafeBufferPointer { body(row, $0) }
        }
      }
    }
  }

  /// The squared distance of each vector from its k-th neighbour among the others.
  func radii(_ k: Int) -> [Float] {
    var radii = [Float](repeating: 0, count: count)
    var nearest: [Float] = []
    forEachRow(against: self) { row, distances in
      nearest = [Float](repeating: .infinity, count: k)
      for (column, distance) in distances.enumerated()
      where column != row && distance < nearest[k - 1] {
        var place = k - 1
        while place > 0 && nearest[place - 1] > distance {
          nearest[place] = nearest[place - 1]
          place -= 1
        }
        nearest[place] = distance
      }
      radii[row] = nearest[k - 1]
    }
    return radii
  }
}
