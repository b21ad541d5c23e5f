import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAERecipes

/// Takes pictures of any size through a model whose latents are a map, one at a time.
///
/// A long computation asks again and again whether to go on; what `progress` throws ends it.
///
/// Nothing is built anew for a size: encoder and decoder are convolutions, whose weights do not depend on
/// it. Latents are the means of the posterior, and pictures the means of p(x|z), without noise.
public struct PictureCoder {
  private let encoder: any MapEncoder
  private let decoder: any MapDecoder
  private let likelihood: any Likelihood
  private let context: Context
  /// Throws what a part of the model has failed with.
  private let check: () throws -> Void
  /// Channels of pictures, 1 or 3.
  public let pictureChannels: Int
  /// Channels of latents.
  public let latentChannels: Int
  /// Pixels along a side that a place of the latents stands for.
  public var pixelsPerPlace: Int { encoder.pixelsPerPlace }
  /// How a model of the latents takes them; codes have no such thing.
  public let scaling: LatentScaling
  /// What makes codes of latents, where these are to become some.
  private let codePrior: (any CodePrior)?
  /// The tiles that larger pictures are taken in; nil for whole pictures.
  private let tiling: PictureTiling?
  private let precision: Precision
  /// The largest latents that bytes stand for; nil where the model has no such number.
  public var magnitude: Float? { decoder.latentMagnitude }

  /// A coder of a model.
  ///
  /// - Parameters:
  ///   - trained: the model.
  ///   - computation: how pictures are computed.
  /// - Throws: `RecipeError` where the model has no map of latents, or its parts work at one size
  ///   alone, and where it cannot be computed in this way.
  public init(
    _ trained: TrainedModel, _ computation: PictureComputation = PictureComputation()
  ) throws(RecipeError) {
    let model = trained.model
    guard let places = Self.places(of: model.prior.latents), let data = trained.recipe.data,
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
    guard model.likelihood.hasPointwiseMean else {
      throw RecipeError(
        .invalid,
        "the likelihood of \(trained.source) works only on images of the size that it was trained on; "
          + "train with \(.setting("likelihood", "gaussian")) for pictures of every size")
    }
    guard computation.precision.isSupported else {
      throw RecipeError(.invalid, "\(computation.precision.refusal)")
    }
    tiling = try computation.tile.map { side throws(RecipeError) in
      try PictureTiling(
        side: side, pixelsPerPlace: encoder.pixelsPerPlace, overlap: encoder.tileOverlap)
    }
    precision = computation.precision
    self.encoder = encoder
    self.decoder = decoder
    likelihood = model.likelihood
    context = trained.context(0, "evaluation", [0])
    check = { try model.checkParts() }
    pictureChannels = data.channels
    latentChannels = places.channels
    scaling = places.scaling
    codePrior = model.prior as? any CodePrior
  }

  /// Whether latents of a shape are the map of a picture, and no rows as the data of the recipe have.
  public static func takes(_ latents: Tensor, of model: Model) -> Bool {
    guard model.encoder is any MapEncoder, model.decoder is any MapDecoder else { return false }
    // Rows of units, and grids of the numbers of codes, are those of the recipe's images.
    return model.prior.latents.codes == nil ? latents.rank != 2 : latents.rank == 4
  }

  /// The channels of latents that have places, units or vectors of codes.
  private static func places(
    of latents: LatentSpace
  ) -> (channels: Int, scaling: LatentScaling)? {
    if let map = latents.map { return (map.channels, map.scaling) }
    return latents.codes.map { ($0.vectorSize, LatentScaling()) }
  }

  /// Refuses to scale latents that become codes.
  ///
  /// - Throws: `RecipeError`.
  public func check(isScaled: Bool) throws(RecipeError) {
    guard isScaled, codePrior != nil else { return }
    throw RecipeError(
      .unsuitableData, "the latents of this model become codes, which have no scaling factor")
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
  ///
  /// - Parameters:
  ///   - picture: `[1, height, width, channels]` between 0 and 1.
  ///   - progress: told the fraction done; what it throws ends the work.
  /// - Throws: `MemoryError`, `RecipeError` where numbers of the latents are not finite.
  public func encode(
    _ picture: Tensor, name: String = "the picture", progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    try moments(of: picture, name: name, .whole, progress).mean
  }

  private func moments(
    of picture: Tensor, name: String, _ share: Share, _ progress: (Double) throws -> Void
  ) throws -> (mean: Tensor, logVariance: Tensor?) {
    try checkMemory(height: picture.shape[1], width: picture.shape[2], count: 1, \.encoding)
    func moments(of tile: Tensor, _ share: Share) throws -> [Tensor] {
      let found = try watched(encoder, share, progress) { encoder.moments(of: tile, $0) }
      return [found.mean] + (found.logVariance.map { [$0] } ?? [])
    }
    let parts: [Tensor]
    if let tiling {
      let whole = try withMemoryErrors { withoutTape { encoder.extendedToPlaces(picture) } }
      parts = try tiling.assembled(whole, side: tiling.side, target: tiling.places) {
        try moments(of: $0, share.part($1, of: $2))
      }
    } else {
      parts = try moments(of: picture, share)
    }
    try checkFinite(parts[0], name: name)
    return (parts[0], parts.count > 1 ? parts[1] : nil)
  }

  /// What the encoder says about pictures of one size: means, variances and a draw, each
  /// `[N, rows, columns, channels]`; of a model with codes points, and the vectors of their codes. The draws of a picture follow from what it is.
  ///
  /// - Parameters:
  ///   - pictures: `[N, height, width, channels]` between 0 and 1, which `misfit(ofPictures:)` lets pass.
  ///   - isScaled: whether as a model that is trained on the latents takes them.
  ///   - seed: of the draws.
  ///   - progress: told the fraction done; what it throws ends the work.
  /// - Throws: `MemoryError`, `RecipeError` where pictures or latents are not finite.
  public func encoding(
    of pictures: Tensor, isScaled: Bool = false, seed: Int = 0,
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Encoding {
    try check(isScaled: isScaled)
    let parts = try each(pictures) { picture, share in
      let (mean, logVariance) = try moments(of: picture, name: "a picture", share, progress)
      return try withMemoryErrors {
        withoutTape {
          guard let logVariance else {
            // Points, and what stands for them.
            guard let codePrior else { return [mean] }
            return [mean, codePrior.vectors(of: codePrior.nearestCodes(to: mean))]
          }
          let variance = logVariance.exp()
          let noise = RandomSource(seed: UInt64(bitPattern: Int64(seed))).child("evaluation")
            .stream("posterior").normal(picture.rowHashes, shape: mean.shape.removingFirst)
          let draw = mean + variance.squareRoot() * noise
          guard isScaled else { return [mean, variance, draw] }
          let factor = scaling.factor
          return [scaling.scaled(mean), variance * (factor * factor), scaling.scaled(draw)]
        }
      }
    }
    return Encoding(
      mean: parts[0], variance: parts.count > 2 ? parts[1] : nil, codes: nil,
      samples: parts.last.map { [$0] } ?? [])
  }

  /// The picture of latents, `[N, height, width, channels]` between 0 and 1.
  ///
  /// - Parameters:
  ///   - latents: `[N, rows, columns, channels]`, which `misfit(of:)` lets pass. Those of a model with codes
  ///     become the nearest ones first.
  ///   - size: of the pictures, where they are smaller than the places of the latents; nil for all of
  ///     these.
  ///   - name: of the latents, for errors.
  ///   - progress: told the fraction done; what it throws ends the work.
  /// - Throws: `MemoryError`, and `RecipeError` where numbers of the picture are not finite.
  public func decode(
    _ latents: Tensor, size: (height: Int, width: Int)? = nil, name: String = "the latents",
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    try checkMemory(
      height: latents.shape[1] * pixelsPerPlace, width: latents.shape[2] * pixelsPerPlace,
      count: latents.shape[0], \.decoding)
    return try each(latents) { latents, share in
      func picture(of tile: Tensor, _ share: Share) throws -> Tensor {
        try watched(decoder, share, progress) {
          let known = codePrior.map { $0.vectors(of: $0.nearestCodes(to: tile)) } ?? tile
          return likelihood.mean(decoder.parameters(of: known, $0))
        }
      }
      var mean: Tensor
      if let tiling {
        mean = try tiling.assembled(latents, side: tiling.places, target: tiling.side) {
          [try picture(of: $0, share.part($1, of: $2))]
        }[0]
      } else {
        mean = try picture(of: latents, share)
      }
      try checkFinite(mean, name: name)
      return try withMemoryErrors {
        withoutTape {
          // One after the other, so that there are no more than two of a large picture.
          if let size, size.height < mean.shape[1] { mean = mean.slice(axis: 1, 0..<size.height) }
          if let size, size.width < mean.shape[2] { mean = mean.slice(axis: 2, 0..<size.width) }
          mean = mean.clamped(to: 0...1)
          return [mean]
        }
      }
    }[0]
  }

  /// One of several examples or tiles, for the fraction that is done.
  private struct Share {
    let number: Int
    let count: Int
    static let whole = Share(number: 0, count: 1)

    /// The fraction of all, of one of this example.
    func fraction(_ own: Double) -> Double { (Double(number) + own) / Double(count) }

    /// One of the parts of this one.
    func part(_ part: Int, of parts: Int) -> Share {
      Share(number: number * parts + part, count: count * parts)
    }
  }

  /// Takes examples one at a time, and puts what becomes of them together again.
  private func each(
    _ examples: Tensor, _ body: (_ example: Tensor, _ share: Share) throws -> [Tensor]
  ) throws -> [Tensor] {
    let count = examples.shape[0]
    let results = try (0..<count).map { number in
      try body(
        count == 1 ? examples : examples.rows(number..<number + 1),
        Share(number: number, count: count))
    }
    guard count > 1 else { return results.first ?? [] }
    return try withMemoryErrors {
      withoutTape {
        results[0].indices.map { part in Tensor.concatenated(results.map { $0[part] }, axis: 0) }
      }
    }
  }

  /// Runs a network that asks whether to go on.
  private func watched<Result>(
    _ network: some Module, _ share: Share, _ progress: (Double) throws -> Void,
    _ body: (Context) throws -> Result
  ) throws -> Result {
    try withoutActuallyEscaping(progress) { progress in
      var reason: (any Error)?
      var context = context
      let watch = ComputationWatch(over: network) { fraction in
        do {
          try progress(share.fraction(fraction))
          return true
        } catch {
          reason = error
          return false
        }
      }
      context.watch = watch
      do {
        let result = try withMemoryErrors {
          try MemoryPool.shared.sparingly {
            try withoutTape { try withInferencePrecision(precision) { try body(context) } }
          }
        }
        try check()
        return result
      } catch {
        throw reason ?? error
      }
    }
  }

  /// Why elements of a type, as it is called, cannot be latents, in words that follow their name. Of whole numbers
  /// bytes alone stand for latents, and others would not say whether they do.
  static func refusal(ofElements elements: String) -> Message {
    " hold \(elements), but must be floats, or bytes that stand for them: store latents as floats (float32), bytes as "
      + "uint8"
  }

  /// Values that pictures reach at most, which lie between 0 and 1 but for what resampling and noise add.
  private static let pictureRange: ClosedRange<Float> = -0.25...1.25

  /// Why an array cannot be latents of the model, in words that follow its name; nil where it can.
  public func misfit(of latents: Tensor) -> Message? {
    guard latents.elementType == .float32 else {
      return Self.refusal(ofElements: "32-bit integers")
    }
    let shape = latents.shape
    guard shape.dimensions.allSatisfy({ $0 > 0 }) else {
      return " are empty: their shape is \(shape)"
    }
    guard shape.rank == 4, shape[3] == latentChannels else {
      let found: Message =
        " have the shape \(shape), but the model's are [N, height, width, \(latentChannels)]"
      if shape.rank == 4, shape[1] == latentChannels {
        return found + "; as their channels seem to come first, use \(.channelsFirst)"
      }
      if shape.rank == 3, shape[2] == latentChannels || shape[0] == latentChannels {
        return found + "; put an axis of 1 before those of one picture"
      }
      return found
    }
    guard latents.isFinite else { return " hold numbers that are not finite" }
    return nil
  }

  /// Why an array cannot be pictures for the model, in words that follow its name; nil where it can.
  public func misfit(ofPictures pictures: Tensor) -> Message? {
    let shape = pictures.shape
    guard shape.rank == 4, shape.dimensions.allSatisfy({ $0 > 0 }), shape[3] == pictureChannels
    else {
      let found: Message =
        " have the shape \(shape), but the model takes [N, height, width, \(pictureChannels)]"
      guard shape.rank == 4, shape[1] == pictureChannels else { return found }
      return found + "; as their channels seem to come first, use \(.channelsFirst)"
    }
    guard pictures.isFinite else { return " hold numbers that are not finite" }
    let (least, greatest) = pictures.withFloats { floats in
      floats.reduce((Float.infinity, -Float.infinity)) { (min($0.0, $1), max($0.1, $1)) }
    }
    guard Self.pictureRange.contains(least), Self.pictureRange.contains(greatest) else {
      return
        " hold numbers from \(least) to \(greatest), but must be between 0 and 1; those between -1 and 1 become "
        + "x / 2 + 1/2, those up to 255 bytes or x / 255"
    }
    return nil
  }

  /// Why latents cannot be those of pictures of a size, in a sentence; nil where they can.
  public func misfit(ofSize size: (height: Int, width: Int), for latents: Tensor) -> Message? {
    let places = [latents.shape[1], latents.shape[2]]
    let fits = zip([size.height, size.width], places).allSatisfy { side, count in
      side > 0 && (count - 1) * pixelsPerPlace < side && side <= count * pixelsPerPlace
    }
    guard !fits else { return nil }
    return
      "latents of \(places[0])×\(places[1]) places are of pictures of up to \(places[0] * pixelsPerPlace)×\(places[1] * pixelsPerPlace) pixels, less than \(pixelsPerPlace) smaller along each side, not of \(size.height)×\(size.width)"
  }

  /// Pictures as bytes, ⌊255 x + ½⌋.
  public static func bytes(ofPictures pictures: Tensor) throws(MemoryError) -> [UInt8] {
    try Memory.require(bytes: pictures.count, for: "the bytes of the pictures")
    return pictures.withFloats { floats in
      floats.map { UInt8(255 * min(1, max(0, $0)) + 0.5) }
    }
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
        elements[place] = Self.latent(ofByte: Float(byte), magnitude)
      }
    }
  }

  /// Latents that bytes stand for, given as numbers from 0 to 255.
  ///
  /// - Throws: `RecipeError` where the model has no magnitude.
  public func latents(ofBytes bytes: Tensor) throws(RecipeError) -> Tensor {
    let magnitude = try knownMagnitude()
    return Tensor(bytes.shape) { elements in
      bytes.withFloats { bytes in
        for place in elements.indices {
          elements[place] = Self.latent(ofByte: bytes[place], magnitude)
        }
      }
    }
  }

  private static func latent(ofByte byte: Float, _ magnitude: Float) -> Float {
    (byte / 255 - 0.5) * 2 * magnitude
  }

  /// What a picture of a size takes beside the weights; nil where the layers do not state it.
  public func memory(height: Int, width: Int) -> PictureMemory? {
    memory(height: height, width: width, tile: tiling?.side)
  }

  private func memory(height: Int, width: Int, tile: Int?) -> PictureMemory? {
    try? PictureMemory(
      encoder: encoder, decoder: decoder, channels: pictureChannels, parameterCount: 0,
      height: height, width: width, tile: tile)
  }

  /// What pictures are asked for: what one takes on its way, its own numbers among it, and of several that come out all
  /// before and after they are put together.
  package func asked(
    _ memory: PictureMemory?, height: Int, width: Int, count: Int,
    _ part: KeyPath<PictureMemory, Int>
  ) -> Double {
    let kept = part == \.decoding && count > 1 ? 2 * count : memory == nil ? 2 : 0
    return Double(memory?[keyPath: part] ?? 0)
      + Double(height) * Double(width) * Double(4 * pictureChannels) * Double(kept)
  }

  /// Refuses what would not fit in memory, before it is computed.
  ///
  /// - Throws: `DataError` of kind `tooLarge`.
  private func checkMemory(
    height: Int, width: Int, count: Int, _ part: KeyPath<PictureMemory, Int>
  ) throws {
    func bytes(_ memory: PictureMemory?) -> Double {
      asked(memory, height: height, width: width, count: count, part)
    }
    let needed = bytes(memory(height: height, width: width))
    let isGranted =
      needed < Double(Memory.leastRequest) || Memory.grants(needed < 9e18 ? Int(needed) : .max)
    guard !isGranted else { return }
    let pictures = "\(Count.of(count, "picture")) of \(height)×\(width)"
    let there = MemoryError.amount(Double(Memory.available))
    let refusal: Message =
      "\(pictures) would take about \(MemoryError.amount(needed)) beside the weights, and \(there) are there; "
    let tile = tileThatHelps(height: height, width: width) { bytes($0) < 0.75 * needed }
    let advice: Message =
      tile.map { "use tiles, \(.tile($0)), take fewer, or give the process more memory" }
      ?? "take fewer or smaller ones, or give the process more memory"
    throw DataError(.tooLarge, refusal + advice)
  }

  /// The usual side of tiles, or the largest below it that fits the network, where that takes clearly less.
  private func tileThatHelps(
    height: Int, width: Int, _ helps: (PictureMemory) -> Bool
  ) -> Int? {
    let side = PictureTiling.usualSide(pixelsPerPlace, encoder.tileOverlap)
    guard tiling.map({ $0.side > side }) ?? true,
      let memory = memory(height: height, width: width, tile: side)
    else { return nil }
    return helps(memory) ? side : nil
  }

  /// Refuses what the model has made of a picture or of latents where some of its numbers are not finite.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  private func checkFinite(_ result: Tensor, name: String) throws(RecipeError) {
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
