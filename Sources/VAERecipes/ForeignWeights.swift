import VAEFiles

/// Weights that another program has stored, before anybody knows what they are.
public struct ForeignWeights: Sendable {
  /// The file or folder, for errors.
  public let source: String
  /// The files with tensors, in the order of their names.
  public let files: [Safetensors]
  /// What `config.json` beside them says; nil where there is none.
  public let config: JSON.Object?

  /// Weights of some files.
  public init(source: String, files: [Safetensors], config: JSON.Object? = nil) {
    self.source = source
    self.files = files
    self.config = config
  }
}

/// A form in which other programs store the weights of a variant.
public protocol WeightFormat: Sendable {
  /// What it is in a list, such as "TAESD (encoder and decoder, raw names or diffusers' AutoencoderTiny)".
  var summary: String { get }

  /// How weights become those of the variant; nil where they are none of this form.
  ///
  /// - Throws: `RecipeError` where they are of this form, but cannot be understood.
  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan?
}

/// How weights of another program become those of a model: its recipe, and a place for each tensor.
public struct ImportPlan: Sendable {
  /// Where a tensor of the model comes from.
  public struct Tensor: Sendable {
    /// The path in the model.
    public let path: String
    /// The number of the file.
    public let file: Int
    /// The name there.
    public let name: String

    /// A tensor of a file.
    public init(path: String, file: Int, name: String) {
      self.path = path
      self.file = file
      self.name = name
    }
  }

  /// What was found, such as "TAESD with 32 latent channels", for the user.
  public var title: String
  /// Settings of the variant's recipe, as after `--set`.
  public var settings: [(key: String, value: String)]
  /// Channels of the images.
  public var channels: Int
  /// The side of the images that the files call theirs; nil where they do not.
  public var sampleSize: Int?
  /// Where the model's tensors come from. Those that are not named keep the values of a fresh model.
  public var tensors: [Tensor]
  /// Beginnings of the paths of the model that the files have nothing for.
  public var freshPaths: [String]
  /// Whether a tensor of the files, by its name, is no part of the model, as the rest of a checkpoint is:
  /// all others must have a place.
  public var isForeign: @Sendable (_ name: String) -> Bool = { _ in false }
  /// What the files do not say and nobody can guess: settings that the user must give, with what to know
  /// about each.
  public var questions: [(key: String, question: String)] = []

  /// A plan.
  public init(
    title: String, settings: [(key: String, value: String)], channels: Int, sampleSize: Int? = nil,
    tensors: [Tensor], freshPaths: [String]
  ) {
    self.title = title
    self.settings = settings
    self.channels = channels
    self.sampleSize = sampleSize
    self.tensors = tensors
    self.freshPaths = freshPaths
  }
}
