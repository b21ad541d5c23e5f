import Messages
import Tensors
import VAECore
import VAERecipes

/// The latents of a part that knows one layer: what its encoder ends in and its decoder begins
/// with.
enum SingleLatents: Hashable {
  /// Units, each with a Gaussian of its own.
  case units(Int)
  /// A grid of codes, for which an encoder gives points.
  case codes(CodeGrid)

  /// The numbers that an encoder gives for an example: a mean and a log-variance for each unit, or
  /// the points.
  var encoderOutputs: Int {
    switch self {
    case .units(let units): 2 * units
    case .codes(let grid): grid.count * grid.vectorSize
    }
  }

  /// The numbers that a decoder gets for an example.
  var decoderInputs: Int {
    switch self {
    case .units(let units): units
    case .codes(let grid): grid.count * grid.vectorSize
    }
  }

  /// The posterior of an encoder's output, `[N, …]`.
  func posterior(_ output: Tensor) -> any Posterior {
    switch self {
    case .units: return DiagonalGaussian(head: output)
    case .codes(let grid):
      let shape: Shape = [output.shape[0], grid.height, grid.width, grid.vectorSize]
      return PointPosterior(output.reshaped(to: shape))
    }
  }
}

extension BuildContext {
  /// The latents of a part that knows one layer only.
  func singleLatents() throws(RecipeError) -> SingleLatents {
    switch latents {
    case .vector(let units): return .units(units)
    case .codes(let grid): return .codes(grid)
    case .none, .hierarchy:
      throw RecipeError(
        .invalid,
        "\(part) works with one layer of latent units or codes, but the prior has \(latents.phrase)"
      )
    }
  }

  /// What a decoder that knows one layer only begins with: that layer, or of a hierarchy what is
  /// nearest to the data, as one vector.
  func decoderLatents() throws(RecipeError) -> SingleLatents {
    if case .hierarchy = latents { return .units(latents.decoderInputShape.count) }
    return try singleLatents()
  }

  /// The grid of codes that a part is for, with the sizes of the images between the data and it.
  ///
  /// - Parameter part: its name, for errors.
  /// - Throws: `RecipeError` where the prior has no codes, or halving the image does not lead to
  ///   them.
  public func codeGrid(
    for part: String
  ) throws(RecipeError) -> (grid: CodeGrid, pyramid: Pyramid) {
    guard case .codes(let grid) = latents else {
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
            + pyramid.sizes.map { "\($0.height)×\($0.width)" }.joined(separator: ", "))
      }
      pyramid = Pyramid(height: data.height, width: data.width, levels: pyramid.sizes.count)
    }
    return (grid, pyramid)
  }
}
