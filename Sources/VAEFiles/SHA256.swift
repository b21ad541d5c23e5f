import Glibc
import Messages

/// SHA-256, piece by piece (NIST, FIPS 180-4, "Secure Hash Standard", section 6.2).
///
/// It tells one file from another, such as a plug-in from the one that a model was trained with.
public struct SHA256: Sendable {
  /// The eight words that a block has left behind, at first the fractional parts of the square roots
  /// of the first eight primes.
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  /// What does not fill a block yet.
  private var rest: [UInt8] = []
  /// All bytes so far.
  private var byteCount: UInt64 = 0

  private static let blockSize = 64

  /// The hash of nothing yet.
  public init() {}

  /// Takes further bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount &+= UInt64(bytes.count)
    var start = 0
    if !rest.isEmpty {
      start = min(Self.blockSize - rest.count, bytes.count)
      rest += bytes[..<start]
      guard rest.count == Self.blockSize else { return }
      let block = rest
      rest = []
      block.withUnsafeBytes { take($0) }
    }
    let whole = (bytes.count - start) / Self.blockSize * Self.blockSize
    if whole > 0 { take(UnsafeRawBufferPointer(rebasing: bytes[start..<start + whole])) }
    rest += bytes[(start + whole)...]
  }

  /// The 32 bytes of the hash of all that was taken.
  public func finished() -> [UInt8] {
    var last = self
    let zeros = (2 * Self.blockSize - 1 - 8 - rest.count) % Self.blockSize
    var padding: [UInt8] = [0x80] + [UInt8](repeating: 0, count: zeros)
    withUnsafeBytes(of: (byteCount &* 8).bigEndian) { padding += $0 }
    padding.withUnsafeBytes { last.update($0) }
    return last.state.flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
  }

  /// Takes blocks of 64 bytes.
  private mutating func take(_ blocks: UnsafeRawBufferPointer) {
    Self.constants.withUnsafeBufferPointer { constants in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
        state.withUnsafeMutableBufferPointer { state in
          for start in stride(from: 0, to: blocks.count, by: Self.blockSize) {
            for index in 0..<16 {
              words[index] = UInt32(
                bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self))
            }
            for index in 16..<64 {
              let (early, late) = (words[index - 15], words[index - 2])
              let small = Self.turned(early, 7) ^ Self.turned(early, 18) ^ early >> 3
              let large = Self.turned(late, 17) ^ Self.turned(late, 19) ^ late >> 10
              words[index] = words[index - 16] &+ small &+ words[index - 7] &+ large
            }
            Self.mix(state, words, constants)
          }
        }
      }
    }
  }

  /// The 64 rounds of a block.
  @inline(__always)
  private static func mix(
    _ state: UnsafeMutableBufferPointer<UInt32>, _ words: UnsafeMutableBufferPointer<UInt32>,
    _ constants: UnsafeBufferPointer<UInt32>
  ) {
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for index in 0..<64 {
      let large = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
      let first = h &+ large &+ (e & f ^ ~e & g) &+ constants[index] &+ words[index]
      let small = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
      let second = small &+ (a & b ^ a & c ^ b & c)
      (h, g, f, e) = (g, f, e, d &+ first)
      (d, c, b, a) = (c, b, a, first &+ second)
    }
    for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
  }

  /// A word turned right by some bits.
  @inline(__always)
  private static func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 {
    word >> bits | word << (32 - bits)
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}

extension SHA256 {
  /// The 32 bytes of the hash of some bytes.
  public static func hash(of bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finished()
  }

  /// The 32 bytes of the hash of a file, which is read a piece at a time.
  ///
  /// - Throws: `FileError` where it cannot be read, or is a pipe or device, which has no end or no second reading.
  public static func hash(ofFile path: String) throws(FileError) -> [UInt8] {
    let (descriptor, status) = try DurableFiles.openForReading(path)
    defer { close(descriptor) }
    guard DurableFiles.Kind(status) != .other else {
      throw FileError(.malformed, "read", path, "it is not a file")
    }
    var hash = SHA256()
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { return hash.finished() }
      if count > 0 {
        piece.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      } else if errno != EINTR {
        throw FileError(reading: path)
      }
    }
  }

  /// A hash as 64 hexadecimal digits.
  public static func text(_ hash: [UInt8]) -> String {
    hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
