import CVAE
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// An objective of a plug-in.
final class PluginObjective: Objective, PluginPart {
  let instance: PluginInstance
  let requirements: ObjectiveRequirements
  private let methods: vae_objective
  private let phaseCount: Int

  /// Draws that an objective may ask for.
  private static let drawLimit: Int64 = 10_000

  /// - Throws: `PluginError` where it asks for what cannot be.
  init(_ instance: PluginInstance, _ methods: vae_objective) throws {
    self.instance = instance
    self.methods = methods
    var asked = vae_requirements()
    asked.struct_size = UInt32(MemoryLayout<vae_requirements>.size)
    methods.requirements?(instance.object, &asked)
    guard (0...2).contains(asked.phases), (0...Self.drawLimit).contains(asked.draws) else {
      throw PluginError(
        .failed,
        "\(instance.component.origin): \(instance.component.title): requirements asks for "
          + "\(asked.phases) phases and \(asked.draws) draws, but the limits are 2 and \(Self.drawLimit)"
      )
    }
    phaseCount = max(1, Int(asked.phases))
    var requirements = ObjectiveRequirements()
    requirements.draw.samples = max(1, Int(asked.draws))
    requirements.draw.usesSampledRate = asked.uses_sampled_rate != 0
    requirements.needsSecondBatch = asked.needs_second_batch != 0
    self.requirements = requirements
  }

  var phases: [Phase] {
    let everything = ParameterGroup.paths(Role.allCases.map { "\($0.rawValue)." })
    guard phaseCount == 2 else {
      return [phase("model", 0, instance.members.entries.isEmpty ? .model : everything)]
    }
    return [phase("model", 0, .model), phase("objective", 1, .objective)]
  }

  private func phase(_ name: String, _ number: Int32, _ group: ParameterGroup) -> Phase {
    Phase(name: name, group: group) { [self] in loss(number, $0) }
  }

  private func loss(_ phase: Int32, _ forward: ForwardPass) -> Loss {
    let evaluation = forward.evaluation
    let second = forward.second?.draw
    let count = evaluation.batch.shape[0]
    var setting = Pass.Setting(
      "loss", forward.context, rows: evaluation.samples * count, draws: evaluation.samples)
    setting.mayLog = true
    var terms: [(name: String, value: Tensor)] = []
    let value = instance.value(setting, shape: nil) { pass, handle in
      defer { terms = pass.terms }
      let rates = evaluation.draw.layers.map { pass.give($0.rate) }
      return rates.withUnsafeBufferPointer { rates in
        var found = vae_terms()
        found.struct_size = UInt32(MemoryLayout<vae_terms>.size)
        found.phase = phase
        found.draws = Int64(evaluation.samples)
        found.examples = Int64(count)
        found.distortion = pass.give(evaluation.distortion)
        found.rate = pass.give(evaluation.rate)
        found.batch = pass.give(evaluation.batch)
        found.parameters = pass.give(evaluation.parameters)
        found.latents = pass.give(evaluation.draw.layers.first?.sample)
        found.mean = pass.give(evaluation.posterior.mean)
        found.variance = pass.give(evaluation.posterior.variance)
        found.layer_rates = rates.baseAddress
        found.layer_count = UInt64(rates.count)
        found.second_latents = pass.give(second?.layers.first?.sample)
        return methods.loss?(instance.object, handle, &found)
      }
    }
    guard let value, value.count == 1 else {
      if let value { instance.note("loss gave a value of shape \(value.shape), not a scalar") }
      return Loss(Tensor(0))
    }
    // What parts add to their loss trains the model, and no discriminator.
    let scalar = value.reshaped(to: [])
    var loss = phase == 0 ? Loss.withAuxiliary(scalar, evaluation) : Loss(scalar)
    loss.terms += terms
    return loss
  }
}
