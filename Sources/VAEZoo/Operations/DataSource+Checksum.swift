import Tensors
import VAEData

extension DataSource {
  /// What tells these training images from others of the same size and number: a hash of about a
  /// hundred of them, spread evenly, as sixteen hexadecimal digits.
  var checksum: String {
    let wanted = max(4, min(100, (1 << 22) / max(1, shape.count)))
    let count = min(wanted, train.count)
    var hash = Self.offset
    func add(_ value: UInt32) {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        hash = (hash ^ UInt64(value >> shift & 0xff)) &* Self.prime
      }
    }
    for size in [train.count, shape.height, shape.width, shape.channels] {
      add(UInt32(truncatingIfNeeded: size))
    }
    for number in 0..<count {
      let image = withoutTape { train.batch([number * train.count / count]) }
      for value in image.floats { add(value.bitPattern) }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Of FNV-1a with 64 bits (G. Fowler, L. C. Noll, K.-P. Vo, 1991).
  private static let offset: UInt64 = 0xcbf2_9ce4_8422_2325
  private static let prime: UInt64 = 0x100_0000_01b3
}
