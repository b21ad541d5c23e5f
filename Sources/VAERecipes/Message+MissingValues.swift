import Messages

extension Message {
  /// The models that are told which values are missing, in words that follow "train" or "a model such as".
  package static var modelsOfMissingValues: Message {
    "missing-vae, another variant with \(.setting("encoder.name", "masked-mlp")), or flow-vae with "
      + "\(.setting("encoder.name", "masked-flow-mlp"))"
  }
}
