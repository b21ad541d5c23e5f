import NeuralNetworks
import Tensors

/// An encoder whose latents are a map over the image, each place seeing its surroundings alone, and
/// which therefore takes images of any size, not only of that of its recipe.
public protocol MapEncoder: Encoder {
  /// Pixels along a side that one place of the map stands for.
  var pixelsPerPlace: Int { get }

  /// The means of the posterior as a map, `[N, ⌈height / p⌉, ⌈width / p⌉, channels]` with p pixels a
  /// place. An image whose sides are no multiples of p goes on below and to the right as it ends.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]` of any size, in the range that the data source states.
  ///   - context: why the call is made, and where random numbers come from.
  func map(of x: Tensor, _ context: Context) -> Tensor
}

extension MapEncoder {
  /// An image that goes on below and to the right as it ends, to whole places.
  public func extendedToPlaces(_ x: Tensor) -> Tensor {
    let whole = extendedToPlaces(x.shape.removingFirst)
    return x.extended(axis: 1, by: whole[0] - x.shape[1])
      .extended(axis: 2, by: whole[1] - x.shape[2])
  }

  /// The shape of an image `[height, width, channels]` that goes on to whole places.
  public func extendedToPlaces(_ shape: Shape) -> Shape {
    func whole(_ size: Int) -> Int { (size + pixelsPerPlace - 1) / pixelsPerPlace * pixelsPerPlace }
    return [whole(shape[0]), whole(shape[1]), shape[2]]
  }
}

/// A decoder of such maps.
public protocol MapDecoder: Decoder {
  /// Pixels along a side that one place of the map stands for.
  var pixelsPerPlace: Int { get }

  /// Latents beyond ± this number are all but lost, so that it is the range of latents stored as
  /// bytes; nil where there is no such number.
  var latentMagnitude: Float? { get }

  /// The likelihood's parameters, `[N, height · p, width · p, …]` with p pixels a place.
  ///
  /// - Parameters:
  ///   - map: `[N, height, width, channels]` of any size.
  ///   - context: why the call is made, and where random numbers come from.
  func parameters(of map: Tensor, _ context: Context) -> Tensor
}

extension MapDecoder {
  /// There is none.
  public var latentMagnitude: Float? { nil }
}
