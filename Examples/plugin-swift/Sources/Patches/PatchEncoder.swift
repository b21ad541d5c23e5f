import VAEPluginKit

/// Reads an image patch by patch, as vision transformers do: every patch goes through the same dense
/// layer, gets an embedding of its place, and all of them together give the posterior.
///
/// A. Dosovitskiy et al.: An Image Is Worth 16x16 Words. ICLR 2021, section 3.1 (the embedding alone,
/// without attention).
final class PatchEncoder: PluginEncoder {
  private let side: Int
  private let embedding: (weights: Parameter, bias: Parameter)
  private let places: Parameter
  private let norm: (scale: Parameter, shift: Parameter)
  private let head: (weights: Parameter, bias: Parameter)

  /// - Parameters:
  ///   - side: pixels of a patch in each direction; images are padded with zeros to whole patches.
  ///   - hidden: numbers that stand for a patch.
  init(_ build: Build, side: Int, hidden: Int) throws {
    let image = build.imageShape
    let pixels = side * side * image.channels
    let rows = (image.height + side - 1) / side
    let columns = (image.width + side - 1) / side
    guard rows * columns > 1 else {
      throw PluginError(
        "a patch of \(side) pixels covers the whole image of \(image.height)×\(image.width); choose a "
          + "smaller encoder.patch")
    }
    self.side = side
    embedding = (
      try build.parameter("embedding_weights", shape: [pixels, hidden], .lecunUniform),
      try build.parameter("embedding_bias", shape: [hidden], .constant(0), .notDecayed)
    )
    places = try build.parameter("places", shape: [rows, columns, hidden], .normal(0.02))
    norm = (
      try build.parameter("norm_scale", shape: [hidden], .constant(1), .notDecayed),
      try build.parameter("norm_shift", shape: [hidden], .constant(0), .notDecayed)
    )
    head = (
      try build.parameter(
        "head_weights", shape: [rows * columns * hidden, 2 * build.latentSize], .lecunUniform),
      try build.parameter(
        "head_bias", shape: [2 * build.latentSize], .constant(0), .notDecayed)
    )
  }

  func encode(_ x: Value) -> Value {
    patches(x)
      .dense(embedding.weights, embedding.bias, .gelu)
      .adding(places)
      .layerNormalized(scale: norm.scale, shift: norm.shift)
      .reshaped(to: [x.pass.rows, -1])
      .dense(head.weights, head.bias)
  }

  /// `[rows, height, width, channels]` as `[rows, vertically, horizontally, pixels of a patch]`.
  private func patches(_ x: Value) -> Value {
    let shape = x.shape
    guard shape.count == 4 else { return x }
    let padded =
      x
      .padded(axis: 1, before: 0, after: (side - shape[1] % side) % side)
      .padded(axis: 2, before: 0, after: (side - shape[2] % side) % side)
    let (rows, columns) = ((shape[1] + side - 1) / side, (shape[2] + side - 1) / side)
    return
      padded
      .reshaped(to: [shape[0], rows, side, columns, side, shape[3]])
      .permuted([0, 1, 3, 2, 4, 5])
      .reshaped(to: [shape[0], rows, columns, side * side * shape[3]])
  }
}

extension Value {
  fileprivate func adding(_ parameter: Parameter) -> Value { self + pass.use(parameter) }
}
