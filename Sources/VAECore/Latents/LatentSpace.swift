import Tensors

/// What the latents of a model are: what a prior states, and what encoders, decoders, objectives,
/// commands and pictures are matched to.
///
/// It is a value that answers questions. Nothing else asks which kind of latents there are: code that
/// needs to know something that no answer here tells adds the question.
///
/// ```swift
/// let units = LatentSpace.units(20)
/// print(units.phrase, units.decoderInputShape, units.hasOwnMoments)  // one layer of 20 units [20] true
/// let ladder = LatentSpace.hierarchy([[64], [32]])
/// print(ladder.unitCount, ladder.units as Any)  // 96 nil
/// ```
public struct LatentSpace: Hashable, Sendable {
  /// What the numbers of a layer are.
  private enum Content: Hashable {
    /// Real numbers with a density.
    case reals
    /// The vectors that codes of a grid stand for.
    case codes(CodeGrid)
  }

  /// The shape of each stochastic layer for one example, the one nearest to the data first; for
  /// codes that of their vectors.
  public let layerShapes: [Shape]
  /// Whether the layers are conditioned on each other, each on those above it, so that a layer's
  /// posterior depends on what was drawn above.
  public let isHierarchy: Bool
  /// The places of the units of a single layer, where they have any.
  public let map: LatentMap?
  /// What a top-down path hands to the decoder beside the layers, for one example.
  private let features: Shape?
  private let content: Content

  private init(
    _ layerShapes: [Shape], _ content: Content, isHierarchy: Bool = false, features: Shape? = nil,
    map: LatentMap? = nil
  ) {
    self.layerShapes = layerShapes
    self.content = content
    self.isHierarchy = isHierarchy
    self.features = features
    self.map = map
  }

  // MARK: Kinds

  /// No latents at all.
  public static let none = LatentSpace([], .reals)

  /// One layer of real units.
  public static func units(_ count: Int) -> LatentSpace { LatentSpace([[count]], .reals) }

  /// One layer of real units that have places over the image. To whoever does not ask for the places it
  /// is a layer of units like any other, row after row of the map, the units of a place side by side.
  public static func map(_ map: LatentMap) -> LatentSpace {
    LatentSpace([[map.count]], .reals, map: map)
  }

  /// Several layers of real units or maps, each conditioned on those above.
  ///
  /// - Parameters:
  ///   - layers: the shape of each for one example, the one nearest to the data first.
  ///   - features: of what a top-down path hands to the decoder beside them.
  public static func hierarchy(_ layers: [Shape], features: Shape? = nil) -> LatentSpace {
    LatentSpace(layers, .reals, isHierarchy: true, features: features)
  }

  /// A grid of discrete codes, each standing for a vector.
  public static func codes(_ grid: CodeGrid) -> LatentSpace {
    LatentSpace([[grid.height, grid.width, grid.vectorSize]], .codes(grid))
  }

  // MARK: Answers

  /// Whether there are no latents.
  public var isEmpty: Bool { layerShapes.isEmpty }

  /// Whether latents are real numbers drawn from a posterior with a density, so that draws for one
  /// example differ.
  public var isContinuous: Bool { !isEmpty && codes == nil }

  /// The grid, where the latents are discrete codes.
  public var codes: CodeGrid? {
    if case .codes(let grid) = content { grid } else { nil }
  }

  /// The number of units where there is one layer of them, not conditioned on others; else nil.
  public var units: Int? {
    guard isContinuous, !isHierarchy, layerShapes[0].rank == 1 else { return nil }
    return layerShapes[0].count
  }

  /// The number of units where there is one layer of them, without places over the image: what a prior can be
  /// fitted to as it is; else nil.
  public var vectorUnits: Int? { map == nil ? units : nil }

  /// The real numbers that an example's latents are; zero for codes.
  public var unitCount: Int {
    isContinuous ? layerShapes.reduce(0) { $0 + $1.count } : 0
  }

  /// The shape, for one example, of what a decoder starts from.
  public var decoderInputShape: Shape { features ?? layerShapes.first ?? [0] }

  /// Whether the posterior of a layer has means and variances that stand for an example by
  /// themselves; in a hierarchy they follow from draws above, and draws stand for it.
  public var hasOwnMoments: Bool { isContinuous && !isHierarchy }

  /// The shape of a row where the latents of an example are one array: units of all layers side by
  /// side, or the vectors of codes.
  public var rowShape: Shape {
    if let first = layerShapes.first, !isHierarchy { return first }
    return [unitCount]
  }

  /// The shape of a row of code numbers; nil where latents are no codes.
  public var codeRowShape: Shape? { codes.map { [$0.height, $0.width] } }

  /// What an array of latents looks like, such as "floating-point numbers [N, 20]".
  public var rowPhrase: String {
    guard !isEmpty else { return "none" }
    func text(_ row: Shape) -> String {
      "[" + (["N"] + row.dimensions.map(String.init)).joined(separator: ", ") + "]"
    }
    guard let codeRow = codeRowShape else { return "floating-point numbers \(text(rowShape))" }
    return "whole numbers \(text(codeRow)) or floating-point vectors \(text(rowShape))"
  }

  /// What it is in a sentence's middle, such as "a grid of 8×8 discrete codes".
  public var phrase: String {
    if isEmpty { return "no latents" }
    if let codes { return "a grid of \(codes.height)×\(codes.width) discrete codes" }
    if let map {
      return "a map of \(map.height)×\(map.width) places with \(map.channels) latent units each"
    }
    if let units { return "one layer of \(units) units" }
    return
      "a hierarchy of \(layerShapes.count) layers of \(layerShapes.allSatisfy { $0.rank == 1 } ? "units" : "maps")"
  }
}
