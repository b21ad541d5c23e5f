import Glibc
import VAECore

/// How many bits a code for images takes by the likelihood of a model.
struct CodeLength {
  /// Numbers an image.
  let dimensions: Int
  /// Bits that a number has beyond what its density says: 0 for probabilities, 8 for bytes that
  /// uniform numbers have spread over 0…1.
  let bitsBeyondDensity: Double

  /// The code for some examples; nil where the likelihood is a density over values that stand for
  /// themselves, since real numbers have no code of finite length.
  init?(of examples: Examples, isDiscrete: Bool) {
    switch (isDiscrete, examples.dequantization) {
    case (true, _): bitsBeyondDensity = 0
    // A byte is a cell of width 1/256, and −E log p((b + u) / 256) + log 256 is at least −log P(b),
    // P the integral of p over the cell (Theis et al. 2016, section 3.1, by Jensen's inequality).
    case (false, .uniform): bitsBeyondDensity = 8
    case (false, .none): return nil
    }
    dimensions = examples.split.shape.count
  }

  /// −log₂ p / D + bits beyond the density.
  ///
  /// - Parameter nats: −log p of an image in nats.
  func bitsPerDimension(of nats: Estimate) -> Estimate {
    nats.scaled(by: 1 / (Double(dimensions) * log(2))).shifted(by: bitsBeyondDensity)
  }
}
