/// The source of all random numbers of a run: a seed, from which named streams come.
///
/// Numbers are a function of the seed, the stream's name, the step, the draw and the example's
/// number (counter-based, Philox 4x32-10, Salmon et al. 2011): they depend neither on threads
/// nor on what else was drawn, so that a part that draws more numbers does not shift another's.
///
/// ```swift
/// let source = RandomSource(seed: 1)
/// let weights = source.child("encoder").stream("weights").normal([784, 400])
/// // Noise [3, 20] for the examples 7, 8 and 9 at step 100: the same numbers in whichever batch they are.
/// let noise = source.stream("posterior", step: 100).normal([7, 8, 9], shape: [20])
/// ```
public struct RandomSource: Hashable, Sendable {
  /// The seed of the run.
  public let seed: UInt64

  /// A source from a seed.
  public init(seed: UInt64) {
    self.seed = seed
  }

  /// A source for a part of what this source serves, such as one layer of a network.
  public func child(_ name: String) -> RandomSource {
    RandomSource(seed: Self.key(seed, name))
  }

  /// The stream of a part, for one step of a run.
  public func stream(_ name: String, step: Int = 0) -> RandomStream {
    RandomStream(key: Self.mixed(Self.key(seed, name) ^ UInt64(bitPattern: Int64(step))))
  }

  /// A seed and a name (by FNV-1a) as one number.
  private static func key(_ seed: UInt64, _ name: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return mixed(mixed(seed) ^ hash)
  }

  /// A bijective scrambling of 64 bits (the finaliser of SplitMix64, Steele et al. 2014).
  static func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }
}

/// One stream of random numbers, addressed by example and draw: the same address gives the same
/// number however often and in whichever order it is asked for.
public struct RandomStream: Hashable, Sendable {
  let key: UInt64

  /// Standard normal numbers `[positions.count] + shape`; row `r` belongs to the example with
  /// the number `positions[r]`.
  public func normal(_ positions: [UInt64], shape: Shape, draw: Int = 0) -> Tensor {
    Kernels.normal(
      key: key, draw: UInt32(truncatingIfNeeded: draw), positions: positions, columns: shape.count,
      shape: Shape([positions.count] + shape.dimensions))
  }

  /// Uniform numbers in (0, 1), of shape `[positions.count] + shape`.
  public func uniform(_ positions: [UInt64], shape: Shape, draw: Int = 0) -> Tensor {
    Kernels.uniform(
      key: key, draw: UInt32(truncatingIfNeeded: draw), positions: positions, columns: shape.count,
      shape: Shape([positions.count] + shape.dimensions))
  }

  /// Standard normal numbers that belong to no example, such as initial weights.
  public func normal(_ shape: Shape) -> Tensor {
    normal([0], shape: shape).reshaped(to: shape)
  }

  /// Uniform numbers in (0, 1) that belong to no example.
  public func uniform(_ shape: Shape) -> Tensor {
    uniform([0], shape: shape).reshaped(to: shape)
  }

  /// A generator of single numbers, for shuffling and the like.
  public func generator() -> CounterGenerator {
    CounterGenerator(key: key)
  }
}

/// Successive numbers of a stream for Swift's own random functions.
public struct CounterGenerator: RandomNumberGenerator, Sendable {
  private let key: UInt64
  private var block: UInt64 = 0
  private var words: [UInt32] = []

  init(key: UInt64) {
    self.key = key
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    if words.isEmpty {
      words = Kernels.philox(
        counter: (
          UInt32(truncatingIfNeeded: block), 0xffff_ffff, UInt32(truncatingIfNeeded: block >> 32), 0
        ),
        key: key)
      block &+= 1
    }
    let low = words.removeLast()
    let high = words.removeLast()
    return UInt64(high) << 32 | UInt64(low)
  }
}
