import CVAE
import Messages
import Tensors

extension HostTable {
  /// Matrix products, convolutions and normalisations.
  static func addLinearMaps(to host: inout vae_host) {
    host.matmul = { pass, a, b, transposesA, transposesB in
      operate(pass, "matmul", a, b) { a, b in
        guard a.rank == 2, b.rank == 2 else {
          throw Misfit("shapes \(a.shape) and \(b.shape) are no matrices")
        }
        let (m, k) =
          transposesA != 0 ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (l, n) =
          transposesB != 0 ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        guard k == l, m > 0, n > 0 else {
          throw Misfit(
            "shapes \(a.shape)\(transposesA != 0 ? " transposed" : "") and "
              + "\(b.shape)\(transposesB != 0 ? " transposed" : "") do not multiply")
        }
        _ = try Checks.shape([m, n])
        return a.matrixProduct(
          b, transposed: transposesA != 0, rightTransposed: transposesB != 0)
      }
    }
    host.dense = { pass, x, weights, bias, activation, number in
      operate(pass, "dense", all: bias == nil ? [x, weights] : [x, weights, bias]) { values in
        let (x, weights) = (values[0], values[1])
        guard x.rank >= 1, weights.rank == 2, x.shape[-1] == weights.shape[0],
          weights.shape[1] > 0
        else {
          throw Misfit("weights \(weights.shape) cannot take a value of shape \(x.shape)")
        }
        try HostTable.checkBias(values, outputs: weights.shape[1])
        guard x.count > 0 || x.shape[-1] == 0, x.shape.dimensions.dropLast().allSatisfy({ $0 > 0 })
        else { throw Misfit("a value of shape \(x.shape) has no rows") }
        _ = try Checks.shape(x.shape.dimensions.dropLast() + [weights.shape[1]])
        return x.dense(
          weights: weights, bias: values.count > 2 ? values[2] : nil,
          activation: try Checks.activation(activation, number))
      }
    }
    host.convolution = { pass, x, weights, bias, window, activation, number in
      operate(pass, "convolution", all: bias == nil ? [x, weights] : [x, weights, bias]) { values in
        let (x, weights) = (values[0], values[1])
        try HostTable.checkImages(x, weights, inputs: 1)
        try HostTable.checkBias(values, outputs: weights.shape[0])
        let kernel = (height: weights.shape[2], width: weights.shape[3])
        let sizes = try WindowSizes(window, kernel: kernel)
        let padding = sizes.padding
        let height = x.shape[1] + padding.top + padding.bottom - kernel.height
        let width = x.shape[2] + padding.left + padding.right - kernel.width
        guard height >= 0, width >= 0 else {
          throw Misfit("a kernel \(weights.shape) is larger than images of shape \(x.shape)")
        }
        _ = try Checks.shape([
          x.shape[0], height / sizes.stride.y + 1, width / sizes.stride.x + 1, weights.shape[0],
        ])
        return x.convolution(
          weights: weights, bias: values.count > 2 ? values[2] : nil, stride: sizes.stride,
          padding: padding, activation: try Checks.activation(activation, number))
      }
    }
    host.transposed_convolution = { pass, x, weights, bias, window, activation, number in
      operate(
        pass, "transposed_convolution", all: bias == nil ? [x, weights] : [x, weights, bias]
      ) { values in
        let (x, weights) = (values[0], values[1])
        try HostTable.checkImages(x, weights, inputs: 0)
        try HostTable.checkBias(values, outputs: weights.shape[1])
        let kernel = (height: weights.shape[2], width: weights.shape[3])
        let sizes = try WindowSizes(window, kernel: kernel)
        let padding = sizes.padding
        let height =
          (x.shape[1] - 1) * sizes.stride.y - padding.top - padding.bottom + kernel.height
          + sizes.outputPadding.y
        let width =
          (x.shape[2] - 1) * sizes.stride.x - padding.left - padding.right + kernel.width
          + sizes.outputPadding.x
        guard height > 0, width > 0 else {
          throw Misfit("the padding leaves nothing of images of shape \(x.shape)")
        }
        _ = try Checks.shape([x.shape[0], height, width, weights.shape[1]])
        return x.transposedConvolution(
          weights: weights, bias: values.count > 2 ? values[2] : nil, stride: sizes.stride,
          padding: padding, outputPadding: sizes.outputPadding,
          activation: try Checks.activation(activation, number))
      }
    }
    host.group_norm = { pass, x, groups, scale, shift in
      operate(pass, "group_norm", all: [x, scale, shift]) { values in
        try HostTable.checkScale(values)
        let channels = Int64(values[0].shape[-1])
        guard values[0].rank >= 2, groups > 0, channels % groups == 0 else {
          throw Misfit("\(groups) groups do not divide the channels of \(values[0].shape)")
        }
        return values[0].groupNormalized(groups: Int(groups), scale: values[1], shift: values[2])
      }
    }
    host.layer_norm = { pass, x, scale, shift in
      operate(pass, "layer_norm", all: [x, scale, shift]) { values in
        try HostTable.checkScale(values)
        return values[0].layerNormalized(scale: values[1], shift: values[2])
      }
    }
  }

  private static func checkBias(_ values: [Tensor], outputs: Int) throws(Misfit) {
    guard values.count > 2, values[2].shape != [outputs] else { return }
    throw Misfit("a bias of shape \(values[2].shape) is not one of [\(outputs)]")
  }

  private static func checkImages(
    _ x: Tensor, _ weights: Tensor, inputs axis: Int
  ) throws(Misfit) {
    guard x.rank == 4, weights.rank == 4, x.count > 0, weights.count > 0,
      x.shape[3] == weights.shape[axis]
    else {
      throw Misfit("weights \(weights.shape) cannot take a value of shape \(x.shape)")
    }
  }

  private static func checkScale(_ values: [Tensor]) throws(Misfit) {
    try Checks.lastAxis(values[0])
    let channels = values[0].shape[-1]
    guard values[1].shape == [channels], values[2].shape == [channels] else {
      throw Misfit(
        "scale \(values[1].shape) and shift \(values[2].shape) are not for the \(channels) channels of "
          + "\(values[0].shape)")
    }
  }

  /// Densities.
  static func addDensities(to host: inout vae_host) {
    host.gaussian_log_density = { pass, x, mean, logVariance in
      operate(pass, "gaussian_log_density", all: [x, mean, logVariance]) {
        try Checks.same($0)
        return .gaussianLogDensity($0[0], mean: $0[1], logVariance: $0[2])
      }
    }
    host.gaussian_divergence = { pass, mean, logVariance in
      operate(pass, "gaussian_divergence", mean, logVariance) {
        try Checks.same([$0, $1])
        return .gaussianDivergence(mean: $0, logVariance: $1)
      }
    }
    host.bernoulli_log_density = { pass, x, logits in
      operate(pass, "bernoulli_log_density", x, logits) {
        try Checks.same([$0, $1])
        return .bernoulliLogDensity($0, logits: $1)
      }
    }
  }

  /// Operations of the author's own.
  static func addCustom(to host: inout vae_host) {
    host.custom = { handle, operation, inputs, count, shape, rank, userData in
      guard let pass = Scopes.find(handle, Pass.self, "custom") else { return nil }
      guard count <= CustomOperation.inputLimit, count == 0 || inputs != nil else {
        pass.fail("custom: \(count) inputs are over \(CustomOperation.inputLimit), or at NULL")
        return nil
      }
      let values = (0..<Int(count)).map { inputs?[$0] }
      let instance = pass.instance
      return pass.operate("custom", values) { values in
        try CustomOperation(operation, userData).applied(
          to: values, shape: try Checks.shape(shape, rank)
        ) { [instance] in instance.note($0) }
      }
    }
  }
}
