import VAEEvaluation
import VAEFiles

extension Evaluator.Result {
  /// The result by the names that commands, C and Python use.
  ///
  /// - Parameters:
  ///   - variant: of the model.
  ///   - split: what was measured.
  ///   - isConditional: whether the model is told a condition, so that all bounds are on log p(x|y).
  public func json(variant: String, split: String, isConditional: Bool = false) -> JSON {
    var object: JSON.Object = [
      "variant": .text(variant), "split": .text(split), "examples": .integer(examples),
    ]
    if isConditional { object["bound_on"] = .text("log p(x|y)") }
    metrics.add(to: &object)
    if let network { object["network"] = network.json }
    return .object(object)
  }
}
