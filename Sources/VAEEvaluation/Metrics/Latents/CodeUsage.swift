import Glibc
import Tensors
import VAECore

/// How often each code of a codebook stands for something.
public struct CodeUsage: Equatable, Sendable {
  /// Times that each code was seen.
  public private(set) var counts: [Int]
  /// Codes seen in all.
  public private(set) var total = 0

  /// Nothing seen yet of a number of different codes.
  public init(codeCount: Int) {
    counts = Array(repeating: 0, count: codeCount)
  }

  /// What was counted elsewhere.
  public init(counts: [Int]) {
    self.counts = counts
    total = counts.reduce(0, +)
  }

  /// Nothing seen yet of a model's codes; nil where its latents are none.
  package init?(_ latents: LatentSpace) {
    guard let grid = latents.codes else { return nil }
    self.init(codeCount: grid.codeCount)
  }

  /// Takes in code numbers, an index tensor; numbers that no code has are left out.
  public mutating func add(_ codes: Tensor) {
    for number in codes.indices where counts.indices.contains(Int(number)) {
      counts[Int(number)] += 1
      total += 1
    }
  }

  /// Takes in the codes of a batch.
  package mutating func add(_ evaluation: Evaluation) {
    for codes in Self.codes(of: evaluation) { add(codes) }
  }

  /// The codes of a batch, an index tensor for each layer that has any.
  static func codes(of evaluation: Evaluation) -> [Tensor] {
    evaluation.draw.layers.compactMap(\.codes)
  }

  /// e^H of the distribution of codes, H = −Σ p log p: as many codes as would be in use if all in
  /// use were equally frequent. One where nothing was seen.
  public var perplexity: Double {
    guard total > 0 else { return 1 }
    let entropy = counts.reduce(0.0) { sum, count in
      guard count > 0 else { return sum }
      let share = Double(count) / Double(total)
      return sum - share * log(share)
    }
    return exp(entropy)
  }

  /// Codes seen at least once.
  public var used: Int { counts.count { $0 > 0 } }

  /// The share of all codes that was seen at least once.
  public var share: Double { Double(used) / Double(max(1, counts.count)) }

  /// Whether next to none of the codes that could have been seen was.
  package var isCollapsed: Bool {
    let possible = min(counts.count, total)
    return possible > 1 && (used == 1 || Double(used) < 0.1 * Double(possible))
  }

  /// Perplexity and usage by the names in records.
  package var terms: [(name: String, value: Double)] {
    [(name: "codebook_perplexity", value: perplexity), (name: "codebook_usage", value: share)]
  }
}
