import VAEComponents
import VAECore
import VAERecipes

extension Component where Part == any Encoder {
  /// The encoders that several variants share, each ending in a flow: `flow-mlp`, `flow-conv`,
  /// `flow-resnet`.
  static var withFlow: [Component] {
    [Component.mlp, .convolutional, .residual].map { network in
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
}
