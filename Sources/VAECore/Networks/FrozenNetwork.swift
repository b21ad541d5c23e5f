import Messages
import Tensors

/// A network that is loaded and never trained: a feature extractor, for losses that compare images by
/// what such a network sees in them, and for distances between sets of images.
///
/// It is a sequence of layers, of which those with names give features. Its weights are constants:
/// gradients flow through it to the images, and no parameter of it is in any checkpoint.
/// `FrozenNetworkFile` opens one.
///
/// Images are those of a model, `[N, height, width, channels]` with values as its data have them. The
/// network's own range, normalisation and number of channels are a part of it (`Input`), so that no
/// caller has to know them.
public final class FrozenNetwork {
  /// What the network takes, and how images become that.
  public struct Input: Equatable, Sendable {
    /// The range of values that the first layer was made for, before the normalisation.
    public enum Range: String, Sendable, CaseIterable {
      /// 0 to 1.
      case unit
      /// −1 to 1.
      case symmetric
      /// Any finite numbers, taken as they are.
      case real
    }

    /// The range of values.
    public var range = Range.unit
    /// The channels of an image; images of one channel are repeated for a network of more.
    public var channels: Int
    /// The least height and width of an image.
    public var leastSize = 1
    /// Taken off each channel, after the range.
    public var mean: [Float]
    /// What each channel is divided by then.
    public var deviation: [Float]

    /// An input of some channels in the range of 0 to 1.
    package init(channels: Int, mean: [Float], deviation: [Float]) {
      (self.channels, self.mean, self.deviation) = (channels, mean, deviation)
    }
  }

  /// A step of the sequence.
  package struct Layer {
    package let name: String?
    /// Another name that it answers to.
    package var alias: String?
    package let operation: Operation

    /// A step, with the name by which its features are asked for.
    package init(name: String?, alias: String? = nil, operation: Operation) {
      (self.name, self.alias, self.operation) = (name, alias, operation)
    }

    func answers(to wanted: String) -> Bool { name == wanted || alias == wanted }
  }

  /// What a step computes. Weights are those of PyTorch: `[outputs, inputs, height, width]`, of a
  /// fully connected layer transposed to `[inputs, outputs]`.
  package enum Operation {
    case convolution(weights: Tensor, bias: Tensor?, stride: Int, padding: Int)
    case relu
    /// Where it rounds up, a window that reaches beyond the border takes what there is of it.
    case maximumPool(kernel: Int, stride: Int, roundsUp: Bool = false)
    case fire(
      squeeze: (weights: Tensor, bias: Tensor), small: (weights: Tensor, bias: Tensor),
      large: (weights: Tensor, bias: Tensor))
    case averagePool(kernel: Int, stride: Int)
    case flatten
    case dense(weights: Tensor, bias: Tensor?)
  }

  /// A layer that LPIPS compares, with the weight of each of its channels: the head of Zhang et al. 2018.
  package struct Head {
    package let layer: String
    /// `[channels]`, none below zero.
    package let weights: Tensor

    package init(layer: String, weights: Tensor) {
      (self.layer, self.weights) = (layer, weights)
    }
  }

  /// What the network takes.
  public let input: Input
  /// The layer whose features stand for the image where none is named.
  public let featureLayer: String
  /// The names of the classes where the network is a classifier, whose last layer gives their logits;
  /// class k without a name is called "k".
  public let classes: [String]?
  /// What LPIPS compares, in order; none where the file has no heads.
  package let heads: [Head]
  let layers: [Layer]

  /// A network of some layers.
  ///
  /// - Parameters:
  ///   - input: what the first of them takes.
  ///   - layers: at least one of them with a name.
  ///   - featureLayer: the layer that stands for the image; nil for the last one with a name.
  ///   - classes: their names where the last layer gives the logits of a classifier.
  ///   - heads: what LPIPS compares.
  /// - Throws: `NetworkProblem` where there is no such layer, the last one gives no logits, or a head has
  ///   weights for other channels than its layer gives.
  package init(
    input: Input, layers: [Layer], featureLayer: String? = nil, classes: [String]? = nil,
    heads: [Head] = []
  ) throws(NetworkProblem) {
    self.input = input
    self.layers = layers
    self.classes = classes
    self.heads = heads
    guard let last = layers.last(where: { $0.name != nil })?.name else {
      throw NetworkProblem("none of its layers has a name, so that it gives no features")
    }
    if let featureLayer, !layers.contains(where: { $0.answers(to: featureLayer) }) {
      throw NetworkProblem("it has no layer \(PlainText.quoted(featureLayer)) to give its features")
    }
    self.featureLayer = featureLayer ?? last
    for (number, head) in heads.enumerated() {
      let channels = Self.channels(of: head.layer, in: layers, inputs: input.channels)
      guard channels == head.weights.count else {
        throw NetworkProblem(
          "its head lin\(number) has \(Count.of(head.weights.count, "weight")), but layer "
            + "\(PlainText.quoted(head.layer)) \(channels.map { "has \(Count.of($0, "channel"))" } ?? "is not there")"
        )
      }
    }
    guard let classes else { return }
    guard case .dense(let weights, _)? = layers.last?.operation, layers.last?.name != nil,
      weights.shape[1] == classes.count
    else {
      throw NetworkProblem(
        "its last layer is no dense one with a name and \(Count.of(classes.count, "output")), one for each class"
      )
    }
  }

  /// The channels that a layer gives; nil where there is none of the name, or it has no channels.
  private static func channels(of name: String, in layers: [Layer], inputs: Int) -> Int? {
    guard let last = layers.firstIndex(where: { $0.answers(to: name) }) else { return nil }
    return layers[...last].reduce(inputs) { $1.operation.channels(after: $0) }
  }

  /// The name of the layer that gives the logits of the classes; nil where the network is no classifier.
  package var logitLayer: String? { classes == nil ? nil : layers.last?.name }

  /// The names of the layers that give features, in order.
  public var layerNames: [String] { layers.flatMap { [$0.name, $0.alias].compactMap { $0 } } }

  /// The outputs of some layers for images `[N, height, width, channels]`, each `[N, height, width,
  /// features]` or, after a flattening, `[N, features]`.
  ///
  /// - Parameters:
  ///   - images: in the range of the data, which `FrozenNetworkFile` has checked against the network.
  ///   - names: of layers, in any order; the answer has theirs. Layers behind the last of them are
  ///     not computed.
  public func features(of images: Tensor, at names: [String]) -> [Tensor] {
    var found: [String: Tensor] = [:]
    let wanted = Set(names)
    var value = prepared(images)
    for layer in layers where found.count < wanted.count {
      value = layer.operation(value)
      for name in wanted where layer.answers(to: name) { found[name] = value }
    }
    return names.map { name in
      guard let feature = found[name] else {
        fatalError("a frozen network has no layer \(name)")
      }
      return feature
    }
  }

  /// Images as the first layer takes them.
  private func prepared(_ images: Tensor) -> Tensor {
    var value = images
    if images.shape[-1] == 1 && input.channels > 1 {
      value = .concatenated(Array(repeating: images, count: input.channels), axis: 3)
    }
    if input.range == .symmetric { value = value.scaled(by: 2, shift: -1) }
    guard input.mean.contains(where: { $0 != 0 }) || input.deviation.contains(where: { $0 != 1 })
    else { return value }
    return (value - Tensor(input.mean)) * Tensor(input.deviation.map { 1 / $0 })
  }
}

extension FrozenNetwork.Operation {
  /// The output for a batch.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .convolution(let weights, let bias, let stride, let padding):
      x.convolution(
        weights: weights, bias: bias, stride: (stride, stride), padding: Padding(padding))
    case .relu: x.relu()
    case .maximumPool(let kernel, let stride, let roundsUp):
      (roundsUp ? x.padded(for: kernel, stride: stride) : x)
        .pooled(kernel: kernel, stride: stride) { Tensor.maximum($0, $1) }
    case .fire(let squeeze, let small, let large):
      Self.fire(x, squeeze, small, large)
    case .averagePool(let kernel, let stride):
      x.pooled(kernel: kernel, stride: stride) { $0 + $1 } / Float(kernel * kernel)
    case .flatten:
      // PyTorch flattens channel by channel.
      x.permuted([0, 3, 1, 2]).reshaped(to: [x.shape[0], x.count / max(1, x.shape[0])])
    case .dense(let weights, let bias): x.dense(weights: weights, bias: bias)
    }
  }

  /// 1×1 and 3×3 convolutions of a 1×1 convolution, side by side, all with ReLU.
  private static func fire(
    _ x: Tensor, _ squeeze: (weights: Tensor, bias: Tensor),
    _ small: (weights: Tensor, bias: Tensor), _ large: (weights: Tensor, bias: Tensor)
  ) -> Tensor {
    func convolved(_ x: Tensor, _ part: (weights: Tensor, bias: Tensor), padding: Int) -> Tensor {
      x.convolution(
        weights: part.weights, bias: part.bias, stride: (1, 1), padding: Padding(padding)
      ).relu()
    }
    let inner = convolved(x, squeeze, padding: 0)
    return .concatenated(
      [convolved(inner, small, padding: 0), convolved(inner, large, padding: 1)], axis: 3)
  }

  /// The shape of the output for one example, from that of the input; nil where it does not fit.
  func outputShape(_ input: [Int]) -> [Int]? {
    func spatial(_ kernel: (Int, Int), _ stride: Int, _ padding: Int, _ channels: Int) -> [Int]? {
      guard input.count == 3 else { return nil }
      let (height, width) = (input[0] + 2 * padding - kernel.0, input[1] + 2 * padding - kernel.1)
      return height < 0 || width < 0 ? nil : [height / stride + 1, width / stride + 1, channels]
    }
    switch self {
    case .convolution(let weights, _, let stride, let padding):
      guard input.count == 3, input[2] == weights.shape[1] else { return nil }
      return spatial((weights.shape[2], weights.shape[3]), stride, padding, weights.shape[0])
    case .relu: return input
    case .maximumPool(let kernel, let stride, true):
      guard input.count == 3 else { return nil }
      let sizes = input[..<2].map { Self.windows($0, kernel: kernel, stride: stride) }
      return sizes.contains { $0 < 1 } ? nil : sizes + [input[2]]
    case .maximumPool(let kernel, let stride, false), .averagePool(let kernel, let stride):
      return spatial((kernel, kernel), stride, 0, input.last ?? 0)
    case .fire(_, let small, let large):
      return input.count == 3
        ? [input[0], input[1], small.weights.shape[0] + large.weights.shape[0]] : nil
    case .flatten: return input.count == 3 ? [input.reduce(1, *)] : nil
    case .dense(let weights, _):
      return input == [weights.shape[0]] ? [weights.shape[1]] : nil
    }
  }
}

extension FrozenNetwork.Operation {
  /// The channels of the output, from those of the input; nil where there are no channels any more.
  func channels(after inputs: Int?) -> Int? {
    switch self {
    case .convolution(let weights, _, _, _): weights.shape[0]
    case .fire(_, let small, let large): small.weights.shape[0] + large.weights.shape[0]
    case .dense(let weights, _): weights.shape[1]
    case .flatten: nil
    case .relu, .maximumPool, .averagePool: inputs
    }
  }

  /// The windows along an axis where those that reach beyond its end count, as far as they begin before
  /// it.
  static func windows(_ size: Int, kernel: Int, stride: Int) -> Int {
    let span = size - kernel
    let count = (span >= 0 ? (span + stride - 1) / stride : -(-span / stride)) + 1
    return (count - 1) * stride >= size ? count - 1 : count
  }
}

extension Tensor {
  /// The map with so much below and to the right that windows which reach beyond the border lie inside;
  /// what is added is less than everything there is.
  fileprivate func padded(for kernel: Int, stride: Int) -> Tensor {
    var result = self
    for axis in 1...2 {
      let windows = FrozenNetwork.Operation.windows(shape[axis], kernel: kernel, stride: stride)
      let missing = (windows - 1) * stride + kernel - shape[axis]
      guard missing > 0 else { continue }
      var sizes = result.shape.dimensions
      sizes[axis] = missing
      result = .concatenated(
        [result, Tensor(repeating: -.greatestFiniteMagnitude, shape: Shape(sizes))], axis: axis)
    }
    return result
  }

  /// The values under each place of a square window, joined: `[N, height, width, channels]`.
  fileprivate func pooled(
    kernel: Int, stride: Int, _ join: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    let places = (0..<kernel).flatMap { y in (0..<kernel).map { x in (y, x) } }
    let parts = places.map { y, x in
      everyNth(axis: 1, from: y, stride: stride, count: (shape[1] - kernel) / stride + 1)
        .everyNth(axis: 2, from: x, stride: stride, count: (shape[2] - kernel) / stride + 1)
    }
    return parts.dropFirst().reduce(parts[0], join)
  }

  /// The positions start, start + stride, … along an axis.
  private func everyNth(axis: Int, from start: Int, stride: Int, count: Int) -> Tensor {
    guard stride > 1 else { return slice(axis: axis, start..<start + count) }
    let end = start + stride * count
    let whole = end > shape[axis] ? padded(axis: axis, before: 0, after: end - shape[axis]) : self
    var sizes = shape.dimensions
    sizes[axis] = count
    var split = sizes
    split.insert(stride, at: axis + 1)
    return whole.slice(axis: axis, start..<end).reshaped(to: Shape(split))
      .slice(axis: axis + 1, 0..<1).reshaped(to: Shape(sizes))
  }
}
