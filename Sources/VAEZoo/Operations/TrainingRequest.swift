import Communication
import VAEData
import VAERecipes
import VAETraining

/// What to train, on what, and where to.
public struct TrainingRequest: Sendable {
  /// What the model is.
  public enum Subject: Sendable {
    /// A variant by name, with its defaults.
    case variant(String)
    /// A recipe's JSON, with the name of where it comes from.
    case recipe([UInt8], source: String)
    /// A further stage of a finished run, which stays as it is.
    case stage(String, from: String)
    /// What the run folder holds already: its recipe, to be continued.
    case begun
  }

  /// What to do where the run folder exists.
  public enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Continue it, or begin where there is nothing to continue.
    case resume
    /// Replace it.
    case replace
  }

  /// What the model is.
  public var subject: Subject
  /// Settings in addition, as after `--set`.
  public var settings: [(key: String, value: String)]
  /// The data source.
  public var data: String
  /// The run folder.
  public var run: String
  /// What to do where it exists.
  public var existing: Existing
  /// A folder outside of the run folder for its checkpoints; see `RunFolder.create`.
  public var checkpointDir: String?
  /// A run folder or exported model whose weights take the place of fresh ones; nil for these, or for
  /// what the recipe says. Its settings need not be the same.
  public var fromWeights: String?
  /// How image files are decoded; nil for a program that does not decode any.
  public var images: ImageFolderOptions?
  /// What somebody says of the columns of a table, by their names.
  public var columns: [String: TableColumnType] = [:]
  /// What connects this process with others that train the same model with it; the first one alone writes to the
  /// run folder.
  public var communicator: any Communicator = SoloCommunicator()
  /// Asked again and again while data are read; true asks for a stop.
  public var isCancelled: @Sendable () -> Bool = { false }

  /// A request.
  public init(
    _ subject: Subject, settings: [(key: String, value: String)] = [], data: String, run: String,
    existing: Existing = .refuse, fromWeights: String? = nil, images: ImageFolderOptions? = nil
  ) {
    self.subject = subject
    self.settings = settings
    self.data = data
    self.run = run
    self.existing = existing
    self.fromWeights = fromWeights
    self.images = images
  }
}
