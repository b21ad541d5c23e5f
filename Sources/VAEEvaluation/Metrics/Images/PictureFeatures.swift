import Tensors
import VAECore

/// A batch of data, its reconstructions and as many samples as a frozen network sees them. Each set of
/// images is looked at when a metric asks for it first.
public final class PictureFeatures {
  private let pictures: BatchPictures
  private let network: FrozenNetworkFile
  private var maps: [BatchPictures.Kind: Tensor] = [:]

  /// Nothing looked at yet.
  ///
  /// - Parameters:
  ///   - pictures: the images.
  ///   - network: which is open.
  init(of pictures: BatchPictures, in network: FrozenNetworkFile) {
    (self.pictures, self.network) = (pictures, network)
  }

  /// The outputs of the network's layer, `[N, height, width, features]` or `[N, features]`; nil where there
  /// are no such images.
  public func maps(of kind: BatchPictures.Kind) -> Tensor? {
    if let known = maps[kind] { return known }
    let found = pictures[kind].map { network.features(of: $0)[0] }
    maps[kind] = found
    return found
  }

  /// The features of each image, `[N, features]`: of a layer that keeps places the means over these.
  public func vectors(of kind: BatchPictures.Kind) -> Tensor? {
    maps(of: kind).map { maps in
      guard maps.rank == 4 else { return maps }
      let places = maps.shape[1] * maps.shape[2]
      return maps.reshaped(to: [maps.shape[0], places, maps.shape[3]]).mean(axis: 1)
    }
  }

  /// The probabilities of the classes, `[N, classes]`; nil where there are no such images, or the network is
  /// no classifier.
  public func probabilities(of kind: BatchPictures.Kind) -> Tensor? {
    pictures[kind].flatMap { network.logits(of: $0) }?.softmax()
  }
}
