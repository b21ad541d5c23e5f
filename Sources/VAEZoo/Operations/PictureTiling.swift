import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Squares that a large picture is taken in one by one where memory is short, by the rules of diffusers.
///
/// Of a side of T pixels and a map of t = T / p places, p pixels a place, tiles begin at multiples of ¾ T, and of
/// ¾ t where a map is decoded. Of what becomes of a tile the first quarter of its rows is mixed with the last rows of
/// the tile above, old · (1 − y / e) + new · y / e in row y of e, and then its columns with those of the
/// tile to the left; of all but the last tiles the first three quarters are kept. That is the rule of `AutoencoderKL`.
///
/// By that of `AutoencoderTiny` tiles overlap by an eighth, and what becomes of a tile is laid over what is there with the
/// weight y / (e − 1) · x / (e − 1) in row y and column x, each factor one beyond the overlap and at the picture's edge.
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

  /// What neighbouring tiles share.
  private let overlap: TileOverlap

  /// Tiles of a side.
  ///
  /// - Throws: `RecipeError` where tiles of this side would not begin at places.
  init(side: Int, pixelsPerPlace: Int, overlap: TileOverlap) throws(RecipeError) {
    guard side <= Self.largestSide else {
      throw RecipeError(
        .invalid,
        "tiles of \(Count.of(side, "pixel")) are larger than any picture, \(Count.of(Self.largestSide, "pixel")); "
          + "choose fewer, such as \(.tile(Self.usualSide(pixelsPerPlace, overlap)))")
    }
    let step = overlap.parts * pixelsPerPlace
    let least = overlap.leastPlaces * pixelsPerPlace
    guard side >= least, side.isMultiple(of: step) else {
      throw RecipeError(
        .invalid,
        "tiles of \(Count.of(side, "pixel")) do not begin at places of the latents; choose a multiple of \(step)"
          + "\(least > step ? " from \(least) on" : ""), such as "
          + "\(.tile(max(least, (max(0, side) + step / 2) / step * step)))"
      )
    }
    self.side = side
    self.overlap = overlap
    places = side / pixelsPerPlace
  }

  /// The usual side of tiles, or the largest below it that fits the network.
  static func usualSide(_ pixelsPerPlace: Int, _ overlap: TileOverlap) -> Int {
    let step = overlap.parts * pixelsPerPlace
    return max(overlap.leastPlaces * pixelsPerPlace, PictureComputation.usualTile / step * step)
  }

  /// How far the next tile of some side begins.
  private func advance(_ side: Int) -> Int { side - side / overlap.parts }

  /// Where tiles of some side begin along an axis.
  private func starts(_ size: Int, _ side: Int) -> [Int] {
    Array(stride(from: 0, to: size, by: advance(side)))
  }

  /// How many tiles of this side there are along an axis.
  func count(along size: Int) -> Int {
    let step = advance(side)
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
  func assembled(
    _ map: Tensor, side: Int, target: Int,
    _ body: (_ tile: Tensor, _ number: Int, _ count: Int) throws -> [Tensor]
  ) throws -> [Tensor] {
    // Where one side is longer than a tile, both are divided, as diffusers does.
    guard max(map.shape[1], map.shape[2]) > side else { return try body(map, 0, 1) }
    switch overlap {
    case .quarter: return try mixed(map, side: side, target: target, body)
    case .eighth: return try laid(map, side: side, target: target, body)
    }
  }

  private func mixed(
    _ map: Tensor, side: Int, target: Int, _ body: (Tensor, Int, Int) throws -> [Tensor]
  ) throws -> [Tensor] {
    let (rows, columns) = (starts(map.shape[1], side), starts(map.shape[2], side))
    let extent = target - advance(target)
    var above: [[Tensor]] = []
    var finished: [[Tensor]] = []
    for (i, top) in rows.enumerated() {
      var row: [[Tensor]] = []
      for (j, left) in columns.enumerated() {
        let parts = try body(
          Self.tile(of: map, top, left, side), i * columns.count + j, rows.count * columns.count)
        row.append(
          try withMemoryErrors {
            withoutTape {
              parts.indices.map { part in
                var own = parts[part]
                if i > 0 { own = Self.mixed(own, after: above[j][part], axis: 1, extent) }
                if j > 0 { own = Self.mixed(own, after: row[j - 1][part], axis: 2, extent) }
                return own
              }
            }
          })
      }
      finished.append(
        try withMemoryErrors {
          withoutTape {
            row[0].indices.map { part in
              .concatenated(row.map { Self.kept($0[part], target - extent) }, axis: 2)
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

  private static func tile(of map: Tensor, _ top: Int, _ left: Int, _ side: Int) -> Tensor {
    withoutTape {
      map.slice(axis: 1, top..<min(top + side, map.shape[1]))
        .slice(axis: 2, left..<min(left + side, map.shape[2]))
    }
  }

  private func laid(
    _ map: Tensor, side: Int, target: Int, _ body: (Tensor, Int, Int) throws -> [Tensor]
  ) throws -> [Tensor] {
    let (rows, columns) = (starts(map.shape[1], side), starts(map.shape[2], side))
    let step = advance(target)
    // What has become of the rows of the tiles at hand.
    var strips: [Tensor] = []
    var finished: [[Tensor]] = []
    for (i, top) in rows.enumerated() {
      for (j, left) in columns.enumerated() {
        let parts = try body(
          Self.tile(of: map, top, left, side), i * columns.count + j, rows.count * columns.count)
        strips = try withMemoryErrors {
          withoutTape {
            parts.enumerated().map { number, part in
              var strip: Tensor
              if j > 0 {
                strip = strips[number]
              } else if i > 0 {
                // The tiles above reach into these rows.
                let above = strips[number]
                let below = above.slice(axis: 1, step..<above.shape[1])
                strip = below.padded(axis: 1, before: 0, after: part.shape[1] - below.shape[1])
              } else {
                strip = .zeros([
                  1, part.shape[1], map.shape[2] * target / side, part.shape[3],
                ])
              }
              strip = Self.laid(
                part, over: strip, at: left * target / side, extent: target - step,
                goesOver: (rows: i > 0, columns: j > 0))
              return strip
            }
          }
        }
      }
      finished.append(
        try withMemoryErrors {
          withoutTape {
            strips.map { i + 1 < rows.count ? $0.slice(axis: 1, 0..<step) : $0 }
          }
        })
    }
    return try withMemoryErrors {
      withoutTape {
        finished[0].indices.map { part in .concatenated(finished.map { $0[part] }, axis: 1) }
      }
    }
  }

  /// A strip with a tile laid over it from some column on. Where it goes over from what is there, its weight grows
  /// from zero to one within the extent.
  private static func laid(
    _ tile: Tensor, over strip: Tensor, at start: Int, extent: Int,
    goesOver: (rows: Bool, columns: Bool)
  ) -> Tensor {
    func weight(_ goesOver: Bool, axis: Int) -> Tensor {
      var shape = [1, 1, 1, 1]
      shape[axis] = tile.shape[axis]
      return Tensor(
        (0..<tile.shape[axis]).map {
          goesOver ? Float(min(1, Double($0) / Double(extent - 1))) : 1
        }, shape: Shape(shape))
    }
    let end = start + tile.shape[2]
    let weight = weight(goesOver.rows, axis: 1) * weight(goesOver.columns, axis: 2)
    let laid = tile * weight + strip.slice(axis: 2, start..<end) * (1 - weight)
    let parts = [
      strip.slice(axis: 2, 0..<start), laid, strip.slice(axis: 2, end..<strip.shape[2]),
    ]
    return .concatenated(parts.filter { $0.shape[2] > 0 }, axis: 2)
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
