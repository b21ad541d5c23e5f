import VAECore

/// A mean with its standard error.
public struct Estimate: Equatable, Sendable {
  /// The mean.
  public let mean: Double
  /// The standard deviation of the mean: sample deviation / √count. One value has none.
  public let standardError: Double?

  /// A mean with its standard error.
  public init(mean: Double, standardError: Double?) {
    self.mean = mean
    self.standardError = standardError
  }

  /// The estimate from independent values.
  public init(of values: [Double]) {
    let count = Double(max(1, values.count))
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.init(
      mean: mean,
      standardError: values.count > 1 ? (squares / (count - 1) / count).squareRoot() : nil)
  }

  /// The estimate of a constant multiple.
  public func scaled(by factor: Double) -> Estimate {
    Estimate(mean: mean * factor, standardError: standardError.map { $0 * abs(factor) })
  }

  /// The estimate of what is a constant more.
  func shifted(by constant: Double) -> Estimate {
    Estimate(mean: mean + constant, standardError: standardError)
  }
}
