import Messages
import VAEFiles

/// What a training that diverged advises, as the user would type it: another training of the run, whole.
struct AnotherTraining {
  private let run: String
  private let data: String
  private let options: [String]
  private let keepsRun: Bool

  /// - Parameters:
  ///   - run: the folder of the run.
  ///   - data: what it was trained on, as the user named it.
  ///   - options: the options of the command that the other training repeats.
  ///   - keepsRun: whether the other training has a folder of its own in any case, as where the run is one of a sweep,
  ///     whose name says what it was trained with.
  init(of run: String, data: String, options: [String], keepsRun: Bool = false) {
    self.run = run
    self.data = data
    self.options = options
    self.keepsRun = keepsRun
  }

  /// A remedy as it is typed; only of another training as the whole command.
  func remedy(_ remedy: Remedy) -> String {
    guard case .anotherTraining(let weights, let setting, let value) = remedy else {
      return remedy.onCommandLine
    }
    let isNew = keepsRun || weights != nil
    let words = [
      "vae-zoo", "train", "--recipe", "\(run)/recipe.json", "--data", data, "--out",
      isNew ? unusedName : run,
    ]
    let change: Remedy = isNew && weights == nil ? .setting(setting, value) : remedy
    return "\(CommandText.joined(words + options)) \(change.onCommandLine)"
  }

  /// A name like that of the run which nothing has yet.
  private var unusedName: String {
    var number = 2
    while DurableFiles.exists("\(run)-\(number)") { number += 1 }
    return "\(run)-\(number)"
  }

  /// The options that another command for the same training repeats.
  static func options(
    checkpointDir: String? = nil, threads: ThreadOptions, watching: WatchingOptions? = nil,
    images: ImageOptions, plugins: PluginOptions, limits: LimitOptions
  ) -> [String] {
    var words: [String] = []
    if let checkpointDir { words += ["--checkpoint-dir", checkpointDir] }
    if let threads = threads.threads { words += ["--threads", "\(threads)"] }
    if watching?.report == true { words.append("--report") }
    if let folder = watching?.tensorboard { words += ["--tensorboard", folder] }
    if watching?.noRecords == true { words.append("--no-records") }
    if let cache = images.cache { words += ["--cache", cache] }
    for file in plugins.files { words += ["--plugin", file] }
    for limit in limits.limits { words += ["--limit", limit] }
    return words
  }
}
