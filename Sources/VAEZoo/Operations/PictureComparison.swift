import Glibc
import Tensors

/// How near a picture is to another one: both `[1, height, width, channels]` of values between 0 and 1.
public enum PictureComparison {
  /// The peak signal-to-noise ratio in decibels, −10 log₁₀ of the mean squared error; infinite where they
  /// are equal.
  public static func peakSignalToNoise(_ a: Tensor, _ b: Tensor) -> Double {
    let squares = withoutTape { (a - b).doubleSumOfSquares }
    return 10 * log10(Double(a.count) / squares)
  }

  /// The index of structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004), at most 1, which is
  /// equality: the mean over channels and all windows of 11×11 pixels that lie inside, with weights of a
  /// Gaussian of deviation 1.5, C₁ = 0.01², C₂ = 0.03². Nil where a side has fewer than 11 pixels.
  public static func structuralSimilarity(_ a: Tensor, _ b: Tensor) -> Double? {
    precondition(
      a.rank == 4 && a.shape == b.shape,
      "shapes \(a.shape) and \(b.shape) are not those of one size")
    let (height, width, channels) = (a.shape[1], a.shape[2], a.shape[3])
    guard a.shape[0] == 1, height >= window.count, width >= window.count else { return nil }
    var sum = 0.0
    for channel in 0..<channels {
      func plane(_ tensor: Tensor) -> [Double] {
        tensor.withFloats { values in
          stride(from: channel, to: values.count, by: channels).map { Double(values[$0]) }
        }
      }
      let (x, y) = (plane(a), plane(b))
      func smoothed(_ values: [Double]) -> [Double] {
        Self.smoothed(values, height: height, width: width)
      }
      let (meanX, meanY) = (smoothed(x), smoothed(y))
      let squareX = smoothed(x.map { $0 * $0 })
      let squareY = smoothed(y.map { $0 * $0 })
      let product = smoothed(zip(x, y).map { $0 * $1 })
      var similarity = 0.0
      for place in meanX.indices {
        let (mx, my) = (meanX[place], meanY[place])
        let (vx, vy) = (squareX[place] - mx * mx, squareY[place] - my * my)
        let covariance = product[place] - mx * my
        let means = (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)
        similarity += means * (2 * covariance + 9e-4) / (vx + vy + 9e-4)
      }
      sum += similarity / Double(meanX.count)
    }
    return sum / Double(channels)
  }

  /// The weights of a window along one axis.
  private static let window: [Double] = {
    let weights = (-5...5).map { (place: Int) -> Double in exp(-Double(place * place) / 4.5) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }()

  /// Weighted means of all windows inside, along both axes.
  private static func smoothed(_ values: [Double], height: Int, width: Int) -> [Double] {
    let (rows, columns) = (height - window.count + 1, width - window.count + 1)
    var across = [Double](repeating: 0, count: height * columns)
    for row in 0..<height {
      for (offset, weight) in window.enumerated() {
        for column in 0..<columns {
          across[row * columns + column] += weight * values[row * width + column + offset]
        }
      }
    }
    var both = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for (offset, weight) in window.enumerated() {
        for column in 0..<columns {
          both[row * columns + column] += weight * across[(row + offset) * columns + column]
        }
      }
    }
    return both
  }
}
