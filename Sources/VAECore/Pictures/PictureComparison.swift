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
    structuralSimilarity(a, b, bandPixels: 1 << 20)
  }

  /// The same by bands of so many pixels: the index takes many times the memory of what it compares, and is a mean over
  /// windows, which bands that overlap by all rows of a window but one have each once.
  package static func structuralSimilarity(
    _ a: Tensor, _ b: Tensor, bandPixels: Int
  ) -> Double? {
    ensure(
      a.rank == 4 && a.shape == b.shape,
      "shapes \(a.shape) and \(b.shape) are not those of one size")
    let (height, width, channels) = (a.shape[1], a.shape[2], a.shape[3])
    guard a.shape[0] == 1, StructuralSimilarity.scales(height: height, width: width) > 0 else {
      return nil
    }
    return withoutTape {
      let similarity = StructuralSimilarity(scales: 1)
      let overlap = StructuralSimilarity.windowSize - 1
      let windows = height - overlap
      let band = max(1, bandPixels / (width * channels))
      var sum = 0.0
      for first in stride(from: 0, to: windows, by: band) {
        let own = min(band, windows - first)
        let rows = first..<first + own + overlap
        let mean = similarity(a.slice(axis: 1, rows), b.slice(axis: 1, rows)).item
        sum += Double(mean) * Double(own)
      }
      return sum / Double(windows)
    }
  }
}
