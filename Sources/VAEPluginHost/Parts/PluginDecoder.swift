import CVAE
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A decoder of a plug-in.
final class PluginDecoder: Decoder, PluginPart {
  let instance: PluginInstance
  private let methods: vae_decoder
  private let keepsPlaces: Bool
  private let outputShape: Shape

  init(_ instance: PluginInstance, _ methods: vae_decoder, for build: BuildContext) {
    self.instance = instance
    self.methods = methods
    keepsPlaces = build.latents.codes != nil
    outputShape = build.outputShape
  }

  func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let rows = draw.rowCount
    let input = keepsPlaces ? draw.decoderInput : draw.decoderInput.flattened()
    let draws = context.examples.isEmpty ? 1 : max(1, rows / context.examples.count)
    let shape = Shape([rows] + outputShape.dimensions)
    return instance.value(
      Pass.Setting("decode", context, rows: rows, draws: draws), shape: shape, isLoose: true
    ) {
      methods.decode?(instance.object, $1, $0.give(input))
    } ?? .missing(shape)
  }

  func begin(at parameters: Tensor) {
    guard let begin = methods.begin else { return }
    var setting = Pass.Setting("begin", nil, rows: 1)
    setting.mayAssign = true
    instance.run(setting) { begin(instance.object, $1, $0.give(parameters)) }
  }
}
