/// What connects ranks, as far as a prediction knows it.
public struct Network: Equatable, Sendable {
  /// The bytes that a rank can send, and receive at the same time, in a second.
  public let bytesPerSecond: Double
  /// The seconds that a message takes however short it is.
  public let latencySeconds: Double

  /// The latency where nobody has said another: about that of TCP over Ethernet.
  public static let usualLatency = "50us"

  /// A network by its speed and latency as people write them.
  ///
  /// - Parameters:
  ///   - speed: bits or bytes a second, such as `10Gb`, `10Gbit/s` or `1.25GB/s`.
  ///   - latency: such as `50us` or `0.05ms`.
  /// - Throws: `NetworkError`.
  public init(speed: String, latency: String = usualLatency) throws(NetworkError) {
    let bytes = Self.value(of: speed, Self.bytes)
    guard let bytes, (1...1e15).contains(bytes) else {
      throw NetworkError(
        description: "\(speed) is no speed of a network: give bits (b) or bytes (B) a second with "
          + "k, M, G or T, such as 10Gb (the same as 10Gb/s, 10Gbit/s and 10Gbps) or 1.25GB/s")
    }
    let time = Self.value(of: latency) { Self.seconds[$0] }
    guard let time, time <= 10 else {
      throw NetworkError(
        description: "\(latency) is no latency of a network: give a time of up to 10 seconds with "
          + "s, ms, us or ns, such as 50us")
    }
    (bytesPerSecond, latencySeconds) = (bytes, time)
  }

  /// A number with the unit after it, in the unit that factors are of.
  private static func value(of text: String, _ factor: (String) -> Double?) -> Double? {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
    guard let number = Double(digits), number.isFinite,
      let factor = factor(String(text.dropFirst(digits.count)))
    else { return nil }
    return number * factor
  }

  private static let seconds = ["s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9]

  private static func bytes(ofUnit unit: String) -> Double? {
    var name = Substring(unit)
    for ending in ["/s", "ps"] where name.hasSuffix(ending) && name.count == unit.count {
      name = name.dropLast(ending.count)
    }
    let prefixes: [Character: Double] = ["k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
    var factor = 1.0
    if let first = name.first, let prefix = prefixes[first] {
      factor = prefix
      name = name.dropFirst()
    }
    switch name {
    case "b", "bit": return factor / 8
    case "B": return factor
    default: return nil
    }
  }

  /// The seconds of an update's exchanges: the bytes that a rank sends by the speed, and ⌈log₂ n⌉ messages of each
  /// call, in which libraries let the word of each of n ranks reach all.
  public func seconds(for traffic: Traffic, ranks: Int) -> Double {
    let rounds = Int.bitWidth - (max(1, ranks) - 1).leadingZeroBitCount
    return Double(traffic.bytes) / bytesPerSecond
      + Double(traffic.calls) * Double(rounds) * latencySeconds
  }
}

/// A speed or a latency that is none.
public struct NetworkError: Error, CustomStringConvertible, Sendable {
  /// What it is, and what one looks like.
  public let description: String
}
