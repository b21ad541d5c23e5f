import Messages

extension Remedy {
  /// Settings that have options of their own.
  private static let options = [
    "training.epochs": "--epochs", "training.batch_size": "--batch-size",
    "training.learning_rate": "--learning-rate", "training.binarize": "--binarize",
    "training.dequantize": "--dequantize", "training.seed": "--seed",
    "training.holdout": "--holdout", "training.shards": "--shards",
    "training.patience": "--patience", "training.precision": "--precision",
  ]

  /// As it is typed.
  var onCommandLine: String {
    switch self {
    case .setting("training.keep_best", let value?):
      value == "false" ? "--no-keep-best" : "--keep-best"
    case .setting(let path, let value):
      if let option = Self.options[path] {
        value.map { "\(option) \(CommandText.quoted($0))" } ?? option
      } else {
        "--set " + CommandText.quoted(value.map { "\(path)=\($0)" } ?? path)
      }
    case .resume: "--resume"
    case .resumedTraining: "train --resume"
    case .replace: "--force"
    case .fromWeights(let run): "--from-weights \(CommandText.quoted(run))"
    case .anotherTraining(let run, let path, let value):
      [run.map(Remedy.fromWeights) ?? .replace, .setting(path, value)].map(\.onCommandLine)
        .joined(separator: " ")
    case .split(let name): name.map { "--split \($0)" } ?? "--split"
    case .plugins(let files):
      files.map { "--plugin \(CommandText.quoted($0))" }.joined(separator: " ")
    case .condition: "--condition"
    case .data: "--data"
    case .imageSize(let size): size.map { "--size \(CommandText.quoted($0))" } ?? "--size"
    case .imageCrop: "--crop"
    case .greyImages: "--grey"
    case .imageCache: "--cache"
    case .checkpointDir(let folder):
      folder.map { "--checkpoint-dir \(CommandText.quoted($0))" } ?? "--checkpoint-dir"
    case .checkpoint(let choice): "--checkpoint \(choice)"
    case .background: "--background"
    case .reference: "--reference"
    case .limit(let name, let value): "--limit \(name)=\(value)"
    case .variantDescription(let variant): "vae-zoo describe \(CommandText.quoted(variant))"
    case .importanceSamples: "--importance-samples"
    case .trials: "--trials"
    case .channelsFirst: "--channels-first"
    case .columnType(let name, let type):
      "--column \(CommandText.quoted("\(name)=\(type ?? "TYPE")"))"
    case .network: "--network"
    case .stage(let name): "--stage \(CommandText.quoted(name))"
    case .tile(let side): "--tile \(side)"
    case .exportForm(let form): "--format \(form)"
    }
  }
}

extension Message {
  /// With what may be done as it is typed.
  var onCommandLine: String { text(\.onCommandLine) }
}
