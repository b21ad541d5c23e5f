import ArgumentParser
import Tensors
import VAEZoo

/// `--condition`, which every command takes that makes images of latents.
struct ConditionOptions: ParsableArguments {
  @Option(
    name: .customLong("condition"),
    help: ArgumentHelp(
      "What a conditional model is told: label=3 (by name, or by number), attributes=1,0,1 or condition=0.2,1.",
      valueName: "c"))
  var text: String?

  /// The condition, `[1, width]`; nil where none is given.
  func condition(for model: TrainedModel) throws -> Tensor? {
    try text.map { try model.condition(parsing: $0) }
  }
}
