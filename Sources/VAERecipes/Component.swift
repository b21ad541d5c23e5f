import Messages
import Tensors
import VAECore
import VAEFiles

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
  private let declarations: Declarations
  /// `Registry.builtInOrigin`, the file of the plug-in that brought it, or the name that a program gave to the variant
  /// that it came with.
  public internal(set) var origin: String
  /// Whether the part listens to what is known beside the data. A recipe with such a part is one of
  /// p(x|y), and its data part names the condition y.
  public let usesCondition: Bool
  /// Whether the part, an encoder, is told which values are missing. The data part of a recipe with such
  /// a part says that values may be.
  public let usesMask: Bool
  /// Whether the part, a likelihood, prices counts alone, so that the numbers of a table become counts where a recipe has
  /// it.
  public let takesCounts: Bool
  /// Makes the part, whose weights have no values yet. Throws `RecipeError` where the values do not fit the
  /// data or each other.
  public let make: @Sendable (HyperparameterValues, BuildContext) throws -> Part

  /// A component whose hyper-parameters are known by declarations alone: one of a plug-in, or one
  /// that is made from another component.
  public init(
    role: Role, name: String, summary: String,
    declarations: @autoclosure @escaping @Sendable () -> [Hyperparameter],
    origin: String = Registry.builtInOrigin, usesCondition: Bool = false,
    usesMask: Bool = false, takesCounts: Bool = false,
    make: @escaping @Sendable (HyperparameterValues, BuildContext) throws -> Part
  ) {
    self.role = role
    self.name = name
    self.summary = summary
    self.declarations = Declarations(declarations)
    self.origin = origin
    self.usesCondition = usesCondition
    self.usesMask = usesMask
    self.takesCounts = takesCounts
    self.make = make
  }

  /// Its hyper-parameters, in order.
  public var hyperparameters: [Hyperparameter] { declarations.value }

  /// A component with the hyper-parameters that a struct declares.
  ///
  /// - Parameters:
  ///   - role: the place it fills.
  ///   - name: in recipes, kebab-case.
  ///   - summary: what it is, in one line.
  ///   - options: the defaults.
  ///   - usesCondition: whether it listens to what is known beside the data.
  ///   - usesMask: whether it is told which values are missing.
  ///   - takesCounts: whether it, a likelihood, is one of counts 0, 1, 2, …
  ///   - make: makes the part of what a recipe sets.
  public init<Options: HyperparameterSet>(
    role: Role, name: String, summary: String, options: Options, usesCondition: Bool = false,
    usesMask: Bool = false, takesCounts: Bool = false,
    make: @escaping @Sendable (Options, BuildContext) throws -> Part
  ) {
    self.init(
      role: role, name: name, summary: summary, declarations: options.declarations,
      usesCondition: usesCondition, usesMask: usesMask, takesCounts: takesCounts
    ) { values, build in try make(Options(values), build) }
  }

  /// A component without hyper-parameters.
  public init(
    role: Role, name: String, summary: String, usesCondition: Bool = false,
    takesCounts: Bool = false, make: @escaping @Sendable (BuildContext) throws -> Part
  ) {
    self.init(
      role: role, name: name, summary: summary, declarations: [], usesCondition: usesCondition,
      takesCounts: takesCounts
    ) { _, build in try make(build) }
  }
}

/// The declarations of a component, made when they are first asked for: whoever lists variants needs none.
private final class Declarations: Sendable {
  private let make: @Sendable () -> [Hyperparameter]
  private let made = Lock<[Hyperparameter]?>(nil)

  init(_ make: @escaping @Sendable () -> [Hyperparameter]) { self.make = make }

  var value: [Hyperparameter] {
    made.withLock { made in
      let value = made ?? make()
      made = value
      return value
    }
  }
}

/// What a component may know when it is made.
public struct BuildContext {
  /// Its role and name, such as "decoder mlp", for errors.
  public var part = "this part"
  /// The data it is for.
  public var data: DataDescription
  /// What the prior's latents look like; known to all parts but the prior.
  public var latents = LatentSpace.none
  /// How many numbers the likelihood needs for a pixel; known to encoder, decoder and objective.
  public var parametersPerPixel = 1
  /// Whether the likelihood conditions a pixel's channels on each other itself; known to encoder,
  /// decoder and objective.
  public var couplesChannels = false
  /// What the network of an encoder ends in, where that is another posterior than the one that the
  /// latents suggest.
  public var posteriorHead: (any PosteriorHead)?
  /// What the encoder's posteriors can say about themselves; known to the objective.
  public var posteriorTraits = PosteriorTraits()
  /// The prior; known to all parts but itself.
  public var prior: (any Prior)?
  /// The decoder; known to the objective.
  public var decoder: (any Decoder)?
  /// Where initial weights come from.
  public var random: RandomSource
  /// What opens a file that holds a model of the zoo, for frozen networks; see `FrozenNetworkFile`.
  package var openModel: ((Safetensors) throws(NetworkProblem) -> DescribedModel?)?

  /// A context for some data.
  public init(data: DataDescription, random: RandomSource) {
    self.data = data
    self.random = random
  }

  /// What is known beside the data; nil for a model of p(x). A component that says that it uses a
  /// condition is only made where there is one.
  public var condition: ConditionSpace? { data.condition }

  /// The shape of a decoder's output for one example.
  public var outputShape: Shape {
    [data.height, data.width, parametersPerPixel]
  }

  /// The size of the latent layer of a part that knows one layer of units only.
  public func singleLatentSize() throws(RecipeError) -> Int {
    guard let units = latents.units else {
      throw RecipeError(
        .invalid,
        "this part works with one layer of latent units, but the prior has \(latents.phrase)")
    }
    return units
  }
}

extension BuildContext {
  /// Trained numbers that one part may have at most: with gradient and two moments, four gibibytes
  /// of memory.
  public static let parameterLimit = 1 << 28

  /// Refuses a part whose parameters and buffers would not fit in memory.
  ///
  /// - Parameters:
  ///   - parameters: how many trained numbers there are.
  ///   - buffers: how many others are saved; they have no gradient and no moments.
  ///   - remedy: what to make smaller.
  /// - Throws: `RecipeError` of kind `invalid`.
  package func checkSize(
    parameters: [Shape], buffers: [Shape] = [], remedy: @autoclosure () -> Message
  ) throws(RecipeError) {
    func numbers(_ shapes: [Shape]) -> Int {
      shapes.reduce(0) { $0 > Int.max / 2 ? $0 : $0 + min($1.count, Int.max / 2) }
    }
    let count = numbers(parameters)
    guard count + numbers(buffers) / 4 <= Self.parameterLimit else {
      let all = max(count, numbers(buffers))
      throw RecipeError(
        .invalid,
        "\(part) of \(all >= 1 << 60 ? "over 10^18" : "\(all)") parameters is beyond the limit of "
          + "\(Self.parameterLimit); choose smaller " + remedy())
    }
  }
}

/// What a model must know of its data.
public struct DataDescription: Equatable, Sendable {
  /// Pixels from top to bottom.
  public let height: Int
  /// Pixels from left to right.
  public let width: Int
  /// Numbers a pixel.
  public let channels: Int
  /// The range of the values that the model sees.
  public let range: ValueRange
  /// How stored values become those, for later commands on other data: "binary", "binary/255", "bytes/255",
  /// "floats" or "table".
  public let rule: String
  /// What was done to images before, such as "size=64 crop", for later commands on other data; nil
  /// for nothing.
  public let preparation: String?
  /// The first value that is none of the 256 levels k/255, such as "train[3, 10, 4] is 0.5"; nil
  /// where all are, and where it is not known. A recipe does not store it.
  public let unquantizedValue: String?
  /// Whether they look like MNIST's digits: bytes of 28×28 grey pixels that nearly all lie near zero or one. A recipe does
  /// not store it.
  public var areWrittenDigits = false
  /// What is known of each example beside it, where the model is told; nil for a model of p(x).
  public var condition: ConditionSpace?
  /// Whether values may be missing: the model takes masks.
  public var missing = false
  /// The columns, where the data are a table; `width` is then the number of elements that a model sees
  /// of a row. Nil for images, and for vectors that are taken as they are.
  public var columns: TableColumns?
  /// The column of a table that has the label of each row; nil where none has.
  public var labelColumn: String?

  /// Whether the values that the model sees are bytes, or floats that are multiples of 1/255.
  public var holdsBytes: Bool { range == .unit && rule == "bytes/255" }

  /// A description.
  public init(
    height: Int, width: Int, channels: Int, range: ValueRange, rule: String,
    preparation: String? = nil, unquantizedValue: String? = nil, condition: ConditionSpace? = nil,
    columns: TableColumns? = nil, labelColumn: String? = nil
  ) {
    self.columns = columns
    self.labelColumn = labelColumn
    self.height = height
    self.width = width
    self.channels = channels
    self.range = range
    self.rule = rule
    self.preparation = preparation
    self.unquantizedValue = unquantizedValue
    self.condition = condition
  }

  /// Numbers an example.
  public var elements: Int { height * width * channels }
}
