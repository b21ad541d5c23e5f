import Glibc
import Messages
import VAERecipes

/// A range that values of a setting are drawn from.
public struct SweepRange: Equatable, Sendable {
  /// The ends, which may be drawn themselves.
  public let bounds: ClosedRange<Double>
  /// Whether logarithms are drawn evenly, and not the numbers.
  public let isLogarithmic: Bool
  /// Whether only whole numbers are drawn.
  public let isWhole: Bool

  /// Reads `1e-4..1e-2`, or `log:1e-4..1e-2` for even logarithms; whole numbers on both sides stand for whole
  /// numbers between. Nil for a text without two dots and a number beside them, such as a path, which is no range.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  init?(parsing text: String) throws(RecipeError) {
    guard let dots = text.place(of: "..") else { return nil }
    isLogarithmic = text.hasPrefix("log:")
    let start = isLogarithmic ? text.index(text.startIndex, offsetBy: 4) : text.startIndex
    let first = String(text[start..<max(start, dots.lowerBound)])
    let second = String(text[dots.upperBound...])
    guard isLogarithmic || Double(first) != nil || Double(second) != nil else { return nil }
    guard let low = Double(first), let high = Double(second), low.isFinite, high.isFinite,
      low < high, !isLogarithmic || low > 0
    else {
      throw RecipeError(
        .invalid,
        "\(PlainText.quoted(text)) is no range: write the smaller number first, as in 0.5..4, or log:1e-4..1e-2 of positive ones"
      )
    }
    bounds = low...high
    isWhole = Int(first) != nil && Int(second) != nil
  }

  /// A value with four digits.
  func value(using generator: inout some RandomNumberGenerator) -> String {
    let share = Double.random(in: 0...1, using: &generator)
    let (low, high) = (bounds.lowerBound, bounds.upperBound)
    if isWhole {
      // Every number has as much of the range as the others.
      let drawn = Self.between(low, high + 1, share, isLogarithmic)
      return "\(Int(min(high, drawn.rounded(.down))))"
    }
    let drawn = Self.between(low, high, share, isLogarithmic)
    // As a Float, of which nobody sees that a tenth is no number of a computer's.
    let unit = pow(10, log10(max(abs(drawn), 1e-300)).rounded(.down) - 3)
    return "\(Float(min(high, max(low, (drawn / unit).rounded() * unit))))"
  }

  private static func between(
    _ low: Double, _ high: Double, _ share: Double, _ isLogarithmic: Bool
  ) -> Double {
    isLogarithmic ? exp(log(low) + share * (log(high) - log(low))) : low + share * (high - low)
  }
}
