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

  /// The groups of the phases of the last update whose gradients were used, and of those that were left out because
  /// theirs were beyond `skipNorm`.
  private var (made, leftOut): ([ParameterGroup], [ParameterGroup]) = ([], [])
  /// Whether among these is the phase whose pass said the bound of the batch.
  private(set) var isBoundLeftOut = false

  /// How often in a row each phase was left out because its gradients were not finite.
  private var notFiniteInARow: [String: Int] = [:]
  /// How often one was since this was asked for last, and the last parameter of such gradients.
  private var notFinite: [String: (count: Int, last: String?)] = [:]

  private let model: Model
  /// What is measured on every batch.
  private let updateMetrics: [any Metric.Type]
  private let options: TrainingOptions
  private let stage: Stage
  /// What computes a batch, or the shards of one.
  let work: ShardWork
  /// For each phase the parameters that it leaves as they are.
  private let frozen: [[Parameter]]

  /// An updater with fresh optimizers.
  ///
  /// - Parameters:
  ///   - model: what is trained, in place.
  ///   - options: how it is trained.
  ///   - stage: what is trained.
  ///   - shards: those that batches are divided into; nil for whole batches.
  /// - Throws: `TrainingError` where the stage does not suit the model, `RecipeError` where the
  ///   processor lacks the precision asked for, `FileError` where a frozen network cannot be used.
  package init(
    model: Model, options: TrainingOptions, stage: Stage = .whole, shards: ShardGroup? = nil
  ) throws {
    (self.model, self.options, self.stage) = (model, options, stage)
    work = ShardWork(shards)
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

  /// Makes one update of all phases on a whole batch.
  ///
  /// - Parameters:
  ///   - batch: values `[N, height, width, channels]`, or codes where the stage looks at those.
  ///   - context: of the batch.
  ///   - rate: the learning rate.
  /// - Throws: as for parts.
  package func update(
    on batch: Tensor, _ context: Context, rate: Float
  ) throws -> (bound: BoundTerms, terms: [(name: String, value: Double)]) {
    try update(on: [UpdatePart(batch, context)], rate: rate)
  }

  /// Makes one update of all phases.
  ///
  /// - Parameters:
  ///   - parts: the batch, or the local shards of it.
  ///   - rate: the learning rate.
  /// - Returns: the bound's terms of the first phase, and what the losses logged of all that ran.
  /// - Throws: `TrainingError` of kind `diverged`, with the parameters as they were before the
  ///   phase that diverged, and nothing of what its passes gathered; `MemoryError`; whatever a part
  ///   fails with; `CommunicationError`.
  package func update(
    on parts: [UpdatePart], rate: Float
  ) throws -> (bound: BoundTerms, terms: [(name: String, value: Double)]) {
    do {
      return try runPhases(parts, rate: rate)
    } catch {
      model.dropUpdate()
      throw error
    }
  }

  private func runPhases(
    _ parts: [UpdatePart], rate: Float
  ) throws -> (bound: BoundTerms, terms: [(name: String, value: Double)]) {
    isHalfWay = false
    (made, leftOut, isBoundLeftOut, work.failedTogether) = ([], [], false, false)
    var context = parts[0].context
    (context.shard, context.shards) = (nil, work.group)
    var first: BoundTerms?
    var terms: [(name: String, value: Double)] = []
    for ((phase, optimizer), others) in zip(phases, frozen) {
      // What a model says of a batch is known of every update, whichever phases run.
      guard first == nil || phase.isDue(step: context.step) else { continue }
      let saysBound = first == nil
      // Those that a caller has frozen stay so.
      let wereTrainable = others.map(\.isTrainable)
      for parameter in others { parameter.isTrainable = false }
      defer { for (parameter, was) in zip(others, wereTrainable) { parameter.isTrainable = was } }
      work.enter("update \(Count.text(context.step + 1)), phase \(phase.name)")
      var passes = try work.run(parts) { try phasePass(phase, $0, isFirst: first == nil) }
      let said = try whole(passes.map(\.said), parts)
      if first == nil {
        let bound = said.bound
        try checkFinite([("distortion", bound.distortion), ("rate", bound.rate)], phase, context)
        first = bound
      }
      let measured = passes[0].isFirst ? try measuredTerms(passes, parts) : []
      try checkFinite(said.logged + measured, phase, context)
      guard let loss = said.loss else {
        terms += said.logged + measured
        continue
      }
      try checkFinite([("loss", loss)], phase, context)
      // The values that a pass held are let go as the backward pass has used them.
      let losses = passes.map(\.loss)
      passes = []
      work.enter(
        "update \(Count.text(context.step + 1)), the gradients of phase \(phase.name)")
      var gradients = try work.total(of: losses, optimizer.parameters, parts) { loss in
        let gradients = loss?.value.backward() ?? Gradients()
        try model.checkParts()
        return gradients
      }
      reduceGradients(&gradients)
      // Summed up with 64 bits, in which the square of every number of 32 bits is finite.
      let norm = gradients.globalNorm(optimizer.parameters)
      let isBeyond = options.skipNorm > 0 && !(norm <= options.skipNorm)
      // What a loss that is left out logged may be as far beyond reason as its gradients.
      terms += (isBeyond ? [] : said.logged) + measured
      terms += recordOfSkipping(isBeyond, norm: norm, phase)
      if isBeyond {
        leftOut.append(phase.group)
        if saysBound { isBoundLeftOut = true }
        if !norm.isFinite {
          try noteNotFinite(parameterNotFinite(gradients, optimizer.parameters), phase, context)
        }
        continue
      }
      notFiniteInARow[phase.name] = nil
      let scale = try gradientScale(
        gradients, norm: norm, optimizer.parameters, phase: phase.name, context)
      try Memory.check()
      try optimizer.update(
        gradients, rate: rate * phase.rateFactor, gradientScale: scale)
      isHalfWay = true
      made.append(phase.group)
    }
    if made.isEmpty && !leftOut.isEmpty {
      model.dropUpdate()
    } else if stage.data == .images {
      for (name, part) in model.namedParts(of: stage) {
        if isLeftOut(part, named: name) { part.dropUpdate() } else { part.afterUpdate(context) }
      }
      try model.checkParts()
      try work.group?.check()
    }
    isHalfWay = false
    return (first ?? BoundTerms(distortion: 0, rate: 0), terms)
  }

  /// One part of a batch after the forward pass of a phase.
  private struct PhasePass {
    let isFirst: Bool
    let evaluation: Evaluation?
    let loss: Loss?
    let said: PartTerms
  }

  /// The forward pass of a phase over one part.
  private func phasePass(_ phase: Phase, _ part: UpdatePart, isFirst: Bool) throws -> PhasePass {
    let pass = forwardPass(part)
    let loss = withPrecision(options.precision) {
      let loss = isSkipped(phase, pass) ? nil : phase.loss(pass)
      if isFirst { _ = pass.evaluation }
      return loss
    }
    try model.checkParts()
    let evaluation = isFirst ? pass.evaluation : nil
    return PhasePass(
      isFirst: isFirst, evaluation: evaluation, loss: loss, said: PartTerms(evaluation, loss))
  }

  /// What the parts of all processes say together.
  private func whole(_ own: [PartTerms], _ parts: [UpdatePart]) throws -> PartTerms {
    guard let group = work.group, let shard = parts[0].context.shard else { return own[0] }
    return PartTerms(
      of: own[0], try group.gathered(own.map(\.numbers), filling: 0),
      examples: shard.exampleCounts)
  }

  /// What a phase may ask of a batch, and of a second one where there is one.
  private func forwardPass(_ part: UpdatePart) -> ForwardPass {
    let context = part.context
    guard stage.data == .images else {
      return ForwardPass(
        model, withPrecision(options.precision) { model.evaluateLatents(part.batch, context) },
        context)
    }
    return ForwardPass(
      model, part.batch, second: part.second, requirements.draw,
      latentsAreFrozen: stage.leavesLatents, context)
  }

  private func isSkipped(_ phase: Phase, _ pass: ForwardPass) -> Bool {
    !phase.isDue(step: pass.context.step) || phase.skips?(pass) == true
  }

  /// What is measured on every batch.
  private func measuredTerms(
    _ passes: [PhasePass], _ parts: [UpdatePart]
  ) throws -> [(name: String, value: Double)] {
    guard !updateMetrics.isEmpty, var evaluation = passes[0].evaluation else { return [] }
    let context = parts[0].context
    var examples = context.examples.count
    if let group = work.group, let shard = context.shard {
      evaluation = try evaluation.withCodes(
        of: passes.compactMap(\.evaluation), in: group, shard.exampleCounts,
        codeCount: model.prior.latents.codes?.codeCount ?? 0)
      examples = shard.exampleCount
    }
    var measurement = Measurement(
      updateMetrics,
      MetricSetting(
        model: model, examples: nil, exampleCount: examples, random: context.random))
    measurement.add(MetricSample(evaluation, context))
    return measurement.results().entries.flatMap(\.report.numbers)
  }

  // MARK: Updates that are left out

  /// Whether the last update left a parameter as it was, because the gradients of the phases that train it were
  /// beyond `skipNorm`: phases follow one another, and one that is left out does not keep the next one from being made.
  func isLeftOut(_ path: String) -> Bool { isLeftOut([path]) }

  /// Whether it left out a part of the model, which then drops what it gathered. A part without parameters belongs to the
  /// phases that train whatever has its name.
  private func isLeftOut(_ part: any Module, named name: String) -> Bool {
    leftOut.isEmpty ? false : isLeftOut(["\(name)."] + part.parameters.map { "\(name).\($0.path)" })
  }

  private func isLeftOut(_ paths: [String]) -> Bool {
    func has(_ groups: [ParameterGroup]) -> Bool {
      groups.contains { group in paths.contains { group.contains($0) } }
    }
    return !leftOut.isEmpty && (made.isEmpty || has(leftOut) && !has(made))
  }

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

  /// How often gradients that are not finite are left out one after another. What this guards against is the rare update;
  /// so many of them are a model of which nothing comes any more.
  private static let notFiniteLimit = 100

  /// Counts a phase that was left out because the gradient of some parameter was not finite.
  ///
  /// - Throws: `TrainingError` of kind `diverged` where that goes on and on.
  private func noteNotFinite(_ path: String?, _ phase: Phase, _ context: Context) throws {
    notFinite[phase.name] = ((notFinite[phase.name]?.count ?? 0) + 1, path)
    let inARow = (notFiniteInARow[phase.name] ?? 0) + 1
    notFiniteInARow[phase.name] = inARow
    guard inARow >= Self.notFiniteLimit else { return }
    throw diverged(
      "the gradient of \(path ?? "the parameters") in phase \(phase.name) is not finite, in \(inARow) updates one "
        + "after another", context)
  }

  /// How often the phase of which that happened most was left out since this was asked for last because its gradients were
  /// not finite, and the last parameter of which one was not.
  func takeNotFinite() -> (count: Int, last: String?) {
    defer { notFinite = [:] }
    return notFinite.values.max { $0.count < $1.count } ?? (0, nil)
  }

  /// The first parameter whose gradient is not finite, or so large that its square is not.
  private func parameterNotFinite(
    _ gradients: Gradients, _ parameters: [(path: String, parameter: Parameter)]
  ) -> String? {
    parameters.first { _, parameter in
      !Float(gradients[parameter]?.doubleSumOfSquares ?? 0).isFinite
    }?.path
  }

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
      let bad = parameterNotFinite(gradients, parameters)
      throw diverged(
        "the gradient of \(bad ?? "the parameters") in phase \(phase) is not finite or too large",
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
    // What is judged is the same on all processes.
    work.failedTogether = true
    return TrainingError(
      .diverged,
      "training diverged at step \(context.step + 1): \(what)")
  }
}
