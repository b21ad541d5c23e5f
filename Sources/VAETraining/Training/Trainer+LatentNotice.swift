import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEEvaluation

/// What is said at the end of a training whose latents lie elsewhere than its prior expects them.
extension Trainer {
  /// Examples that are needed to judge, and that are looked at.
  private static let judgedExamples = (fewest: 1000, most: 4000)
  /// Units of which a covariance matrix is no work.
  private static let judgedUnits = 512
  /// Nats by which a prior that is fitted in a moment must be better to be worth a word.
  private static let notedGain = 1.5

  /// Names the stages that fit a prior, where one does better than the prior of the model by much; nil before
  /// the end, where it does not, and where the latents are not one layer of units.
  ///
  /// What is compared are prices, log p(z), of draws that the fitted prior has not seen, so that their difference is a bound
  /// from below on how far the aggregate posterior lies from the prior, and about what such a stage saves. Where that
  /// cannot be found out, since examples cannot be read any more, a part fails or memory is short, nothing is said.
  func latentNotice() -> Message? {
    guard isFinished, stage.isWhole, stage.data == .images, step >= Self.firstJudgedStep,
      let units = model.prior.latents.vectorUnits, units <= Self.judgedUnits,
      let prior = model.prior as? any PricingPrior,
      batches.examples.count >= Self.judgedExamples.fewest
    else { return nil }
    let gain = try? withAveragedWeights {
      try withMemoryErrors { try withoutTape { try fittedGain(prior) } }
    }
    guard let gain, gain > Self.notedGain else { return nil }
    return
      "the latents of the training examples lie elsewhere than draws from the prior: a mixture fitted to them prices "
      + "them \(EpochRecord.rough(gain)) nats lower, and samples look less like the data than reconstructions do; "
      + "\(.stage("mixture")) or \(.stage("flow")) after this training fits such a prior"
  }

  /// log p̂(z) − log p(z) for a prior p̂ that is fitted to draws of other examples.
  private func fittedGain(_ prior: any PricingPrior) throws -> Double? {
    let random = random.child("latent notice")
    let order = EpochOrder(epoch: 0, count: batches.examples.count, random: random)
    let chosen = Array(order.indices.prefix(Self.judgedExamples.most))
    var request = DrawRequest()
    request.usesSampledRate = true
    var (draws, prices) = ([Tensor](), [Double]())
    for places in Evaluator.passes(over: chosen.count, of: batches.examples.split.shape) {
      let indices = Array(chosen[places])
      let context = batches.examples.context(.evaluation, indices, step: step, random: random)
      let batch = batches.examples.batch(indices, context)
      guard let part = model.posteriorDraws(batch, samples: 1, context)?.draws else { return nil }
      draws.append(part)
      prices += prior.logDensity(of: part, request, context).floats.map(Double.init)
    }
    try model.checkParts()
    try data.checkExamples()
    let all = Tensor.concatenated(draws, axis: 0)
    guard all.isFinite else { return nil }
    let (count, units) = (chosen.count, all.shape[1])
    let own = count * 3 / 4
    let held = all.rows(own..<count)
    let price = prices[own...].reduce(0, +) / Double(count - own)
    var options = ExpectationMaximization.Options()
    options.iterations = 20
    // Each of ten covariance matrices needs several examples a unit.
    var best: Double?
    for components in [1, 10] where components == 1 || own > 40 * (units + 1) {
      let start = ExpectationMaximization.start(
        all.rows(0..<own), components: components, ridge: 1e-6, random: random.stream("seeds"),
        proceed: {})
      guard let start else { continue }
      let fit = ExpectationMaximization(all.rows(0..<own), from: start, options, proceed: {})
      let gain = ExpectationMaximization.meanLogDensity(held, under: fit.mixture) - price
      if gain > best ?? -.infinity { best = gain }
    }
    return best
  }
}
