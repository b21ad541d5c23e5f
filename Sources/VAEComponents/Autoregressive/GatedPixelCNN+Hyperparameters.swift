import VAERecipes

extension GatedPixelCNN.Sizes {
  /// The hyper-parameters by which a component's author lets users choose these sizes.
  ///
  /// - Parameters:
  ///   - channels: the default of the features after each gate.
  ///   - head: the default of the features between the two convolutions of the head.
  ///   - outputs: what the head gives, in words.
  public static func hyperparameters(
    channels: Int, head: Int, outputs: String
  ) -> [Hyperparameter] {
    [
      Hyperparameter(
        "channels", .integer(1...4096), default: .integer(channels),
        help: "features after each gate"),
      Hyperparameter(
        "layers", .integer(0...64), default: .integer(5),
        help: "gated layers after the first; each widens the field by kernel − 1"),
      Hyperparameter(
        "kernel", .integer(3...15), default: .integer(3),
        help: "field of each layer after the first, which has 7; odd"),
      Hyperparameter(
        "head", .integer(1...4096), default: .integer(head), help: "features before the \(outputs)"),
    ]
  }

  /// Takes the values of `hyperparameters`.
  public mutating func set(_ values: Hyperparameters) {
    channels = values.integer("channels")
    layers = values.integer("layers")
    kernel = values.integer("kernel")
    head = values.integer("head")
  }

  /// Refuses a kernel without a middle.
  ///
  /// - Parameter role: the component's, for the message.
  /// - Throws: `RecipeError` of kind `invalid` where the kernel is even.
  public func checkKernel(of role: Role) throws(RecipeError) {
    guard kernel % 2 == 1 else {
      throw RecipeError(.invalid, "\(role.rawValue).kernel cannot be \(kernel): it must be odd")
    }
  }
}
