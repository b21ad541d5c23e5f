import NeuralNetworks
import Tensors
import VAECore

/// A batch of data, its reconstructions and as many samples as a frozen network sees them. Each set of
/// images is made, and looked at, when a metric asks for it first.
public final class PictureFeatures {
  /// A set of images.
  public enum Pictures: Hashable, Sendable {
    /// The examples, as the model sees them.
    case data
    /// The means of p(x|z) at the draws of the evaluation; an autoregressive decoder draws images
    /// instead. None where the model has no latents.
    case reconstructions
    /// The means of p(x|z) at draws from the prior, one for each example, told what is known of it; an
    /// autoregressive decoder draws images instead.
    case samples
  }

  private let model: Model
  private let evaluation: Evaluation
  private let context: Context
  private let network: FrozenNetworkFile
  private var images: [Pictures: Tensor] = [:]
  private var maps: [Pictures: Tensor] = [:]

  /// Nothing made yet.
  ///
  /// - Parameters:
  ///   - model: what makes the images.
  ///   - evaluation: of the data, with one draw per example.
  ///   - context: of that evaluation.
  ///   - network: which is open.
  init(
    _ model: Model, _ evaluation: Evaluation, _ context: Context, in network: FrozenNetworkFile
  ) {
    (self.model, self.evaluation, self.context, self.network) = (
      model, evaluation, context, network
    )
  }

  /// The outputs of the network's layer, `[N, height, width, features]` or `[N, features]`; nil where there
  /// are no such images.
  public func maps(of pictures: Pictures) -> Tensor? {
    if let known = maps[pictures] { return known }
    let found = images(pictures).map { network.features(of: $0)[0] }
    maps[pictures] = found
    return found
  }

  /// The features of each image, `[N, features]`: of a layer that keeps places the means over these.
  public func vectors(of pictures: Pictures) -> Tensor? {
    maps(of: pictures).map { maps in
      guard maps.rank == 4 else { return maps }
      let places = maps.shape[1] * maps.shape[2]
      return maps.reshaped(to: [maps.shape[0], places, maps.shape[3]]).mean(axis: 1)
    }
  }

  /// The probabilities of the classes, `[N, classes]`; nil where there are no such images, or the network is
  /// no classifier.
  public func probabilities(of pictures: Pictures) -> Tensor? {
    images(pictures).flatMap { network.logits(of: $0) }?.softmax()
  }

  private func images(_ pictures: Pictures) -> Tensor? {
    if let known = images[pictures] { return known }
    let found: Tensor?
    switch pictures {
    case .data: found = evaluation.batch
    case .reconstructions where evaluation.draw.layers.isEmpty: found = nil
    case .reconstructions where model.decoder is any AutoregressiveDecoder:
      found = model.output(evaluation.draw, drawing: false, context)
    case .reconstructions: found = model.likelihood.mean(evaluation.parameters)
    case .samples:
      var own = context
      own.random = context.random.child("samples")
      // What is missing of an example is known of it, and not of what is drawn.
      own.mask = nil
      found = model.sample(own)
    }
    images[pictures] = found
    return found
  }
}
