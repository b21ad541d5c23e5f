/// The cyclic redundancy check of Castagnoli's polynomial (RFC 3720, appendix B.4).
package enum CRC32C {
  /// The reflected polynomial's remainder for each byte.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { bits, _ in bits & 1 == 1 ? bits >> 1 ^ 0x82f6_3b78 : bits >> 1 }
  }

  /// The check of some bytes.
  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }

  /// As TensorFlow's record files store it: rotated and offset, so that a check over bytes that hold
  /// checks stays of use.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let check = checksum(bytes)
    return (check >> 15 | check << 17) &+ 0xa282_ead8
  }
}
