import Messages
import NeuralNetworks
import Tensors

/// What gives features of images and is never trained: a network layer by layer, or the encoder of another
/// model.
protocol FeatureExtractor: AnyObject {
  /// The names of the layers that give features, in order.
  var layerNames: [String] { get }
  /// The layer whose features stand for the image where none is named.
  var featureLayer: String { get }
  /// The names of the classes where it is a classifier.
  var classes: [String]? { get }
  /// The layer that gives the classes' logits.
  var logitLayer: String? { get }

  /// What LPIPS compares; none where there are no heads.
  var heads: [FrozenNetwork.Head] { get }

  /// Refuses images that it does not take as far as some of its layers.
  func check(_ image: Shape, _ range: ValueRange, upTo layers: [String]) throws(NetworkProblem)

  /// The outputs of some layers for images `[N, height, width, channels]`.
  func features(of images: Tensor, at names: [String]) -> [Tensor]
}

extension FrozenNetwork: FeatureExtractor {}

/// The encoder of a model that was trained before, as a feature extractor with one layer, `mean`: the means
/// of its posteriors, `[N, …]`.
final class FrozenEncoder: FeatureExtractor {
  private let described: DescribedModel

  /// The encoder of a model; its parameters are constants from now on.
  ///
  /// - Throws: `NetworkProblem` where its posteriors have no means, or it must be told a condition.
  init(_ described: DescribedModel) throws(NetworkProblem) {
    let model = described.model
    guard model.hasPosteriorMoments else {
      throw NetworkProblem("the posteriors of its encoder have no means to be features")
    }
    guard model.condition == nil else {
      throw NetworkProblem("its encoder is told a condition, which a feature extractor has not")
    }
    for parameter in model.encoder.parameters { parameter.parameter.isTrainable = false }
    self.described = described
  }

  /// One.
  var layerNames: [String] { [featureLayer] }
  /// The means.
  var featureLayer: String { "mean" }
  /// It is no classifier.
  var classes: [String]? { nil }
  /// It is no classifier.
  var logitLayer: String? { nil }
  /// It has none.
  var heads: [FrozenNetwork.Head] { [] }

  /// Refuses images of another size or range than those of the model.
  func check(
    _ image: Shape, _ range: ValueRange, upTo layers: [String]
  ) throws(NetworkProblem) {
    guard image == described.imageShape else {
      throw NetworkProblem(
        "its encoder takes images of \(Self.text(described.imageShape)), but the data have \(Self.text(image))"
      )
    }
    guard described.range == .real || range != .real else {
      throw NetworkProblem(
        "its encoder takes \(described.range.phrase), but the data have \(range.phrase)")
    }
  }

  private static func text(_ shape: Shape) -> String {
    shape.dimensions.map(String.init).joined(separator: "x")
  }

  /// The means.
  func features(of images: Tensor, at names: [String]) -> [Tensor] {
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 0),
      examples: (0..<images.shape[0]).map(UInt64.init))
    guard let mean = described.model.encoder.encode(images, context).mean else {
      fatalError("a frozen encoder gives posteriors with means")
    }
    return names.map { _ in mean }
  }
}

/// A model with the images that it is for.
package struct DescribedModel {
  /// The model, with its weights.
  package let model: Model
  /// `[height, width, channels]`
  package let imageShape: Shape
  /// Where values lie.
  package let range: ValueRange

  /// A model for images.
  package init(_ model: Model, imageShape: Shape, range: ValueRange) {
    (self.model, self.imageShape, self.range) = (model, imageShape, range)
  }
}
