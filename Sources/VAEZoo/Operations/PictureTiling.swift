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

  /// Whether a map of some size becomes more than one tile of some side: where one side is longer than a tile both are
  /// divided, and of tiles that are laid over each other where a second one begins within the map.
  private func divides(_ height: Int, _ width: Int, _ side: Int) -> Bool {
    max(height, width) > (overlap == .quarter ? side : advance(side))
  }

  /// Whether a picture of some size becomes more than one tile.
  func divides(height: Int, width: Int) -> Bool { divides(height, width, side) }

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
    guard divides(map.shape[1], map.shape[2], side) else { return try body(map, 0, 1) }
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
    // What reaches from the rows of tiles above into those at hand.
    var above: [Tensor] = []
    var finished: [[Tensor]] = []
    for (i, top) in rows.enumerated() {
      // What is finished of the rows at hand, and the last columns, which the next tile is laid over.
      var row: [[Tensor]] = []
      var before: [Tensor] = []
      for (j, left) in columns.enumerated() {
        let parts = try body(
          Self.tile(of: map, top, left, side), i * columns.count + j, rows.count * columns.count)
        let start = left * target / side
        try withMemoryErrors {
          withoutTape {
            let own = parts.enumerated().map { number, part in
              Self.laid(
                part, extent: target - step,
                over: i > 0
                  ? above[number].slice(axis: 2, start..<start + part.shape[2]) : nil,
                j > 0 ? before[number] : nil)
            }
            let isLast = j + 1 == columns.count
            row.append(isLast ? own : own.map { $0.slice(axis: 2, 0..<step) })
            before = isLast ? [] : own.map { $0.slice(axis: 2, step..<$0.shape[2]) }
          }
        }
      }
      try withMemoryErrors {
        withoutTape {
          let strips = row[0].indices.map { part in
            Tensor.concatenated(row.map { $0[part] }, axis: 2)
          }
          let isLast = i + 1 == rows.count
          finished.append(isLast ? strips : strips.map { $0.slice(axis: 1, 0..<step) })
          above = isLast ? [] : strips.map { $0.slice(axis: 1, step..<$0.shape[1]) }
        }
      }
    }
    return try withMemoryErrors {
      withoutTape {
        finished[0].indices.map { part in .concatenated(finished.map { $0[part] }, axis: 1) }
      }
    }
  }

  /// A tile laid over what is there: the rows that reach into it from above, and the columns from the tile before, which
  /// lies over those rows itself. Its weight grows from zero to one within the extent, along both axes.
  private static func laid(
    _ tile: Tensor, extent: Int, over above: Tensor?, _ before: Tensor?
  ) -> Tensor {
    func weight(_ size: Int, axis: Int) -> Tensor {
      var shape = [1, 1, 1, 1]
      shape[axis] = size
      return Tensor(
        (0..<size).map { Float(min(1, Double($0) / Double(extent - 1))) }, shape: Shape(shape))
    }
    func over(_ there: Tensor, _ new: Tensor, _ weight: Tensor) -> Tensor {
      new * weight + there * (1 - weight)
    }
    // Of the last tiles nothing may lie behind what they share.
    func joined(_ first: Tensor, _ second: Tensor, axis: Int) -> Tensor {
      second.count > 0 ? .concatenated([first, second], axis: axis) : first
    }
    let columns = before?.shape[2] ?? 0
    var own = tile.slice(axis: 2, columns..<tile.shape[2])
    if let above, own.count > 0 {
      let rows = above.shape[1]
      let seam = over(
        above.slice(axis: 2, columns..<above.shape[2]), own.slice(axis: 1, 0..<rows),
        weight(rows, axis: 1))
      own = joined(seam, own.slice(axis: 1, rows..<own.shape[1]), axis: 1)
    }
    guard let before else { return own }
    var share = weight(columns, axis: 2)
    if above != nil { share = share * weight(tile.shape[1], axis: 1) }
    return joined(over(before, tile.slice(axis: 2, 0..<columns), share), own, axis: 2)
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
