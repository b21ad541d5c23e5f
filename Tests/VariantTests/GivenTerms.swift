import VAEZoo

extension Evaluation {
  /// An evaluation whose terms are given: a distortion for each example, and for each stochastic
  /// layer, the one nearest to the data first, a rate for each example.
  static func given(distortion: [Float], rates: [Tensor]) -> Evaluation {
    let count = distortion.count
    return Evaluation(
      batch: .zeros([count, 1, 1, 1]), posterior: EmptyPosterior(exampleCount: count),
      draw: LatentDraw(
        layers: rates.map { LatentLayer(sample: .zeros([count, 1]), rate: $0) }, rowCount: count),
      parameters: .zeros([count, 1]), logDensity: Tensor(distortion.map { -$0 }), samples: 1)
  }
}

extension ForwardPass {
  /// A pass whose evaluation is given, of a model that nothing is asked of.
  static func given(_ evaluation: Evaluation, _ context: Context) -> ForwardPass {
    let random = RandomSource(seed: 0)
    let model = Model(
      encoder: MLPEncoder(inputs: 1, hidden: [], latent: 1, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 1),
      decoder: MLPDecoder(
        latent: 1, hidden: [], outputShape: [1, 1, 1], random: random.child("decoder")),
      likelihood: BernoulliLikelihood())
    return ForwardPass(model, evaluation, context)
  }
}

/// An objective that does what another does and notes what it was given in each update.
final class RecordedObjective: Objective {
  /// One update.
  struct Update {
    let step: Int
    let distortion: Double
    let rate: Double
    let loss: Double
  }

  private let inner: any Objective
  private(set) var updates: [Update] = []

  init(_ inner: any Objective) {
    self.inner = inner
  }

  var members: Members { inner.members }
  var requirements: ObjectiveRequirements { inner.requirements }

  var phases: [Phase] {
    inner.phases.map { phase in
      Phase(name: phase.name) { [self] pass in
        let (loss, evaluation) = (phase.loss(pass), pass.evaluation)
        updates.append(
          Update(
            step: pass.context.step, distortion: Double(evaluation.distortion.mean().item),
            rate: Double(evaluation.rate.mean().item), loss: Double(loss.value.item)))
        return loss
      }
    }
  }

  /// The updates of a small Gaussian VAE that is trained on 64 examples in batches of 16.
  static func updates(of objective: any Objective, epochs: Int) throws -> [Update] {
    let data = SmallModels.data(height: 4, width: 4)
    let parts = try SmallModels.registry.model(
      SmallModels.recipe("gaussian-vae", data: data), seed: 3)
    let recorded = RecordedObjective(objective)
    let model = Model(
      encoder: parts.encoder, prior: parts.prior, decoder: parts.decoder,
      likelihood: parts.likelihood, objective: recorded)
    _ = try Trainer(model: model, data: data, options: SmallModels.options(epochs: epochs)).train()
    return recorded.updates
  }
}
