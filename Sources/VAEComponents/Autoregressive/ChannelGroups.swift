import Tensors

/// The order of the channels inside a pixel: features are cut into as many groups of neighbours as
/// the pixel has channels, and a group sees only those before it, or itself as well.
///
/// One rule assigns every feature of every layer, from the input to the parameters, so that the
/// groups of two layers always agree; counts that groups do not divide are cut as evenly as can be.
/// With one group a pixel is seen whole or not at all.
public struct ChannelGroups: Hashable, Sendable {
  /// Which groups a group sees at its own pixel.
  public enum Sight: Sendable {
    /// Those before it (mask A of van den Oord et al. 2016a).
    case earlier
    /// Those before it and itself (mask B).
    case upToItself
  }

  /// The number of groups.
  public let count: Int

  /// A number of groups.
  public init(count: Int) {
    ensure(count > 0, "a pixel has at least one group of channels, not \(count)")
    self.count = count
  }

  /// The group of a feature among a number of features.
  public func group(of feature: Int, among features: Int) -> Int {
    feature * count / features
  }

  /// One where an output may see an input at its own pixel, else zero: `[inputs, outputs]`.
  ///
  /// - Parameters:
  ///   - inputs: their number, without the constants.
  ///   - outputs: their number, over all halves.
  ///   - sight: which groups an output sees.
  ///   - halves: into how many equal stretches the outputs are cut, each with all groups, as the
  ///     two halves of a gate.
  ///   - constants: inputs after the others that belong to no group; no output sees them here.
  public func mask(
    inputs: Int, outputs: Int, _ sight: Sight, halves: Int = 1, constants: Int = 0
  ) -> Tensor {
    let stretch = outputs / halves
    return Tensor([inputs + constants, outputs]) { mask in
      mask.update(repeating: 0)
      for input in 0..<inputs {
        let source = group(of: input, among: inputs)
        for output in 0..<outputs {
          let target = group(of: output % stretch, among: stretch)
          let isSeen = sight == .earlier ? source < target : source <= target
          if isSeen { mask[input * outputs + output] = 1 }
        }
      }
    }
  }
}
