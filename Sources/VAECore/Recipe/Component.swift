import Tensors

/// The five places of a model that components fill.
public enum Role: String, Sendable, CaseIterable {
  /// q(z|x)
  case encoder
  /// p(z)
  case prior
  /// z to parameters
  case decoder
  /// p(x|z)
  case likelihood
  /// what is minimised
  case objective
}

/// A component as recipes name it: its hyper-parameters, and how it is made from them.
public struct Component<Part>: Sendable {
  /// The place it fills.
  public let role: Role
  /// The name in recipes, in kebab-case.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Its hyper-parameters, in order.
  public let hyperparameters: [Hyperparameter]
  /// Makes the part. Throws `RecipeError` where the values do not fit the data or each other.
  public let make: @Sendable (Hyperparameters, BuildContext) throws -> Part

  /// A component.
  public init(
    role: Role, name: String, summary: String, hyperparameters: [Hyperparameter],
    make: @escaping @Sendable (Hyperparameters, BuildContext) throws -> Part
  ) {
    self.role = role
    self.name = name
    self.summary = summary
    self.hyperparameters = hyperparameters
    self.make = make
  }
}

/// What a component may know when it is made.
public struct BuildContext: Sendable {
  /// The data it is for.
  public let data: DataDescription
  /// The prior's stochastic layers, the one nearest to the data first; known to all parts but the
  /// prior.
  public var latentSizes: [Int] = []
  /// How many numbers the likelihood needs for each channel of a pixel; known to encoder and
  /// decoder.
  public var parametersPerElement = 1
  /// Where initial weights come from.
  public var random: RandomSource

  /// A context for some data.
  public init(data: DataDescription, random: RandomSource) {
    self.data = data
    self.random = random
  }

  /// The shape of a decoder's output for one example.
  public var outputShape: Shape {
    [data.height, data.width, data.channels * parametersPerElement]
  }

  /// The size of the latent layer of a part that knows one layer only.
  public func singleLatentSize() throws(RecipeError) -> Int {
    guard latentSizes.count == 1 else {
      throw RecipeError(
        .invalid,
        "this encoder or decoder works with one latent layer, but the prior has \(latentSizes.count)"
      )
    }
    return latentSizes[0]
  }
}

extension BuildContext {
  /// Trained numbers that one part may have at most: with gradient and two moments, four gibibytes
  /// of memory.
  public static let parameterLimit = 1 << 28

  /// Refuses a part whose layers would not fit in memory, before any is made.
  ///
  /// - Parameter weightShapes: the shape of each layer's weights.
  public func checkSize(_ weightShapes: [[Int]]) throws(RecipeError) {
    var total = 0
    for shape in weightShapes {
      var count = 1
      for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        count = overflow ? Int.max : product
      }
      let (sum, overflow) = total.addingReportingOverflow(count)
      total = overflow ? Int.max : sum
    }
    guard total <= Self.parameterLimit else {
      throw RecipeError(
        .invalid,
        "an encoder or decoder of \(total == .max ? "over 10^18" : "\(total)") parameters is beyond the limit of "
          + "\(Self.parameterLimit); choose smaller hidden, channels or latent sizes")
    }
  }
}

/// What a model must know of its data.
public struct DataDescription: Equatable, Sendable {
  /// The range of the values.
  public enum Range: String, Sendable, CaseIterable {
    /// Zeros and ones.
    case binary
    /// Numbers between zero and one.
    case unit
    /// Any finite numbers.
    case real
  }

  /// Pixels from top to bottom.
  public let height: Int
  /// Pixels from left to right.
  public let width: Int
  /// Numbers a pixel.
  public let channels: Int
  /// The range of the values that the model sees.
  public let range: Range
  /// How stored values become those, for later commands on other data: "binary", "bytes/255" or
  /// "floats".
  public let rule: String

  /// A description.
  public init(height: Int, width: Int, channels: Int, range: Range, rule: String) {
    self.height = height
    self.width = width
    self.channels = channels
    self.range = range
    self.rule = rule
  }

  /// Numbers an example.
  public var elements: Int { height * width * channels }
}
