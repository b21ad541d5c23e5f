import Tensors

/// Attention of every pixel to every pixel of its image, with one head of all channels (Vaswani et al.
/// 2017; as in the middle of the autoencoders of latent diffusion, Rombach et al. 2022):
/// x + W_o softmax(Q Kᵀ / √channels) V, where Q, K, V are linear maps of the normalised x.
///
/// The matrix of weights of an image of P pixels has P² numbers. Queries are therefore taken in blocks,
/// each of which sees all keys, so that no more than `blockElements` of them exist at a time; the
/// result is that of the whole matrix. While a tape records, the weights of all blocks stay until the
/// backward pass.
public final class SpatialAttention: Layer {
  private let normalization: GroupNorm
  private let query: Conv2D
  private let key: Conv2D
  private let value: Conv2D
  private let output: Conv2D
  private let blockElements: Int

  /// Attention over images of a number of channels.
  ///
  /// - Parameters:
  ///   - channels: of input and output.
  ///   - groups: of the normalisation before the linear maps.
  ///   - epsilon: what the normalisation adds to the variance.
  ///   - blockElements: the most weights that are computed at a time, rounded up to one query.
  ///   - random: where first weights come from.
  public init(
    channels: Int, groups: Int, epsilon: Float = 1e-5, blockElements: Int = 1 << 22,
    random: RandomSource
  ) {
    func map(_ name: String) -> Conv2D {
      Conv2D(
        inputs: channels, outputs: channels, kernel: 1, padding: .none, random: random.child(name))
    }
    normalization = GroupNorm(channels: channels, groups: groups, epsilon: epsilon)
    query = map("query")
    key = map("key")
    value = map("value")
    output = map("output")
    self.blockElements = blockElements
  }

  /// The normalisation, and the maps as 1×1 convolutions.
  public var members: Members {
    [
      "normalization": .module(normalization), "query": .module(query), "key": .module(key),
      "value": .module(value), "output": .module(output),
    ]
  }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    // The map, queries, keys, values and the results of earlier blocks are there beside what a layer takes and gives, and
    // the weights of a block before and after their softmax.
    let pixels = input.rank == 3 ? input[0] * input[1] : 0
    let queries = min(pixels, max(1, blockElements / max(1, pixels)))
    return try trace.holding(input, input, input, input, input, [2, queries, pixels]) { trace in
      let normalized = try trace.pass(input, through: normalization, "normalization")
      for (name, map) in [("query", query), ("key", key), ("value", value)] {
        _ = try trace.pass(normalized, through: map, name)
      }
      return try trace.pass(normalized, through: output, "output")
    }
  }

  /// The input plus what attention adds, of the input's shape `[batch, height, width, channels]`.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  /// Adds to the input what attention makes of it.
  public func apply(to map: inout Tensor, _ context: Context) {
    map.add(output(attended(normalization(map, context), context), context))
  }

  private func attended(_ input: Tensor, _ context: Context) -> Tensor {
    let (pixels, channels) = (input.shape[1] * input.shape[2], input.shape[3])
    let rows: Shape = [input.shape[0] * pixels, channels]
    let queries = query(input, context).scaled(by: 1 / Float(channels).squareRoot())
      .reshaped(to: rows)
    let keys = key(input, context).reshaped(to: rows)
    let values = value(input, context).reshaped(to: rows)
    let block = max(1, blockElements / max(1, pixels))
    var parts: [Tensor] = []
    for first in stride(from: 0, to: rows[0], by: max(1, pixels)) {
      let image = first..<first + pixels
      let (ownKeys, ownValues) = (keys.rows(image), values.rows(image))
      for start in stride(from: image.lowerBound, to: image.upperBound, by: block) {
        let own = queries.rows(start..<min(start + block, image.upperBound))
        parts.append(
          own.matrixProduct(ownKeys, rightTransposed: true).softmax().matrixProduct(ownValues))
      }
    }
    guard !parts.isEmpty else { return input }
    let joined = parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 0)
    return joined.reshaped(to: input.shape)
  }
}
