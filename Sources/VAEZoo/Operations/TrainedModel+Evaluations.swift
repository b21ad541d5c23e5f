import Glibc
import VAECore
import VAEEvaluation
import VAEFiles
import VAETraining

extension TrainedModel {
  /// Keeps the result of an evaluation in the run folder that the model was read from, for reports;
  /// does nothing for a model from elsewhere.
  ///
  /// - Parameters:
  ///   - result: what was measured.
  ///   - split: the name of what was measured.
  ///   - data: the source that the split is of.
  ///   - seed: of the evaluation's draws.
  /// - Throws: `FileError` where the folder cannot be written.
  public func keep(
    _ result: Evaluator.Result, split: String, data: String, seed: Int
  ) throws {
    guard let step,
      case .object(var members) = result.json(
        variant: recipe.variant, split: split, isConditional: model.condition != nil)
    else { return }
    members["step"] = .integer(step)
    members["data"] = .text(data)
    members["seed"] = .integer(seed)
    members["time"] = .integer(time(nil))
    try RunFolder.open(source).appendEvaluation(members.sealedLine)
  }
}
