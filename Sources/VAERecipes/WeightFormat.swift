import Messages
import VAEFiles

/// A form in which other programs store the weights of a variant.
public protocol WeightFormat: Sendable {
  /// What it is in a list, such as "TAESD (encoder and decoder, raw names or diffusers' AutoencoderTiny)".
  var summary: String { get }

  /// How weights become those of the variant; nil where they are none of this form.
  ///
  /// - Throws: `RecipeError` where they are of this form, but cannot be understood.
  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan?

  /// The names of the ways in which models are written for other programs, such as `diffusers`.
  var exports: [String] { get }

  /// How a model becomes files of another program.
  ///
  /// - Parameters:
  ///   - recipe: of the model.
  ///   - name: one of `exports`.
  /// - Throws: `RecipeError` where those programs have no such network.
  func exportPlan(for recipe: Recipe, as name: String) throws(RecipeError) -> ExportPlan
}

/// A tensor of a model, and where a file of another program has it.
public struct WeightPlace: Sendable {
  /// The path in the model.
  public let path: String
  /// The number of the file.
  public let file: Int
  /// The name there.
  public let name: String
  /// Whether the file has the weights of a 1×1 convolution as a matrix.
  public let isMatrix: Bool

  /// A tensor of a file.
  public init(path: String, file: Int, name: String, isMatrix: Bool = false) {
    self.path = path
    self.file = file
    self.name = name
    self.isMatrix = isMatrix
  }
}

/// How weights of another program become those of a model: its recipe, and a place for each tensor.
public struct ImportPlan: Sendable {
  /// What was found, such as "TAESD with 32 latent channels", for the user.
  public var title: String
  /// Settings of the variant's recipe, as after `--set`.
  public var settings: [(key: String, value: String)]
  /// Channels of the images.
  public var channels: Int
  /// The side of the images that the files call theirs; nil where they do not.
  public var sampleSize: Int?
  /// Where the model's tensors come from. Those that are not named keep the values of a fresh model.
  public var tensors: [WeightPlace]
  /// Beginnings of the paths of the model that the files have nothing for.
  public var freshPaths: [String]
  /// Whether a tensor of the files, by its name, is no part of the model, as the rest of a checkpoint is:
  /// all others must have a place.
  public var isForeign: @Sendable (_ name: String) -> Bool = { _ in false }
  /// What the files do not say and nobody can guess: settings that the user must give, with what to know
  /// about each.
  public var questions: [(key: String, question: String)] = []
  /// What the user should know, a sentence each.
  public var notices: [Message] = []

  /// A plan.
  public init(
    title: String, settings: [(key: String, value: String)], channels: Int, sampleSize: Int? = nil,
    tensors: [WeightPlace], freshPaths: [String]
  ) {
    self.title = title
    self.settings = settings
    self.channels = channels
    self.sampleSize = sampleSize
    self.tensors = tensors
    self.freshPaths = freshPaths
  }
}

/// How a model becomes files that another program reads.
public struct ExportPlan: Sendable {
  /// What is written, such as "AutoencoderKL with 4 latent channels", for the user.
  public var title: String
  /// The names of the files in a folder; nil where the only file has no name of its own.
  public var fileNames: [String]?
  /// Where the model's tensors go.
  public var tensors: [WeightPlace]
  /// Beginnings of the paths of the model that the form has no place for.
  public var leftPaths: [String]
  /// What `config.json` beside the files says; nil for no such file.
  public var config: JSON.Object?
  /// What the files do not say and who reads them must know.
  public var notices: [Message] = []

  /// A plan.
  public init(
    title: String, fileNames: [String]?, tensors: [WeightPlace], leftPaths: [String],
    config: JSON.Object? = nil
  ) {
    self.title = title
    self.fileNames = fileNames
    self.tensors = tensors
    self.leftPaths = leftPaths
    self.config = config
  }
}

extension Recipe {
  /// Refuses a recipe whose parts are not those that files of another program hold.
  ///
  /// - Parameter wanted: the component of each role.
  /// - Throws: `RecipeError` that names the first other one.
  public func checkParts(_ wanted: [Role: String]) throws(RecipeError) {
    for role in Role.allCases {
      guard let name = wanted[role], part(role).name != name else { continue }
      throw RecipeError(
        .invalid,
        "the \(role.rawValue) is \(part(role).name), but the files of other programs hold that of \(name) alone; export the "
          + "run without it, as it was before a further stage"
      )
    }
  }
}
