import NeuralNetworks
import Tensors

/// An encoder whose latents are a map over the image, each place seeing its surroundings alone, and
/// which therefore takes images of any size, not only of that of its recipe.
public protocol MapEncoder: Encoder {
  /// Pixels along a side that one place of the map stands for.
  var pixelsPerPlace: Int { get }

  /// What neighbouring tiles of a large picture share.
  var tileOverlap: TileOverlap { get }

  /// The posterior as a map, `[N, ⌈height / p⌉, ⌈width / p⌉, channels]` with p pixels a place: its means and
  /// log-variances; the points alone that become codes. An image whose sides are no multiples of p goes on below and to the right as it ends.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]` of any size, in the range that the data source states.
  ///   - context: why the call is made, and where random numbers come from.
  func moments(of x: Tensor, _ context: Context) -> (mean: Tensor, logVariance: Tensor?)
}

extension MapEncoder {
  /// A quarter.
  public var tileOverlap: TileOverlap { .quarter }

  /// A Gaussian at each place, as a layer of units; points where there are no variances.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let (mean, logVariance) = moments(of: x, context)
    guard let logVariance else { return PointPosterior(mean) }
    return DiagonalGaussian(mean: mean.flattened(), logVariance: logVariance.flattened())
  }
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
  /// The map of the recipe's images, of units or of the vectors of codes.
  var map: LatentMap { get }

  /// The pixels of the recipe's images, beyond which the last places of the map may reach.
  var imageSize: (height: Int, width: Int) { get }

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

  /// The shape of these parameters for one map `[height, width, channels]` of any size: its shape rule.
  ///
  /// - Throws: `ShapeMisfit` where it cannot take the map.
  func parametersShape(of map: Shape, _ trace: inout ShapeTrace) throws -> Shape?
}

extension MapDecoder {
  /// There is none.
  public var latentMagnitude: Float? { nil }

  /// The parameters of the recipe's images.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try parametersShape(of: map.shape, &trace).map { [imageSize.height, imageSize.width, $0[2]] }
  }

  /// The parameters of the recipe's images, from latents as one layer of units or as vectors: cut to the size of the
  /// images.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let latents = draw.decoderInput
    let shape = Shape([latents.shape[0]] + map.shape.dimensions)
    return parameters(of: latents.reshaped(to: shape), context)
      .slice(axis: 1, 0..<imageSize.height).slice(axis: 2, 0..<imageSize.width)
  }
}
