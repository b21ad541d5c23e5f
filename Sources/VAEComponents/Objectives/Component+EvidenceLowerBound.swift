import VAECore
import VAERecipes

extension Component where Part == any Objective {
  /// The recipe component `elbo`.
  public static var evidenceLowerBound: Component {
    Component(
      role: .objective, name: "elbo",
      summary: "distortion + beta · rate, the negative evidence lower bound",
      hyperparameters: [
        Hyperparameter(
          "beta", .number(0...1e6), default: .number(1), help: "weight of the rate in the loss"),
        Hyperparameter(
          "warmup_epochs", .number(0...1e6), default: .number(0),
          help: "epochs over which beta rises from zero"),
        Hyperparameter(
          "free_bits", .number(0...1e6), default: .number(0),
          help: "nats of each stochastic layer's mean rate below which nothing is gained"),
      ]
    ) { values, _ in
      EvidenceLowerBound(
        beta: Float(values.number("beta")), warmUpEpochs: values.number("warmup_epochs"),
        freeBits: Float(values.number("free_bits")))
    }
  }
}
