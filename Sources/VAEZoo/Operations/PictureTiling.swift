import Messages
import NeuralNetworks
import Tensors
import VAERecipes

/// Squares that a large picture is taken in one by one where memory is short, by the rule of diffusers.
///
/// Of a side of T pixels and a map of t = T / p places, p pixels a place, tiles begin at multiples of ¾ T, and of
/// ¾ t where a map is decoded. Of what becomes of a tile the first quarter of its rows is mixed with the last rows of
/// the tile above, old · (1 − y / e) + new · y / e in row y of e, and then its columns with those of the
/// tile to the left; of all but the last tiles the first three quarters are kept.
///
/// This is not what the network makes of the whole picture: normalisation over the picture and attention see
/// a tile alone, so that tones may differ from one tile to the next.
public struct PictureTiling: Hashable, Sendable {
  /// Pixels along the side of a tile.
  public let side: Int
  /// Places along the side of a tile's map.
  let places: Int

  /// Pixels along the side of a picture, at most.
  private static let largestSide = 1 << 20

  /// How many pixels along a side are not in the next tile, as parts of a whole of four.
  private static let (advance, whole) = (3, 4)

  /// Tiles of a side.
  ///
  /// - Throws: `RecipeError` where tiles of this side would not begin at places.
  init(side: Int, pixelsPerPlace: Int) throws(RecipeError) {
    guard side <= Self.largestSide else {
      throw RecipeError(
        .invalid,
        "tiles of \(Count.of(side, "pixel")) are larger than any picture, \(Count.of(Self.largestSide, "pixel")); "
          + "choose fewer, such as \(.tile(Self.usualSide(pixelsPerPlace)))")
    }
    let step = Self.whole * pixelsPerPlace
    guard side > 0, side.isMultiple(of: step) else {
      throw RecipeError(
        .invalid,
        "tiles of \(Count.of(side, "pixel")) do not begin at places of the latents; choose a multiple of \(step), such as "
          + "\(.tile(max(step, (side + step / 2) / step * step)))"
      )
    }
    self.side = side
    places = side / pixelsPerPlace
  }

  /// The usual side of tiles, or the largest below it that fits the network.
  static func usualSide(_ pixelsPerPlace: Int) -> Int {
    let step = whole * pixelsPerPlace
    return max(step, PictureComputation.usualTile / step * step)
  }

  /// Where tiles of some side begin along an axis.
  private static func starts(_ size: Int, _ side: Int) -> [Int] {
    Array(stride(from: 0, to: size, by: side * advance / whole))
  }

  /// How many tiles of this side there are along an axis.
  func count(along size: Int) -> Int {
    let step = side * Self.advance / Self.whole
    // Of a size that a caller states, however large: nothing is made of that many places.
    return size / step + (size % step > 0 ? 1 : 0)
  }

  /// Puts together what becomes of the tiles of a map.
  ///
  /// - Parameters:
  ///   - map: `[1, height, width, channels]`.
  ///   - side: of a tile of the map.
  ///   - target: the side of what becomes of a tile.
  ///   - body: given a tile, its number and the number of all; gives arrays `[1, height, width, …]`.
  /// - Returns: as many arrays, of the whole map.
  static func assembled(
    _ map: Tensor, side: Int, target: Int,
    _ body: (_ tile: Tensor, _ number: Int, _ count: Int) throws -> [Tensor]
  ) throws -> [Tensor] {
    // Where one side is longer than a tile, both are divided, as diffusers does.
    guard max(map.shape[1], map.shape[2]) > side else { return try body(map, 0, 1) }
    let (rows, columns) = (starts(map.shape[1], side), starts(map.shape[2], side))
    let extent = target - target * advance / whole
    var above: [[Tensor]] = []
    var finished: [[Tensor]] = []
    for (i, top) in rows.enumerated() {
      var row: [[Tensor]] = []
      for (j, left) in columns.enumerated() {
        let tile = withoutTape {
          map.slice(axis: 1, top..<min(top + side, map.shape[1]))
            .slice(axis: 2, left..<min(left + side, map.shape[2]))
        }
        let parts = try body(tile, i * columns.count + j, rows.count * columns.count)
        row.append(
          try withMemoryErrors {
            withoutTape {
              parts.indices.map { part in
                var own = parts[part]
                if i > 0 { own = mixed(own, after: above[j][part], axis: 1, extent) }
                if j > 0 { own = mixed(own, after: row[j - 1][part], axis: 2, extent) }
                return own
              }
            }
          })
      }
      finished.append(
        try withMemoryErrors {
          withoutTape {
            row[0].indices.map { part in
              .concatenated(row.map { kept($0[part], target - extent) }, axis: 2)
            }
          }
        })
      above = row
    }
    return try withMemoryErrors {
      withoutTape {
        finished[0].indices.map { part in .concatenated(finished.map { $0[part] }, axis: 1) }
      }
    }
  }

  /// A tile whose first rows or columns go over from the last ones of its neighbour.
  private static func mixed(
    _ tile: Tensor, after neighbour: Tensor, axis: Int, _ extent: Int
  ) -> Tensor {
    let (size, other) = (tile.shape[axis], neighbour.shape[axis])
    let extent = min(extent, size, other)
    var shape = [1, 1, 1, 1]
    shape[axis] = extent
    let share = Tensor(
      (0..<extent).map { Float(Double($0) / Double(extent)) }, shape: Shape(shape))
    let seam =
      neighbour.slice(axis: axis, other - extent..<other) * (1 - share)
      + tile.slice(axis: axis, 0..<extent) * share
    guard extent < size else { return seam }
    return .concatenated([seam, tile.slice(axis: axis, extent..<size)], axis: axis)
  }

  /// The part of a tile that the next ones leave.
  private static func kept(_ tile: Tensor, _ limit: Int) -> Tensor {
    tile.slice(axis: 1, 0..<min(limit, tile.shape[1]))
      .slice(axis: 2, 0..<min(limit, tile.shape[2]))
  }
}

/// How pictures are computed, where the usual way takes too much memory or time.
public struct PictureComputation: Hashable, Sendable {
  /// The side of tiles in pixels; nil for whole pictures.
  public var tile: Int?
  /// What convolutions and products multiply.
  public var precision = Precision.float32

  /// Whole pictures, with 32-bit floats.
  public init(tile: Int? = nil, precision: Precision = .float32) {
    (self.tile, self.precision) = (tile, precision)
  }

  /// The side of tiles that diffusers has for the autoencoders of Stable Diffusion 1.
  public static let usualTile = 512
}
