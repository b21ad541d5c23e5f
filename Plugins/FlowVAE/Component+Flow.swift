import VAEComponents
import VAECore
import VAERecipes

extension Component where Part == any Encoder {
  /// The encoders that several variants share, each ending in a flow: `flow-mlp`, `flow-conv`,
  /// `flow-resnet`, and `masked-flow-mlp` and `masked-flow-conv`, which are told which values are missing.
  static var withFlow: [Component] {
    let perceptron = flow(on: .mlp)
    let convolutional = flow(on: .convolutional)
    return [
      perceptron, convolutional, flow(on: .residual), .masked(perceptron, flattens: true),
      .masked(convolutional, flattens: false),
    ]
  }

  private static func flow(on network: Component) -> Component {
    Component(
      role: .encoder, name: "flow-\(network.name)",
      summary: "\(network.summary), ending in a normalising flow",
      declarations: network.hyperparameters + FlowHead.Options.declarations
    ) { values, build in
      var build = build
      build.posteriorHead = try FlowHead(FlowHead.Options(values), build)
      return try network.make(values, build)
    }
  }
}
