import NeuralNetworks
import Tensors
import VAECore

/// A two-phase objective: the model's bound plus a density-ratio estimate of KL(q(z) ‖ p(z)) by a
/// discriminator on z, which the second phase trains to tell the aggregate posterior of a second
/// batch from the prior.
final class AdversarialObjective: Objective {
  let discriminator: Sequential
  private let units: Int

  init(units: Int, random: RandomSource) {
    self.units = units
    discriminator = Sequential([
      Dense(
        inputs: units, outputs: 12, activation: .leakyReLU(slope: 0.2), random: random.child("0")),
      Dense(inputs: 12, outputs: 1, random: random.child("1")),
    ])
  }

  var members: Members { ["discriminator": .module(discriminator)] }

  var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.needsSecondBatch = true
    return requirements
  }

  var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let bound = (pass.evaluation.distortion + pass.evaluation.rate).mean()
        let ratio = discriminator(pass.draw.layers[0].sample, pass.context).mean()
        return Loss(bound + ratio * 0.5, terms: [("density_ratio", ratio)])
      },
      Phase(
        name: "discriminator", group: .objective,
        rule: .adam(beta1: 0.5, beta2: 0.9, epsilon: 1e-8, weightDecay: 0),
        rateFactor: 2
      ) { [self] pass in
        guard let second = pass.second else { return Loss(Tensor(Float.nan)) }
        let posterior = discriminator(second.draw.layers[0].sample.detached(), pass.context)
        let noise = pass.context.normalNoise("discriminator", samples: 1, shape: [units])
        let prior = discriminator(noise, pass.context)
        // Logistic loss: the posterior's draws are labelled one.
        let loss = (-posterior).softplus().mean() + prior.softplus().mean()
        return Loss(loss, terms: [("discriminator_loss", loss)])
      },
    ]
  }
}
