/// How the tiles overlap in which a large picture is taken where memory is short: the rules of diffusers.
public enum TileOverlap: Hashable, Sendable {
  /// By a quarter, as those of `AutoencoderKL`: rows are mixed, then columns.
  case quarter
  /// By an eighth, as those of `AutoencoderTiny`: each tile is laid over what is there.
  case eighth

  /// The part of a tile's side that is in the next one, too, one of so many.
  public var parts: Int { self == .quarter ? 4 : 8 }

  /// The places along the side of the smallest tile: of those of an eighth two places at least must overlap.
  public var leastPlaces: Int { self == .quarter ? 4 : 16 }
}
