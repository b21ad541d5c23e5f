import Tensors
import VAECore

/// A stage on latents that waits for held-out numbers ends with the weights of its best epoch: a flow or a
/// second model that is trained on the latents alone soon learns the training examples' own.
extension Trainer {
  /// Whether training ends with the weights of its best epoch, in place of its last ones.
  var endsWithBest: Bool {
    stage.data == .latents && batches.fittedPrior == nil && options.patience > 0
      && options.keepBest
  }

  /// The weights that training has ended with, where these are not its last ones.
  var endWeights: [Tensor]? {
    guard endsWithBest, isFinished, let best, best.step < step else { return nil }
    return bestWeights
  }

  /// Keeps the weights that have just been measured where they are the best ones so far.
  func keepBestWeights() {
    guard endsWithBest, best?.step == step else { return }
    bestWeights = withAveragedWeights { stageParameters.map { $0.parameter.value.copied() } }
  }

  /// Takes up the weights of the best checkpoint, for a training that was interrupted after it.
  ///
  /// - Returns: what takes them up; nil where there are none to take up.
  /// - Throws: what `restoration(of:)` throws.
  package func bestRestoration(from run: RunFolder, _ best: BestEpoch?) throws -> (() -> Void)? {
    guard endsWithBest, let best, try run.checkpointSteps().contains(best.step),
      let checkpoint = try run.storedCheckpoint(.step(best.step))
    else { return nil }
    let values = try stageParameters.map { path, parameter in
      try checkpoint.weights.finiteTensor(ifPresent: path, shape: parameter.shape)
        ?? parameter.value
    }
    return { [self] in bestWeights = values }
  }

  /// The parameters that the stage trains; all others stay as they are.
  var stageParameters: [(path: String, parameter: Parameter)] {
    model.parameters.filter { stage.includes($0.path) }
  }

  /// Gives the parameters that the stage trains other values.
  func setParameters(_ values: [Tensor]) {
    for ((_, parameter), value) in zip(stageParameters, values) { parameter.value = value }
  }
}
