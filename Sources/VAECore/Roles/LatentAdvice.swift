import Messages

/// What an objective says of latents that carry no information.
public enum LatentAdvice: Sendable {
  /// It is too early to judge: the objective still changes what latents cost.
  case wait
  /// What may be changed so that they carry more, each as a noun: "a smaller beta".
  case change([Message])
}
