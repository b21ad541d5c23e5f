import Tensors

/// What the latents of a model look like: what a prior states, and what encoders, decoders and
/// objectives are matched to before anything is built.
public enum LatentStructure: Hashable, Sendable {
  /// No latents at all.
  case none
  /// One layer of real units.
  case vector(units: Int)
  /// Several layers of real units, each conditioned on those above; the shape of each, the one
  /// nearest to the data first, and of what a top-down path hands to the decoder beside them.
  case hierarchy([Shape], features: Shape? = nil)
  /// A grid of discrete codes, each standing for a vector.
  case codes(CodeGrid)

  /// The shape, for one example, of what a decoder starts from.
  public var decoderInputShape: Shape {
    switch self {
    case .none: [0]
    case .vector(let units): [units]
    case .hierarchy(let layers, let features): features ?? layers.first ?? [0]
    case .codes(let grid): [grid.height, grid.width, grid.vectorSize]
    }
  }

  /// Whether latents are real numbers drawn from a posterior with a density, so that draws for one
  /// example differ.
  public var isContinuous: Bool {
    switch self {
    case .none, .codes: false
    case .vector, .hierarchy: true
    }
  }

  /// What it is in a sentence's middle, such as "a grid of 8×8 codes".
  public var phrase: String {
    switch self {
    case .none: "no latents"
    case .vector(let units): "one layer of \(units) units"
    case .hierarchy(let layers, _):
      "a hierarchy of \(layers.count) layers of \(layers.allSatisfy { $0.rank == 1 } ? "units" : "maps")"
    case .codes(let grid): "a grid of \(grid.height)×\(grid.width) discrete codes"
    }
  }
}

/// The sizes of a grid of discrete codes.
public struct CodeGrid: Hashable, Sendable {
  /// Codes from top to bottom.
  public let height: Int
  /// Codes from left to right.
  public let width: Int
  /// The number of different codes, K.
  public let codeCount: Int
  /// The numbers in the vector that a code stands for, D.
  public let vectorSize: Int

  /// A grid.
  public init(height: Int, width: Int, codeCount: Int, vectorSize: Int) {
    self.height = height
    self.width = width
    self.codeCount = codeCount
    self.vectorSize = vectorSize
  }

  /// Codes an example.
  public var count: Int { height * width }
}
