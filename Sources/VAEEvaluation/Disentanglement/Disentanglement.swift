import Tensors

/// How well latent units and generating factors correspond, by three measures that are 1 for one
/// unit a factor.
public struct Disentanglement: Equatable, Sendable {
  /// How much more the best unit says of a factor than the second best; nil where the posterior has
  /// no variances.
  public let mutualInformationGap: MutualInformationGap?
  /// How well the unit that varies least tells which factor is fixed.
  public let factorVAEScore: FactorVAEScore
  /// How the units that predict the factors are shared among them.
  public let dci: DCI

  /// Measures a representation.
  ///
  /// - Parameters:
  ///   - representation: latents of examples whose factors are known.
  ///   - random: where draws, votes and trees come from; the same source gives the same numbers.
  public init(_ representation: FactoredRepresentation, random: RandomSource) {
    mutualInformationGap = MutualInformationGap(
      representation, random: random.child("mutual information gap"))
    factorVAEScore = FactorVAEScore(representation, random: random.child("FactorVAE score"))
    dci = DCI(representation, random: random.child("DCI"))
  }
}
