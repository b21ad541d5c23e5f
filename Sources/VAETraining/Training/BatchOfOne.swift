import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation
import VAERecipes

/// Batches of a single example, from which an objective that compares examples learns nothing, and a
/// normalisation over the batch may learn nothing: a unit less its own mean is zero whatever the example
/// was.
enum BatchOfOne {
  /// Refuses batches of one example where the objective asks for more, or some normalisation would have
  /// one number for each of its channels. Over the pixels of a map there are more, and it trains.
  ///
  /// - Parameters:
  ///   - model: what is to be trained.
  ///   - stage: what of it; normalisations of frozen parts take the batch's statistics as well.
  ///   - examples: what it is trained on.
  ///   - requirements: of the objective.
  ///   - data: what has the batch, for the error.
  ///   - batchSize: of the training that makes batches of the data; nil for a batch that was given.
  static func check(
    _ model: Model, _ stage: Stage, _ examples: Examples, _ requirements: ObjectiveRequirements,
    data: String, batchSize: Int?
  ) throws(TrainingError) {
    guard stage.data == .images else { return }
    let remedy: Message =
      switch batchSize {
      case nil: "give it two examples or more"
      case _ where examples.count == 1: "train on two examples or more"
      case 1: "choose a larger \(.setting("training.batch_size"))"
      default:
        "choose another \(.setting("training.batch_size")), or \(.setting("training.drop_last", "true"))"
      }
    guard requirements.fewestExamples == 1 else {
      throw TrainingError(
        .unsuitable,
        "\(data) makes a batch of one example (1 sample), but the objective compares the examples of a batch with each "
          + "other; \(remedy)")
    }
    guard model.usesCalibration else { return }
    let calibration = Calibration()
    withoutTape {
      var context = examples.context(.calibration, [0], random: RandomSource(seed: 0))
      context.calibration = calibration
      _ = model.evaluate(examples.batch([0], context), requirements.draw, context)
    }
    guard calibration.fewestNormalized == 1 else { return }
    throw TrainingError(
      .unsuitable,
      "\(data) makes a batch of one example (1 sample), over which batch normalisation leaves only a constant; "
        + "\(remedy), or choose \(.setting("encoder.normalization", "none")) and the same of all parts that have it"
    )
  }
}
