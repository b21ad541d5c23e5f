import Tensors

/// The engine's counterparts of the operations that the reference values name.
enum ReferenceOperations {
  typealias Operation = @Sendable (_ x: [Tensor], _ a: ReferenceAttributes) throws -> Tensor

  static let all: [String: Operation] = [
    elementwise, binary, reductions, products, normalizations, movement, variational,
    specialFunctions, sorting, linearAlgebra,
  ].reduce(into: [:]) { all, group in
    all.merge(group) { _, _ in preconditionFailure("two operations have one name") }
  }

  private static let elementwise: [String: Operation] = [
    "negate": { x, _ in -x[0] },
    "exp": { x, _ in x[0].exp() },
    "log": { x, _ in x[0].log() },
    "square_root": { x, _ in x[0].squareRoot() },
    "square": { x, _ in x[0].squared() },
    "reciprocal": { x, _ in x[0].reciprocal() },
    "magnitude": { x, _ in x[0].magnitude() },
    "activation": { x, a in x[0].activated(try a.activation()) },
    "clamp": { x, a in x[0].clamped(to: try a.number("minimum")...a.number("maximum")) },
    "affine": { x, a in x[0].scaled(by: try a.number("scale"), shift: try a.number("shift")) },
    "is_above": { x, a in x[0].isAbove(try a.number("threshold")) },
  ]

  private static let binary: [String: Operation] = [
    "add": { x, _ in x[0] + x[1] },
    "subtract": { x, _ in x[0] - x[1] },
    "multiply": { x, _ in x[0] * x[1] },
    "divide": { x, _ in x[0] / x[1] },
    "maximum": { x, _ in .maximum(x[0], x[1]) },
    "minimum": { x, _ in .minimum(x[0], x[1]) },
  ]

  private static let reductions: [String: Operation] = [
    "sum": { x, _ in x[0].sum() },
    "mean": { x, _ in x[0].mean() },
    "sum_over_axes": { x, a in
      try overAxes(x[0], a) { $0.sum(axis: $1, keepingAxis: $2) }
    },
    "mean_over_axes": { x, a in
      try overAxes(x[0], a) { $0.mean(axis: $1, keepingAxis: $2) }
    },
    "maximum_over_axes": { x, a in
      try overAxes(x[0], a) { $0.maximum(axis: $1, keepingAxis: $2) }
    },
    "index_of_maximum": { x, a in
      let indices = x[0].argmax(axis: try a.integer("axis"))
      return Tensor(indices.indices.map(Float.init), shape: indices.shape)
    },
    "softmax": { x, _ in x[0].softmax() },
    "log_softmax": { x, _ in x[0].logSoftmax() },
    "log_sum_exp": { x, _ in x[0].logSumExp() },
  ]

  private static let products: [String: Operation] = [
    "matrix_product": { x, a in
      x[0].matrixProduct(
        x[1], transposed: try a.truth("transposed"),
        rightTransposed: try a.truth("right_transposed"))
    },
    "dense": { x, a in
      x[0].dense(weights: x[1], bias: bias(x), activation: try a.activation())
    },
    "add_bias": { x, a in x[0].addingBias(x[1], activation: try a.activation()) },
    "convolution": { x, a in
      x[0].convolution(
        weights: x[1], bias: bias(x), stride: try a.pair("stride"), padding: try a.padding(),
        activation: try a.activation())
    },
    "transposed_convolution": { x, a in
      x[0].transposedConvolution(
        weights: x[1], bias: bias(x), stride: try a.pair("stride"), padding: try a.padding(),
        outputPadding: try a.pair("output_padding"), activation: try a.activation())
    },
  ]

  private static let normalizations: [String: Operation] = [
    "batch_normalization": { x, a in
      x[0].batchNormalized(
        scale: x[1], shift: x[2], epsilon: try a.number("epsilon"), activation: try a.activation()
      ).output
    },
    "batch_normalization_inference": { x, a in
      x[0].batchNormalized(
        scale: x[1], shift: x[2], moments: ChannelMoments(mean: x[3], variance: x[4]),
        epsilon: try a.number("epsilon"), activation: try a.activation()
      ).output
    },
    "group_normalization": { x, a in
      x[0].groupNormalized(
        groups: try a.integer("groups"), scale: x[1], shift: x[2],
        epsilon: try a.number("epsilon"), activation: try a.activation())
    },
    "layer_normalization": { x, a in
      x[0].layerNormalized(
        scale: x[1], shift: x[2], epsilon: try a.number("epsilon"), activation: try a.activation())
    },
    "channel_mean": { x, _ in x[0].channelMoments().mean },
    "channel_variance": { x, _ in x[0].channelMoments().variance },
  ]

  private static let movement: [String: Operation] = [
    "reshape": { x, a in x[0].reshaped(to: Shape(try a.integers("shape"))) },
    "flatten": { x, _ in x[0].flattened() },
    "permute": { x, a in x[0].permuted(try a.integers("order")) },
    "transpose": { x, _ in x[0].transposed() },
    "concatenate": { x, a in .concatenated(x, axis: try a.integer("axis")) },
    "split": { x, a in
      x[0].split(sizes: try a.integers("sizes"), axis: try a.integer("axis"))[
        try a.integer("part")]
    },
    "slice": { x, a in
      x[0].slice(axis: try a.integer("axis"), try a.integer("start")..<a.integer("stop"))
    },
    "pad": { x, a in
      x[0].padded(
        axis: try a.integer("axis"), before: try a.integer("before"), after: try a.integer("after"))
    },
    "gather": { x, _ in x[0].gathering(indices(x[1])) },
    "one_hot": { x, a in
      .oneHot(indices(x[0]), axis: try a.integer("axis"), size: try a.integer("size"))
    },
    "upsample_nearest": { x, a in
      let factors = try a.pair("factors")
      return x[0].upsampledNearest(by: factors.y, factors.x)
    },
    "broadcast": { x, a in x[0].broadcast(to: Shape(try a.integers("shape"))) },
    "tile": { x, a in x[0].tiled(try a.integer("times")) },
  ]

  private static let variational: [String: Operation] = [
    "reparameterization": { x, _ in
      .reparameterized(mean: x[0], logVariance: x[1], noise: x[2])
    },
    "gaussian_divergence_from_standard": { x, _ in
      .gaussianDivergence(mean: x[0], logVariance: x[1])
    },
    "gaussian_divergence": { x, _ in
      .gaussianDivergence(
        mean: x[0], logVariance: x[1], priorMean: x[2], priorLogVariance: x[3])
    },
    "gaussian_log_density": { x, _ in
      .gaussianLogDensity(x[0], mean: x[1], logVariance: x[2])
    },
    "bernoulli_log_density": { x, _ in .bernoulliLogDensity(x[0], logits: x[1]) },
    "squared_error": { x, _ in .squaredError(x[0], mean: x[1]) },
  ]

  private static let specialFunctions: [String: Operation] = [
    "sine": { x, _ in x[0].sine() },
    "cosine": { x, _ in x[0].cosine() },
    "log_gamma": { x, _ in x[0].logGamma() },
    "digamma": { x, _ in x[0].digamma() },
    "error_function": { x, _ in x[0].errorFunction() },
    "scaled_complementary_error_function": { x, _ in x[0].scaledComplementaryErrorFunction() },
    "log_bessel_i": { x, a in x[0].logBesselI(order: Double(try a.number("order"))) },
    "bessel_ratio": { x, a in x[0].besselRatio(order: Double(try a.number("order"))) },
  ]

  private static let sorting: [String: Operation] = [
    "sort": { x, a in
      x[0].sorted(axis: try a.integer("axis"), descending: try a.truth("descending")).values
    },
    "sort_order": { x, a in
      let order = x[0].sorted(
        axis: try a.integer("axis"), descending: try a.truth("descending")
      ).order
      return Tensor(order.indices.map(Float.init), shape: order.shape)
    },
    "take": { x, a in x[0].taking(indices(x[1]), axis: try a.integer("axis")) },
  ]

  private static let linearAlgebra: [String: Operation] = [
    "cholesky": { x, _ in x[0].cholesky() },
    "log_determinant": { x, _ in x[0].logDeterminant() },
    "triangular_solve": { x, a in
      x[0].triangularSolve(
        x[1], upper: try a.truth("upper"), transposed: try a.truth("transposed"))
    },
    "symmetric_eigenvalues": { x, _ in x[0].symmetricEigen().values },
    "symmetric_eigenvectors": { x, _ in x[0].symmetricEigen().vectors },
  ]

  /// A bias is the third input where there is one.
  private static func bias(_ inputs: [Tensor]) -> Tensor? {
    inputs.count > 2 ? inputs[2] : nil
  }

  private static func indices(_ values: Tensor) -> Tensor {
    Tensor(indices: values.floats.map { Int32($0) }, shape: values.shape)
  }

  /// A reduction over a set of axes: over one after another, the last first, so that those to come
  /// keep their numbers.
  private static func overAxes(
    _ input: Tensor, _ attributes: ReferenceAttributes,
    _ reduce: (_ input: Tensor, _ axis: Int, _ keepsAxis: Bool) -> Tensor
  ) throws -> Tensor {
    let axes = try attributes.integers("axes")
    let keepsAxes = try attributes.truth("keeps_axes")
    return axes.sorted(by: >).reduce(input) { reduce($0, $1, keepsAxes) }
  }
}
