import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles
import VAERecipes

/// What memory a picture of a size takes on its way through a model whose latents are a map, before it is
/// tried: an estimate from the shapes that the layers state, on the safe side.
///
/// Layers work over the whole picture, or over a tile, one after the other. At the worst moment a block holds what
/// it adds to in the end, what a convolution reads and what it writes, beside the weights.
public struct PictureMemory: Sendable {
  /// Pixels from top to bottom, and from left to right.
  public let height: Int, width: Int
  /// The side of tiles in pixels; nil for whole pictures.
  public let tile: Int?
  /// Bytes of the weights.
  public let weights: Int
  /// Bytes of what the encoder, and the decoder, compute with at the worst moment.
  public let encoding: Int, decoding: Int

  /// Bytes that opening the model takes for a moment: the weights as a file and as a model.
  public var opening: Int { Self.product(weights, 2) }

  /// What the process takes at the worst moment.
  public var total: Int { max(opening, Self.sum(weights, max(encoding, decoding))) }

  /// For a picture of a size; nil where the layers do not state their shapes.
  ///
  /// - Throws: `ShapeMisfit` where a layer cannot take such a picture, `RecipeError` for tiles that do not fit.
  init?(
    encoder: any MapEncoder, decoder: any MapDecoder, channels: Int, parameterCount: Int,
    height: Int, width: Int, tile: Int?
  ) throws {
    let tiling = try tile.map { side throws(RecipeError) in
      try PictureTiling(
        side: side, pixelsPerPlace: encoder.pixelsPerPlace, overlap: encoder.tileOverlap)
    }
    func part(_ size: Int) -> Int { tiling.map { min($0.side, size) } ?? size }
    let size: Shape = [part(height), part(width), channels]
    var trace = ShapeTrace()
    guard try trace.pass(size, through: encoder, "encoder") != nil else { return nil }
    let places = encoder.extendedToPlaces(size)
    let map: Shape = [
      places[0] / encoder.pixelsPerPlace, places[1] / encoder.pixelsPerPlace, decoder.map.channels,
    ]
    var back = ShapeTrace()
    guard let parameters = try decoder.parametersShape(of: map, &back) else { return nil }
    self.height = height
    self.width = width
    self.tile = tile
    weights = Self.product(parameterCount, 4)
    // Tiles of two rows wait for their neighbours, beside what has been put together.
    let kept = { (tile: Shape, whole: Int) -> Int in
      guard let tiling, tiling.divides(height: height, width: width) else { return 0 }
      let row = Self.product(tile.count, Self.product(8, tiling.count(along: width)))
      return Self.sum(row, Self.product(whole, 4 * tile[2]))
    }
    let area = Self.product(height, width)
    let pixels = encoder.pixelsPerPlace * encoder.pixelsPerPlace
    // The picture, and the same on whole places, are there while its tiles are encoded; in the end it is cut to its values,
    // and to its size, and stored.
    let picture = Self.product(area, 4 * channels)
    let isTiled = tiling?.divides(height: height, width: width) ?? false
    encoding = Self.sum(
      Self.sum(trace.largestBytes, kept([map[0], map[1], 2 * map[2]], area / pixels)),
      isTiled ? Self.product(picture, 2) : 0)
    decoding = max(
      Self.sum(back.largestBytes, kept(parameters, area)), Self.product(picture, 3))
  }

  /// For a picture of a size, by a model of a recipe that is planned and gets no weights.
  ///
  /// - Parameters:
  ///   - recipe: one without data is taken for pictures in colours.
  ///   - height: pixels from top to bottom.
  ///   - width: pixels from left to right.
  ///   - tile: the side of tiles; nil for whole pictures.
  ///   - registry: the variants and components that the recipe may name.
  /// - Throws: `RecipeError` where the model works at one size alone, and what `Registry.plan` throws.
  public init(
    of recipe: Recipe, height: Int, width: Int, tile: Int? = nil, registry: Registry
  ) throws {
    var recipe = recipe
    let standIn = DataDescription(
      height: 64, width: 64, channels: 3, range: .unit, rule: "bytes/255")
    if recipe.data == nil {
      recipe = try registry.settled(recipe, []) { StandInData($0 ?? standIn) }.recipe
    }
    let model = try registry.plan(recipe)
    guard let encoder = model.encoder as? any MapEncoder,
      let decoder = model.decoder as? any MapDecoder,
      let memory = try PictureMemory(
        encoder: encoder, decoder: decoder, channels: recipe.data?.channels ?? 3,
        parameterCount: model.parameterCount, height: height, width: width, tile: tile)
    else {
      throw RecipeError(
        .invalid,
        "a model of \(recipe.variant) with these parts takes images of one size; pictures of any size need an encoder and a "
          + "decoder that work on maps, as those of autoencoder-tiny do")
    }
    self = memory
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (value, isBeyond) = a.multipliedReportingOverflow(by: b)
    return isBeyond ? .max : value
  }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (value, isBeyond) = a.addingReportingOverflow(b)
    return isBeyond ? .max : value
  }

  /// As JSON: `height`, `width`, `tile`, null for none, and bytes as `weights`, `opening`, `encoding`, `decoding`, `total` and `available`.
  public var json: JSON {
    .object([
      "height": .integer(height), "width": .integer(width),
      "tile": tile.map { .integer($0) } ?? .null, "weights": .integer(weights),
      "opening": .integer(opening),
      "encoding": .integer(encoding), "decoding": .integer(decoding), "total": .integer(total),
      "available": .integer(Memory.available),
    ])
  }
}
