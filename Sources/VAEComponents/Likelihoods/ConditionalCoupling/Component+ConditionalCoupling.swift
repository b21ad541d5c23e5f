import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

extension ConditionalCoupling {
  /// The hyper-parameters of `conditional-coupling`.
  struct Options: HyperparameterSet {
    enum Dequantization: String, SettingChoice {
      case auto
      case none
      case uniform
      case variational
    }

    @Setting(0...64, help: "couplings, in which the two halves of an image take turns")
    var steps = 4
    @Setting(1...1024, help: "channels of a coupling's network") var hiddenChannels = 32
    @Setting(
      0...16, help: "residual blocks of the network of a coupling, and of that of learnt noise")
    var blocks = 1
    @Setting(
      0...256, help: "numbers that the decoder gives a pixel beside location and deviation")
    var features = 8
    @Setting(
      help:
        "noise that makes points of bytes: uniform, variational (learnt), none (real numbers), or auto (uniform for bytes, else none)"
    )
    var dequantization = Dequantization.auto
    @Setting(0...64, help: "couplings of the learnt noise of bytes")
    var dequantizationSteps = 2
  }

  /// The likelihood of a recipe.
  fileprivate convenience init(_ options: Options, _ build: BuildContext) throws(RecipeError) {
    let data = build.data
    var kind = options.dequantization
    if kind == .auto { kind = data.holdsBytes ? .uniform : .none }
    if kind != .none {
      try data.checkLevels(for: "conditional-coupling", takesBinary: false)
    }
    let dequantizer: Dequantizer? =
      switch kind {
      case .none, .auto: nil
      case .uniform: Dequantizer()
      case .variational:
        Dequantizer(
          learntFor: data.channels, steps: options.dequantizationSteps,
          hidden: options.hiddenChannels,
          blocks: options.blocks, random: build.random.child("dequantization"))
      }
    self.init(
      channels: data.channels, steps: options.steps, hidden: options.hiddenChannels,
      blocks: options.blocks,
      features: options.features, dequantizer: dequantizer, random: build.random)
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `conditional-coupling`.
  public static var conditionalCoupling: Component {
    Component(
      role: .likelihood, name: "conditional-coupling",
      summary:
        "a flow of the pixels under the decoder's output, with an exact density; of bytes a bound",
      options: ConditionalCoupling.Options()
    ) { options, build in try ConditionalCoupling(options, build) }
  }
}
