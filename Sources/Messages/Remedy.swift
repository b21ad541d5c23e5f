/// What may be chosen to mend what is wrong, wherever a front end lets it be chosen.
///
/// A message says it as a noun, so that `use \(.resume) to continue it` reads well in any words.
public enum Remedy: Hashable, Sendable {
  /// A setting of a recipe by its path or short name, and the value that it should have, where one
  /// can be named.
  case setting(String, String? = nil)
  /// To continue the run that is in the way.
  case resume
  /// To replace the run that is in the way.
  case replace
  /// To continue a run by another training than what has failed.
  case resumedTraining
  /// To begin a run with the weights of another one.
  case fromWeights(String)
  /// To train the recipe of a run again with another value of a setting: with the weights of the run, where it
  /// is named, or in its place.
  case anotherTraining(weightsOf: String?, setting: String, String)
  /// Another split of the data, which is named where there is but one.
  case split(String? = nil)
  /// To load plug-ins from files.
  case plugins([String])
  /// To say what a conditional model is told.
  case condition
  /// To name data, where none were.
  case data
  /// The size to which images are brought, where it can be named.
  case imageSize(String? = nil)
  /// That images are cut to squares.
  case imageCrop
  /// That images are made grey.
  case greyImages
  /// The folder that keeps decoded images.
  case imageCache
  /// The folder outside of a run folder that is for its checkpoints, where it can be named.
  case checkpointDir(String? = nil)
  /// The checkpoint of a run that is used: `best`, `last` or a step.
  case checkpoint(String)
  /// The run that a likelihood is compared with.
  case background
  /// The data whose mean likelihood is the usual one.
  case reference
  /// To raise a limit on what is read, and the value that lets through what was refused.
  case limit(String, Int)
  /// The description of a variant with all its hyper-parameters.
  case variantDescription(String)
  /// The number of importance-weighted draws for each example.
  case importanceSamples
  /// How many combinations of settings are drawn.
  case trials
  /// That channels come before rows and columns.
  case channelsFirst
  /// To say what the values of a column of a table are, where that can be named.
  case columnType(String, String? = nil)
  /// The file of a frozen network.
  case network
  /// A further stage, by its name.
  case stage(String)
  /// To take pictures in tiles of some pixels a side.
  case tile(Int)
  /// To export weights in another form.
  case exportForm(String)
}

extension Remedy: CustomStringConvertible {
  /// In the words of recipes, and of the options that C, Python and Swift share.
  public var description: String {
    switch self {
    case .setting(let path, let value): value.map { "\(path)=\($0)" } ?? path
    case .resume, .resumedTraining: "existing_run=resume"
    case .replace: "existing_run=replace"
    case .fromWeights(let run): "from_weights=\(run)"
    case .anotherTraining(let run, let path, let value):
      [run.map(Remedy.fromWeights) ?? .replace, .setting(path, value)].map(\.description)
        .joined(separator: " and ")
    case .split(let name): name.map { "split=\($0)" } ?? "split"
    case .plugins(let files): "load_plugin: \(files.joined(separator: ", "))"
    case .condition: "condition"
    case .data: "data"
    case .imageSize(let size): size.map { "size=\($0)" } ?? "size"
    case .imageCrop: "crop"
    case .greyImages: "grey"
    case .imageCache: "a cache"
    case .checkpointDir(let folder):
      folder.map { "checkpoint_dir=\($0)" } ?? "checkpoint_dir"
    case .checkpoint(let choice): "checkpoint=\(choice)"
    case .background: "background"
    case .reference: "reference"
    case .limit(let name, let value): "the limit \(name)=\(value)"
    case .variantDescription(let variant): "the description of \(variant)"
    case .importanceSamples: "importance_samples"
    case .trials: "trials"
    case .channelsFirst: "a view of them with the channels last"
    case .columnType(let name, let type):
      type.map { "columns \(name)=\($0)" } ?? "the type of the column \(name)"
    case .network: "network"
    case .stage(let name): "the stage \(name)"
    case .tile(let side): "tile=\(side)"
    case .exportForm(let form): "form=\(form)"
    }
  }
}
