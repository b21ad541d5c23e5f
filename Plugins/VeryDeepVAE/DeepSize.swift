import Tensors
import VAEComponents

/// One of the sizes that the paths of a very deep VAE pass through.
struct DeepSize: Hashable {
  /// Places from top to bottom.
  let height: Int
  /// Places from left to right.
  let width: Int
  /// Channels of the residual paths there.
  let channels: Int
  /// Channels between the convolutions of a block.
  let hidden: Int

  /// A 3×3 kernel on an image of one or two pixels is mostly on its border (as in the authors' code).
  var kernel: Int { min(height, width) > 2 ? 3 : 1 }

  /// Of a map.
  var shape: Shape { [height, width, channels] }
}

extension Tensor {
  /// A map on its way up: at half the size, with zeros for channels that are new.
  func shrunk(to size: DeepSize) -> Tensor {
    averaged(to: (size.height, size.width))
      .padded(axis: 3, before: 0, after: size.channels - shape[3])
  }

  /// A map on its way down: at the larger size, with the first of its channels.
  func grown(to size: DeepSize) -> Tensor {
    slice(axis: 3, 0..<size.channels).repeated(to: (size.height, size.width))
  }
}
