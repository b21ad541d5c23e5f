import NeuralNetworks
import Tensors
import VAERecipes

/// How convolutional parts normalise before their activations.
public enum ConvolutionalNormalization: String, SettingChoice {
  /// Not at all.
  case none
  /// Over the batch; see `BatchNorm`.
  case batch
  /// Over each example, in groups of eight channels (or as many as divide them); see `GroupNorm`.
  case group

  /// The layer for a number of channels, with the activation after it; nil for none.
  public func layer(channels: Int, activation: Activation) -> (any Layer)? {
    switch self {
    case .none: return nil
    case .batch: return BatchNorm(channels: channels, activation: activation)
    case .group:
      return GroupNorm(
        channels: channels, groups: Self.groupCount(for: channels), activation: activation)
    }
  }

  /// The groups of a number of channels: each of as many as divide them, eight at most.
  public static func groupCount(for channels: Int) -> Int {
    let size = (1...8).last { channels.isMultiple(of: $0) } ?? 1
    return max(1, channels / size)
  }
}

extension ResidualBlock {
  /// Residual blocks one after another at one resolution.
  public static func chain(
    _ count: Int, channels: Int, activation: Activation,
    _ normalization: ConvolutionalNormalization, random: RandomSource
  ) -> [any Layer] {
    (0..<count).map { index in
      ResidualBlock(
        channels: channels, hidden: channels, activation: activation,
        normalization: normalization == .none
          ? .none : .groups(ConvolutionalNormalization.groupCount(for: channels)),
        random: random.child("block\(index)"))
    }
  }
}
