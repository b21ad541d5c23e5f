import ArgumentParser
import VAEZoo

/// The settings of a recipe's `training` part that have options of their own.
struct TrainingSettings: ParsableArguments {
  // A negative number is taken as a value, so that what is said of it names the range.
  @Option(
    parsing: .unconditional,
    help:
      "Passes over the training data (default: the recipe's, \(defaults.epochs); of a table by its rows)."
  )
  var epochs: String?
  @Option(
    parsing: .unconditional,
    help:
      "Examples per update (default: the recipe's, \(defaults.batchSize); of a table by its rows).")
  var batchSize: String?
  @Option(
    parsing: .unconditional,
    help: "The base learning rate (default: the recipe's, \(defaults.learningRate)).")
  var learningRate: String?
  @Option(
    parsing: .unconditional,
    help: "The seed of weights, order and draws (default: the recipe's, \(defaults.seed)).")
  var seed: String?
  @Option(
    help: ArgumentHelp(
      "How values become binary: none, threshold or dynamic (default: the recipe's, \(defaults.binarize)).",
      valueName: "how"))
  var binarize: String?
  @Option(
    help: ArgumentHelp(
      "How bytes become real numbers: none, or uniform, which gives densities bits per dimension (default: the recipe's, \(defaults.dequantize)).",
      valueName: "how"))
  var dequantize: String?
  @Option(
    help: ArgumentHelp(
      "What products and convolutions multiply in updates: float32 or bfloat16 (default: the recipe's, \(defaults.precision)).",
      valueName: "type"))
  var precision: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Set this share of the training examples apart as the split valid, of data without one (default: the recipe's, \(defaults.holdout)).",
      valueName: "share"))
  var holdout: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stop after so many epochs without a better held-out bound, 0 for never (default: the recipe's, \(defaults.patience)).",
      valueName: "epochs"))
  var patience: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Divide each batch into so many parts, with the same result for every number of processes that divides it; 0 for one of each process (default: the recipe's, \(defaults.shards)).",
      valueName: "parts"))
  var shards: String?
  @Flag(
    inversion: .prefixedNo,
    help:
      "Keep the checkpoint of the epoch with the best held-out bound (default: the recipe's, yes).")
  var keepBest: Bool?

  func validate() throws {
    // What is wrong with an option is said by its own name.
    for (key, text) in settings {
      let name = String(key.dropFirst("training.".count))
      let option = "--" + name.split(separator: "_").joined(separator: "-")
      do throws(RecipeError) {
        _ = try TrainingOptions.declarations.first { $0.name == name }?
          .value(parsing: text, path: option)
      } catch {
        throw ValidationError(error.message.text(\.onCommandLine))
      }
    }
  }

  /// Those that were given, as after `--set`.
  var settings: [(key: String, value: String)] {
    let options = [
      ("epochs", epochs), ("batch_size", batchSize), ("learning_rate", learningRate),
      ("seed", seed), ("binarize", binarize), ("dequantize", dequantize),
      ("precision", precision), ("holdout", holdout), ("patience", patience), ("shards", shards),
      ("keep_best", keepBest.map { "\($0)" }),
    ]
    return options.compactMap { name, value in
      value.map { (key: "training.\(name)", value: $0) }
    }
  }
}

private let defaults = TrainingOptions()
