import Messages
import Tensors
import VAECore

/// A stage whose prior is fitted by an algorithm of its own: the whole fit is one update.
extension Trainer {
  /// Fits the prior to draws of the posteriors of the training examples, or of given ones.
  ///
  /// - Parameters:
  ///   - given: values in place of the training examples.
  ///   - cancel: polled between the parts of the fit.
  ///   - observe: told what came of it.
  /// - Returns: the rate of these draws; there is no distortion.
  /// - Throws: `StoppedFit` where the token asked for a stop, and the prior is as it was then; `TrainingError`
  ///   of kind `diverged` where the rate is not finite, and the prior is as it was then too; what the fit throws.
  func fit(
    _ prior: any FittedPrior, to given: GivenBatch?, cancel: CancelToken,
    _ observe: (TrainingEvent) -> Void
  ) throws -> BoundTerms {
    // All processes make the whole fit, and so ask at the same places.
    func proceed() throws {
      if try anyProcess(cancel.isCancelled) { throw StoppedFit() }
      try Memory.check()
    }
    let latents = try batches.latents(
      given, samples: prior.drawsPerExample, step: step, proceed: proceed)
    try data.checkExamples()
    let before = prior.parameters.map { ($0.parameter, $0.parameter.value.copied()) }
    let fit: PriorFit
    let bound: BoundTerms
    do {
      fit = try prior.fit(
        to: latents, continuing: step > 0, random: random.child("fit \(step)"), proceed: proceed)
      try model.checkParts()
      bound = BoundTerms(distortion: 0, rate: latents.meanLogPosterior - fit.meanLogDensity)
      guard bound.rate.isFinite else {
        updater.work.failedTogether = true
        throw TrainingError(
          .diverged, "the fit of the prior came to a rate of \(bound.rate) nats")
      }
    } catch {
      for (parameter, value) in before { parameter.value = value }
      throw error
    }
    if let notice = fit.notice { observe(.notice(notice)) }
    step += 1
    progress.add(bound, fit.terms)
    return bound
  }
}

/// What ends a fit that was asked to stop.
struct StoppedFit: Error {}
