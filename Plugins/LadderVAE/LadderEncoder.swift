import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The deterministic bottom-up path of a ladder: dᵢ = blockᵢ(dᵢ₋₁), d₀ = x, and a message
/// (μ̂ᵢ, log σ̂ᵢ²) = headᵢ(dᵢ) at each level (Sønderby et al. 2016).
public final class LadderEncoder: Encoder {
  /// What a level hands to the one above it.
  public enum Handover: String, SettingChoice {
    /// Its features dᵢ, as in the paper.
    case features
    /// The mean of its message alone, as the authors' code does by default.
    case mean
  }

  private let blocks: [any Layer]
  private let heads: [any Layer]
  private let handover: Handover
  private let flattensInput: Bool

  /// An encoder of the given layers, the ones nearest to the data first.
  ///
  /// - Parameters:
  ///   - blocks: from the level below, or the data, to the level's features.
  ///   - heads: from the features to means and log-variances, joined along the last axis.
  ///   - handover: what a level hands to the one above it.
  ///   - flattensInput: whether the first block takes `[N, elements]` rather than images.
  public init(
    blocks: [any Layer], heads: [any Layer], handover: Handover = .features, flattensInput: Bool
  ) {
    ensure(
      blocks.count == heads.count && !blocks.isEmpty,
      "a ladder has one block and one head a level, not \(blocks.count) and \(heads.count)")
    self.blocks = blocks
    self.heads = heads
    self.handover = handover
    self.flattensInput = flattensInput
  }

  /// Blocks and heads by level.
  public var members: Members {
    [
      "blocks": .module(Sequential(blocks)), "heads": .module(Sequential(heads)),
    ]
  }

  /// The numbers of all messages.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var features: Shape? = flattensInput ? [input.count] : input
    var numbers = 0
    for (level, (block, head)) in zip(blocks, heads).enumerated() {
      features = try trace.pass(features, through: block, "blocks.\(level)")
      guard let message = try trace.pass(features, through: head, "heads.\(level)") else {
        return nil
      }
      numbers += message.count
      if handover == .mean {
        features = Shape(message.dimensions.dropLast() + [message[-1] / 2])
      }
    }
    return [numbers]
  }

  /// The messages of all levels.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    var features = flattensInput ? x.flattened() : x
    var messages: [DiagonalGaussian] = []
    for (block, head) in zip(blocks, heads) {
      features = block(features, context)
      let message = DiagonalGaussian(head: head(features, context))
      messages.append(message)
      if handover == .mean { features = message.means }
    }
    return LadderPosterior(messages: messages)
  }
}
