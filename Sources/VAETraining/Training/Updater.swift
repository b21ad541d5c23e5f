import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation
import VAERecipes

/// Makes updates of a model: for each phase of its objective a forward pass, a backward pass and a
/// step of the optimizer, with the checks that keep what is not finite out of the weights.
package final class Updater {
  /// Called with the gradients of every phase before they are used.
  package var reduceGradients: (inout Gradients) -> Void = { _ in }

  /// What the objective needs of an evaluation.
  package let requirements: ObjectiveRequirements
  /// What an update runs, in order.
  let phases: [(phase: Phase, optimizer: Optimizer)]

  /// Whether the last update changed some of the weights and then failed: the model is between two
  /// steps.
  private(set) var isHalfWay = false

  /// Whether the last update left all weights and optimizers as they were, because the gradients of every
  /// phase that ran were beyond `skipNorm`.
  private(set) var wasSkipped = false

  private let model: Model
  /// What is measured on every batch.
  private let updateMetrics: [any Metric.Type]
  private let options: TrainingOptions
  private let stage: Stage
  /// For each phase the parameters that it leaves as they are.
  private let frozen: [[Parameter]]

  /// An updater with fresh optimizers.
  ///
  /// - Parameters:
  ///   - model: what is trained, in place.
  ///   - options: how it is trained.
  ///   - stage: what is trained.
  /// - Throws: `TrainingError` where the stage does not suit the model, `RecipeError` where the
  ///   processor lacks the precision asked for, `FileError` where a frozen network cannot be used.
  package init(model: Model, options: TrainingOptions, stage: Stage = .whole) throws {
    (self.model, self.options, self.stage) = (model, options, stage)
    requirements = model.objective.requirements
    updateMetrics = MetricRegistry.standard.metrics(at: .update, of: model)
    // The rate of latents is priced by the prior alone, whatever else the objective weighs.
    if stage.data == .images { for network in requirements.networks { try network.open() } }
    guard options.precision.isSupported else {
      throw RecipeError(.invalid, "training.precision: \(options.precision.refusal)")
    }
    let all = model.parameters
    let trained = all.filter { stage.includes($0.path) }
    guard stage.isWhole || !trained.isEmpty else {
      throw TrainingError(
        .unsuitable,
        "stage \(stage.name) trains \(stage.trains.joined(separator: ", ")), but the model has no such parameters"
      )
    }
    guard stage.data == .images || model.learnsFromLatents else {
      throw TrainingError(
        .unsuitable,
        "stage \(stage.name) trains on latents alone, but this model has \(model.prior.latents.phrase), on which its "
          + "prior cannot be trained by itself")
    }
    phases = (stage.data == .images ? model.objective.phases : [Self.ratePhase]).compactMap {
      phase in
      let group = trained.filter { phase.group.contains($0.path) }
      // A phase of parts that the stage leaves as they are has nothing to train.
      guard stage.isWhole || !group.isEmpty else { return nil }
      return (phase, Optimizer(phase.rule ?? options.rule, parameters: group))
    }
    frozen = phases.map { phase, _ in
      all.filter { !phase.group.contains($0.path) || !stage.includes($0.path) }.map(\.parameter)
    }
  }

  /// What a stage on latents minimises: the rate, with weight one, which is what its prior is trained by
  /// whatever an objective makes of it beside a distortion.
  private static var ratePhase: Phase {
    Phase(name: "model") { pass in Loss(pass.evaluation.rate.mean()) }
  }

  /// Whether an update looks at a second batch.
  var needsSecondBatch: Bool { stage.data == .images && requirements.needsSecondBatch }

  /// Makes one update of all phases.
  ///
  /// - Parameters:
  ///   - batch: values `[N, height, width, channels]`, or codes where the stage looks at those.
  ///   - second: an independent batch with its context, where the objective needs one.
  ///   - context: of the batch.
  ///   - rate: the learning rate.
  /// - Returns: the bound's terms of the first phase, and what the losses logged of all that ran.
  /// - Throws: `TrainingError` of kind `diverged`, with the parameters as they were before the
  ///   phase that diverged, and nothing of what its passes gathered; `MemoryError`; whatever a part
  ///   fails with.
  package func update(
    on batch: Tensor, second: (batch: Tensor, context: Context)? = nil, _ context: Context,
    rate: Float
  ) throws -> (bound: BoundTerms, terms: [(name: String, value: Double)]) {
    do {
      return try runPhases(on: batch, second: second, context, rate: rate)
    } catch {
      model.dropUpdate()
      throw error
    }
  }

  private func runPhases(
    on batch: Tensor, second: (batch: Tensor, context: Context)?, _ context: Context,
    rate: Float
  ) throws -> (bound: BoundTerms, terms: [(name: String, value: Double)]) {
    isHalfWay = false
    wasSkipped = false
    var skipped = 0
    var first: BoundTerms?
    var terms: [(name: String, value: Double)] = []
    for ((phase, optimizer), others) in zip(phases, frozen) {
      // What a model says of a batch is known of every update, whichever phases run.
      guard first == nil || phase.isDue(step: context.step) else { continue }
      // Those that a caller has frozen stay so.
      let wereTrainable = others.map(\.isTrainable)
      for parameter in others { parameter.isTrainable = false }
      defer { for (parameter, was) in zip(others, wereTrainable) { parameter.isTrainable = was } }
      let pass = forwardPass(batch, second: second, context)
      let loss = withPrecision(options.precision) {
        let loss = isSkipped(phase, pass) ? nil : phase.loss(pass)
        if first == nil { _ = pass.evaluation }
        return loss
      }
      try model.checkParts()
      var logged = loss?.terms.map { (name: $0.name, value: Double($0.value.item)) } ?? []
      if first == nil {
        let evaluation = pass.evaluation
        let bound = BoundTerms(
          distortion: evaluation.distortion.doubleSum / Double(evaluation.distortion.count),
          rate: evaluation.rate.doubleSum / Double(max(1, evaluation.rate.count)))
        logged += measuredTerms(evaluation, context)
        first = bound
        try checkFinite([("distortion", bound.distortion), ("rate", bound.rate)], phase, context)
      }
      try checkFinite(logged, phase, context)
      terms += logged
      guard let loss else { continue }
      try checkFinite([("loss", Double(loss.value.item))], phase, context)
      var gradients = loss.value.backward()
      try model.checkParts()
      reduceGradients(&gradients)
      // Summed up with 64 bits, in which the square of every number of 32 bits is finite.
      let norm = gradients.globalNorm(optimizer.parameters)
      let isBeyond = options.skipNorm > 0 && !(norm <= options.skipNorm)
      terms += recordOfSkipping(isBeyond, norm: norm, phase)
      if isBeyond {
        skipped += 1
        continue
      }
      let scale = try gradientScale(
        gradients, norm: norm, optimizer.parameters, phase: phase.name, context)
      try Memory.check()
      try optimizer.update(
        gradients, rate: rate * phase.rateFactor, gradientScale: scale)
      isHalfWay = true
    }
    wasSkipped = skipped > 0 && !isHalfWay
    if wasSkipped {
      model.dropUpdate()
    } else if stage.data == .images {
      for part in model.parts(of: stage) { part.afterUpdate(context) }
      try model.checkParts()
    }
    isHalfWay = false
    return (first ?? BoundTerms(distortion: 0, rate: 0), terms)
  }

  /// What a phase may ask of a batch, and of a second one where there is one.
  private func forwardPass(
    _ batch: Tensor, second: (batch: Tensor, context: Context)?, _ context: Context
  ) -> ForwardPass {
    guard stage.data == .images else {
      return ForwardPass(
        model, withPrecision(options.precision) { model.evaluateLatents(batch, context) }, context)
    }
    return ForwardPass(
      model, batch, second: second, requirements.draw,
      latentsAreFrozen: stage.leavesLatents, context)
  }

  private func isSkipped(_ phase: Phase, _ pass: ForwardPass) -> Bool {
    !phase.isDue(step: pass.context.step) || phase.skips?(pass) == true
  }

  /// What is measured on every batch.
  private func measuredTerms(
    _ evaluation: Evaluation, _ context: Context
  ) -> [(name: String, value: Double)] {
    guard !updateMetrics.isEmpty else { return [] }
    var measurement = Measurement(
      updateMetrics,
      MetricSetting(
        model: model, examples: nil, exampleCount: context.examples.count, random: context.random))
    measurement.add(MetricSample(evaluation, context))
    return measurement.results().entries.flatMap(\.report.numbers)
  }

  // MARK: Updates that are left out

  /// What records say of the norm of a phase's gradients where updates may be left out: whether this one was, of which
  /// the mean over an epoch is their share, and the norm of one that was not.
  private func recordOfSkipping(
    _ isSkipped: Bool, norm: Double, _ phase: Phase
  ) -> [(name: String, value: Double)] {
    guard options.skipNorm > 0 else { return [] }
    let prefix = phases.count == 1 ? "" : "\(phase.name)_"
    let record = [(name: prefix + Self.skippedUpdates, value: isSkipped ? 1.0 : 0)]
    return isSkipped ? record : record + [(name: prefix + "gradient_norm", value: norm)]
  }

  /// The end of the name of the share of updates that were left out.
  static let skippedUpdates = "skipped_updates"

  // MARK: What is not finite

  /// The factor that brings the global norm of gradients down to its limit, one where it keeps it.
  ///
  /// - Throws: `TrainingError` of kind `diverged` naming the first parameter whose gradient is not
  ///   finite, or so large that its square is not: an update would carry that into weights and
  ///   moments, where nothing takes it out again.
  private func gradientScale(
    _ gradients: Gradients, norm: Double, _ parameters: [(path: String, parameter: Parameter)],
    phase: String, _ context: Context
  ) throws -> Float {
    let scale = options.clipNorm > 0 && norm > options.clipNorm ? options.clipNorm / norm : 1
    guard Float(norm * norm * scale * scale).isFinite else {
      let bad = parameters.first { _, parameter in
        !Float(gradients[parameter]?.doubleSumOfSquares ?? 0).isFinite
      }
      throw diverged(
        "the gradient of \(bad?.path ?? "the parameters") in phase \(phase) is not finite or too large",
        context)
    }
    return Float(scale)
  }

  private func checkFinite(
    _ terms: [(name: String, value: Double)], _ phase: Phase, _ context: Context
  ) throws {
    guard let bad = terms.first(where: { !$0.value.isFinite }) else { return }
    throw diverged("the \(bad.name) of phase \(phase.name) is \(bad.value)", context)
  }

  private func diverged(_ what: String, _ context: Context) -> TrainingError {
    TrainingError(
      .diverged,
      "training diverged at step \(context.step + 1): \(what)")
  }
}
