import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAERecipes

/// Takes pictures of any size through a model whose latents are a map, one at a time.
///
/// Nothing is built anew for a size: encoder and decoder are convolutions, whose weights do not depend on
/// it. Latents are the means of the posterior, and pictures the means of p(x|z), without noise.
public struct PictureCoder {
  private let encoder: any MapEncoder
  private let decoder: any MapDecoder
  private let likelihood: any Likelihood
  private let context: Context
  /// Channels of pictures, 1 or 3.
  public let pictureChannels: Int
  /// Channels of latents.
  public let latentChannels: Int
  /// Pixels along a side that a place of the latents stands for.
  public var pixelsPerPlace: Int { encoder.pixelsPerPlace }
  /// How a model of the latents takes them.
  public let scaling: LatentScaling
  /// The largest latents that bytes stand for; nil where the model has no such number.
  public var magnitude: Float? { decoder.latentMagnitude }

  /// A coder of a model.
  ///
  /// - Throws: `RecipeError` where the model has no map of latents, or its parts work at one size
  ///   alone.
  public init(_ trained: TrainedModel) throws(RecipeError) {
    let model = trained.model
    guard let map = model.prior.latents.map, let data = trained.recipe.data,
      let encoder = model.encoder as? any MapEncoder,
      let decoder = model.decoder as? any MapDecoder
    else {
      throw RecipeError(
        .unsuitableData,
        "\(trained.source) is a model for images of one size; pictures of any size need an encoder and a decoder that "
          + "work on maps, as those of autoencoder-tiny do")
    }
    guard data.range == .unit, data.channels == 1 || data.channels == 3, data.condition == nil
    else {
      throw RecipeError(
        .unsuitableData,
        "\(trained.source) was made for \(data.range.phrase) of \(Count.of(data.channels, "channel")), not for pictures"
      )
    }
    self.encoder = encoder
    self.decoder = decoder
    likelihood = model.likelihood
    context = trained.context(0, "evaluation", [0])
    pictureChannels = data.channels
    latentChannels = map.channels
    scaling = map.scaling
  }

  /// A picture as the model takes it, `[1, height, width, channels]` between 0 and 1. Grey becomes red,
  /// green and blue where the model has colours.
  ///
  /// - Throws: `RecipeError` for colours where the model is grey.
  public func tensor(_ picture: DecodedImage, name: String) throws(RecipeError) -> Tensor {
    let shape = picture.shape
    let values = Tensor(
      picture.bytes.map { Float($0) / 255 }, shape: [1, shape.height, shape.width, shape.channels])
    guard shape.channels != pictureChannels else { return values }
    guard shape.channels == 1 else {
      throw RecipeError(
        .unsuitableData, "\(name) is a picture in colours, but the model was made for grey ones")
    }
    return withoutTape {
      values.broadcast(to: [1, shape.height, shape.width, pictureChannels])
    }
  }

  /// The latents of a picture, `[1, ⌈height / p⌉, ⌈width / p⌉, channels]` with p pixels a place. A
  /// picture whose sides are no multiples of p goes on below and to the right as it ends.
  public func encode(_ picture: Tensor) -> Tensor {
    withoutTape { encoder.map(of: picture, context) }
  }

  /// The picture of latents, `[1, height, width, channels]` between 0 and 1.
  ///
  /// - Parameters:
  ///   - latents: `[1, rows, columns, channels]`.
  ///   - size: of the picture, where it is smaller than the places of the latents; nil for all of
  ///     these.
  public func decode(_ latents: Tensor, size: (height: Int, width: Int)? = nil) -> Tensor {
    withoutTape {
      let mean = likelihood.mean(decoder.parameters(of: latents, context)).clamped(to: 0...1)
      guard let size else { return mean }
      return mean.slice(axis: 1, 0..<min(size.height, mean.shape[1]))
        .slice(axis: 2, 0..<min(size.width, mean.shape[2]))
    }
  }

  /// Why an array cannot be latents of the model, in words that follow its name; nil where it can.
  public func misfit(of latents: Tensor) -> String? {
    guard latents.elementType == .float32 else { return " are whole numbers, not latents" }
    guard latents.rank == 4, latents.shape[3] == latentChannels,
      latents.shape.dimensions.allSatisfy({ $0 > 0 })
    else {
      return
        " have the shape \(latents.shape), but the model's are [N, height, width, \(latentChannels)]"
    }
    guard latents.isFinite else { return " hold numbers that are not finite" }
    return nil
  }

  /// Latents as bytes: ⌊255 (z / 2m + ½) + ½⌋ between 0 and 255, with m the `magnitude`, 3 in TAESD.
  ///
  /// - Throws: `RecipeError` where the model has no magnitude.
  public func bytes(of latents: Tensor) throws(RecipeError) -> [UInt8] {
    let magnitude = try knownMagnitude()
    return latents.floats.map { value in
      UInt8(min(255, max(0, (255 * (value / (2 * magnitude) + 0.5)).rounded())))
    }
  }

  /// Latents that bytes stand for, of a shape.
  ///
  /// - Throws: `RecipeError` where the model has no magnitude.
  public func latents(ofBytes bytes: [UInt8], shape: Shape) throws(RecipeError) -> Tensor {
    let magnitude = try knownMagnitude()
    return Tensor(shape) { elements in
      for (place, byte) in zip(elements.indices, bytes) {
        elements[place] = (Float(byte) / 255 - 0.5) * 2 * magnitude
      }
    }
  }

  /// Refuses latents whose picture would not fit in memory, before it is computed.
  ///
  /// - Throws: `MemoryError`.
  public func checkMemory(of latents: Tensor) throws {
    let places = latents.shape[1] * latents.shape[2]
    let (pixels, overflow) = places.multipliedReportingOverflow(by: pixelsPerPlace * pixelsPerPlace)
    // The picture, and the channels of the layer before it, of which there are more.
    let bytes = pixels.multipliedReportingOverflow(by: 8 * pictureChannels)
    try Memory.require(
      bytes: overflow || bytes.overflow ? .max : bytes.partialValue,
      for: "a picture of \(latents.shape[1] * pixelsPerPlace)×\(latents.shape[2] * pixelsPerPlace)")
  }

  /// Refuses what the model has made of a picture or of latents where some of its numbers are not finite.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func checkFinite(_ result: Tensor, name: String) throws(RecipeError) {
    guard !result.isFinite else { return }
    throw RecipeError(
      .unsuitableData,
      "\(PlainText.quoted(name)): the model's numbers are beyond those that 32-bit floats have; its weights, or the "
        + "latents, are too large")
  }

  private func knownMagnitude() throws(RecipeError) -> Float {
    guard let magnitude else {
      throw RecipeError(
        .unsuitableData,
        "the latents of this model have no largest magnitude, so bytes cannot stand for them; store them as floats"
      )
    }
    return magnitude
  }
}
