import VAEEvaluation
import VAEFiles

extension Evaluator.Result {
  /// The result by the names that commands, C and Python use.
  public func json(variant: String, split: String) -> JSON {
    var object: JSON.Object = [
      "variant": .text(variant), "split": .text(split), "examples": .integer(examples),
    ]
    metrics.add(to: &object)
    return .object(object)
  }
}
