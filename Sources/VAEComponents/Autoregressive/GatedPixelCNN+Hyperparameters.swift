import VAERecipes

extension GatedPixelCNN {
  /// The hyper-parameters by which a component's author lets users choose the sizes of a network.
  public struct Options: HyperparameterSet {
    /// Features after each gate.
    @Setting(1...4096, help: "features after each gate") public var channels = 32
    /// Gated layers after the first.
    @Setting(0...64, help: "gated layers after the first; each widens the field by kernel − 1")
    public var layers = 5
    /// The field of each, odd.
    @Setting(3...15, help: "field of each layer after the first, which has 7; odd")
    public var kernel = 3

    /// The defaults.
    public init() {}

    /// Another default of the channels.
    public init(channels: Int) { self.channels = channels }
  }
}

extension GatedPixelCNN.Sizes {
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
