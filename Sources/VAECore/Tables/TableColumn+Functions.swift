import Glibc

extension TableColumn {
  static func logarithm(_ value: Double) -> Double { log(value) }

  /// e to a power, finite and above zero.
  static func exponential(_ power: Double) -> Double { exp(max(-80, min(80, power))) }
}
