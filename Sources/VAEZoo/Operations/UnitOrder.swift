/// How much each latent unit says, by which they are shown: of all units, the layer nearest to the data
/// first.
public enum UnitOrder: Sendable {
  /// By the rate of each unit in nats.
  case rates([Double])
  /// By the variance, over examples, of where the posterior lies in each unit: a posterior whose rate is no
  /// sum over units has no rate of each.
  case variances([Double])
  /// By their numbers: nothing is known of them.
  case numbers

  /// What is large for units that come first; empty where nothing is known.
  var weights: [Double] {
    switch self {
    case .rates(let values), .variances(let values): values
    case .numbers: []
    }
  }

  /// What a unit's label says of it; nil for nothing.
  func label(_ unit: Int) -> String? {
    switch self {
    case .rates(let values): "\(Self.short(values[unit])) nats"
    case .variances(let values): "variance \(Self.short(values[unit]))"
    case .numbers: nil
    }
  }

  /// Two decimals.
  private static func short(_ value: Double) -> String {
    let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}
