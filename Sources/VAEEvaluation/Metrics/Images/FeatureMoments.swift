import Tensors

/// Mean and covariance of feature vectors, taken in batch by batch.
///
/// Products are added up in double precision around the mean of the first batch, so that features far from
/// zero lose nothing of their covariance.
public struct FeatureMoments: Sendable {
  /// How many vectors there were.
  public private(set) var count = 0
  private var center: [Double] = []
  private var sums: [Double] = []
  /// Σ (f − center)(f − center)ᵀ, row by row.
  private var products: [Double] = []

  /// The numbers that a vector may have: the covariance has their square, and its roots take their cube.
  public static let widthLimit = 2048

  /// None yet.
  public init() {}

  /// Whether vectors were left out because they have more numbers than `widthLimit`.
  public private(set) var isTooWide = false

  /// The numbers of a vector; none before the first one.
  public var width: Int { sums.count }

  /// Takes in vectors `[N, features]`, unless they are too wide.
  public mutating func add(_ vectors: Tensor) {
    let (rows, width) = (vectors.shape[0], vectors.shape[1])
    guard rows > 0 else { return }
    guard width <= Self.widthLimit else {
      isTooWide = true
      return
    }
    withoutTape {
      if count == 0 {
        center = vectors.mean(axis: 0).floats.map(Double.init)
        sums = [Double](repeating: 0, count: width)
        products = [Double](repeating: 0, count: width * width)
      }
      let centered = vectors - Tensor(center.map { Float($0) })
      // The centre as it was taken off.
      center = center.map { Double(Float($0)) }
      centered.withFloats { floats in
        for (index, value) in floats.enumerated() { sums[index % width] += Double(value) }
      }
      centered.transposed().matrixProduct(centered).withFloats { floats in
        for (index, value) in floats.enumerated() { products[index] += Double(value) }
      }
    }
    count += rows
  }

  /// The mean of all vectors.
  var mean: [Double] { zip(center, sums).map { $0 + $1 / Double(max(1, count)) } }

  /// Their covariance, with N − 1 in the denominator.
  var covariance: DoubleMatrix {
    let (number, width) = (Double(count), width)
    return DoubleMatrix(rows: width, columns: width) { row, column in
      (products[row * width + column] - sums[row] * sums[column] / number) / max(1, number - 1)
    }
  }
}

extension FeatureMoments {
  /// The Fréchet distance of Gaussians with the moments of two sets, squared as everywhere in the field:
  /// ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁½ Σ₂ Σ₁½)½) (Dowson & Landau 1982; Heusel et al. 2017).
  ///
  /// The trace of the root is the sum of the roots of the product's eigenvalues, all in double precision; those
  /// below zero by rounding count as zero.
  ///
  /// - Returns: nil where a set has fewer than two vectors, or something is not finite.
  public static func frechetDistance(_ a: FeatureMoments, _ b: FeatureMoments) -> Double? {
    guard a.count > 1, b.count > 1, a.width == b.width, a.width > 0 else { return nil }
    let (first, second) = (a.covariance, b.covariance)
    guard let root = first.squareRoot, let values = (root * second * root).eigenvalues else {
      return nil
    }
    let shift = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let traces = (0..<a.width).reduce(0) { $0 + first[$1, $1] + second[$1, $1] }
    let distance = shift + traces - 2 * values.reduce(0) { $0 + max(0, $1).squareRoot() }
    return distance.isFinite ? max(0, distance) : nil
  }
}
