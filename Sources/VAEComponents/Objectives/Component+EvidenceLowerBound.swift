import VAECore
import VAERecipes

extension EvidenceLowerBound {
  /// The hyper-parameters of `elbo`.
  struct Options: HyperparameterSet {
    @Setting(0...1e6, help: "weight of the rate in the loss") var beta = 1.0
    @Setting(0...1e6, help: "epochs over which beta rises from zero") var warmupEpochs = 0.0
    @Setting(
      0...1e6, help: "nats of each stochastic layer's mean rate below which nothing is gained")
    var freeBits = 0.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `elbo`.
  public static var evidenceLowerBound: Component {
    Component(
      role: .objective, name: "elbo",
      summary: "distortion + beta · rate, the negative evidence lower bound",
      options: EvidenceLowerBound.Options()
    ) { options, _ in
      EvidenceLowerBound(
        beta: Float(options.beta), warmUpEpochs: options.warmupEpochs,
        freeBits: Float(options.freeBits))
    }
  }
}
