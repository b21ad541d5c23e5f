import Glibc
import Tensors

/// How near a picture is to another one: both `[1, height, width, channels]` of values between 0 and 1.
public enum PictureComparison {
  /// The peak signal-to-noise ratio in decibels, −10 log₁₀ of the mean squared error; infinite where they
  /// are equal.
  public static func peakSignalToNoise(_ a: Tensor, _ b: Tensor) -> Double {
    let squares = withoutTape { (a - b).doubleSumOfSquares }
    return decibels(ofMeanSquare: squares / Double(a.count))
  }

  /// −10 log₁₀ of a mean squared error.
  package static func decibels(ofMeanSquare square: Double) -> Double { -10 * log10(square) }

  /// The index of structural similarity on one scale, see ``StructuralSimilarity``. Nil where a side has fewer than
  /// 11 pixels.
  public static func structuralSimilarity(_ a: Tensor, _ b: Tensor) -> Double? {
    precondition(
      a.rank == 4 && a.shape == b.shape,
      "shapes \(a.shape) and \(b.shape) are not those of one size")
    let (height, width, channels) = (a.shape[1], a.shape[2], a.shape[3])
    guard a.shape[0] == 1, StructuralSimilarity.scales(height: height, width: width) > 0 else {
      return nil
    }
    return withoutTape {
      let similarity = StructuralSimilarity(scales: 1)
      // A channel at a time: large pictures take several times their memory.
      let sum = (0..<channels).reduce(0.0) { sum, channel in
        func plane(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 3, channel..<channel + 1) }
        return sum + Double(similarity(plane(a), plane(b)).item)
      }
      return sum / Double(channels)
    }
  }
}
