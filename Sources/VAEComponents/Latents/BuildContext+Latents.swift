import Messages
import Tensors
import VAECore
import VAERecipes

extension BuildContext {
  /// What the network of an encoder ends in that proposes one layer of latents.
  ///
  /// - Throws: `RecipeError` where the prior has none, or several.
  public func headOfPosterior() throws(RecipeError) -> any PosteriorHead {
    if let posteriorHead { return posteriorHead }
    if let grid = latents.codes { return PointHead(grid) }
    if let units = latents.units { return GaussianHead(units: units) }
    throw RecipeError(
      .invalid,
      "\(part) works with one layer of latent units or codes, but the prior has \(latents.phrase)")
  }

  /// The numbers that a decoder gets for an example as one vector.
  ///
  /// - Throws: `RecipeError` where the prior has no latents.
  public func decoderInputs() throws(RecipeError) -> Int {
    guard !latents.isEmpty else {
      throw RecipeError(
        .invalid,
        "\(part) works with one layer of latent units or codes, but the prior has \(latents.phrase)"
      )
    }
    return latents.decoderInputShape.count
  }

  /// The grid of codes that a part is for, with the sizes of the images between the data and it.
  ///
  /// - Parameter part: its name, for errors.
  /// - Throws: `RecipeError` where the prior has no codes, or halving the image does not lead to
  ///   them.
  public func codeGrid(
    for part: String
  ) throws(RecipeError) -> (grid: CodeGrid, pyramid: Pyramid) {
    guard let grid = latents.codes else {
      throw RecipeError(
        .invalid,
        "\(part) is made for a grid of codes, but the prior has \(latents.phrase); choose "
          + "\(.setting("prior.name", "uniform-codes")) or another encoder and decoder")
    }
    var pyramid = Pyramid(height: data.height, width: data.width, levels: 0)
    while pyramid.top != (grid.height, grid.width) {
      guard pyramid.top != (1, 1) else {
        throw RecipeError(
          .invalid,
          "\(part) cannot reach \(grid.height)×\(grid.width) codes: halving images of \(data.height)×\(data.width) gives "
            + "\(pyramid.sizes.map { "\($0.height)×\($0.width)" }.joined(separator: ", "))")
      }
      pyramid = Pyramid(height: data.height, width: data.width, levels: pyramid.sizes.count)
    }
    return (grid, pyramid)
  }

  /// The map of latents that a part is for, which must have the size that halving the image some times
  /// leads to.
  ///
  /// - Parameters:
  ///   - part: its name, for errors.
  ///   - levels: how often the part halves the image.
  ///   - setting: the list of the part that has one number more than that, for errors.
  /// - Throws: `RecipeError` where the latents have no places, or a map of another size.
  public func latentMap(
    for part: String, levels: Int, setting: String
  ) throws(RecipeError) -> LatentMap {
    guard let map = latents.map else {
      throw RecipeError(
        .invalid,
        "\(part) is made for a map of latents, but the prior has \(latents.phrase); choose "
          + "\(.setting("prior.name", "standard-normal-map")) or another encoder and decoder")
    }
    try check(map, for: part, levels: levels, setting: setting)
    return map
  }

  /// The same for a part that works with codes as well: a grid is the map of their vectors.
  public func latentPlaces(
    for part: String, levels: Int, setting: String
  ) throws(RecipeError) -> LatentMap {
    guard let grid = latents.codes else {
      return try latentMap(for: part, levels: levels, setting: setting)
    }
    let map = LatentMap(height: grid.height, width: grid.width, channels: grid.vectorSize)
    try check(map, for: part, levels: levels, setting: setting)
    return map
  }

  private func check(
    _ map: LatentMap, for part: String, levels: Int, setting: String
  ) throws(RecipeError) {
    let top = Pyramid(height: data.height, width: data.width, levels: min(levels, 64)).top
    guard top == (map.height, map.width) else {
      throw RecipeError(
        .invalid,
        "\(part) halves images of \(data.height)×\(data.width) \(Count.of(levels, "time")), to \(top.height)×\(top.width), but the prior "
          + "has \(latents.phrase); let \(setting) have one number more than prior.levels")
    }
  }
}
