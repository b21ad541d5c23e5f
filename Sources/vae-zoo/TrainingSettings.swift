import ArgumentParser

/// The settings of a recipe's `training` part that have options of their own.
struct TrainingSettings: ParsableArguments {
  @Option(help: "Passes over the training data.") var epochs: String?
  @Option(help: "Examples an update.") var batchSize: String?
  @Option(help: "The base learning rate.") var learningRate: String?
  @Option(help: "The seed of weights, order and draws.") var seed: String?
  @Option(
    help: ArgumentHelp("How values become binary: none, threshold or dynamic.", valueName: "how"))
  var binarize: String?
  @Option(
    help: ArgumentHelp(
      "What products and convolutions multiply in updates: float32 or bfloat16.",
      valueName: "type"))
  var precision: String?

  /// Those that were given, as after `--set`.
  var settings: [(key: String, value: String)] {
    let options = [
      ("epochs", epochs), ("batch_size", batchSize), ("learning_rate", learningRate),
      ("seed", seed), ("binarize", binarize), ("precision", precision),
    ]
    return options.compactMap { name, value in
      value.map { (key: "training.\(name)", value: $0) }
    }
  }
}
