/// A prior that is made of what the encoder of its model says, as a mixture of posteriors is.
///
/// The prior of a model is made before the encoder, which must know its latents; so the model hands the
/// encoder over once all parts are there. The encoder is no member of the prior: its parameters are
/// counted, stored and trained once, as the encoder's, and gradients reach them by both ways.
public protocol EncoderAwarePrior: Prior {
  /// Called by the model that the prior becomes part of, before anything is asked of it.
  func attach(_ encoder: any Encoder)
}
