import Tensors
import VAEFiles

/// Networks as files, in the form of docs/weights.md that `FrozenNetworkFile` reads.
extension FrozenNetwork {
  /// A file of the weights, with the description of the layers in its metadata.
  package var file: Safetensors {
    var file = Safetensors()
    func add(_ name: String, _ values: Tensor?) {
      values?.withFloats { floats in
        file.add(name, shape: values?.shape.dimensions ?? [], floats: floats)
      }
    }
    for layer in layers {
      guard let name = layer.name else { continue }
      switch layer.operation {
      case .convolution(let weights, let bias, _, _):
        add("\(name).weight", weights)
        add("\(name).bias", bias)
      case .dense(let weights, let bias):
        add("\(name).weight", withoutTape { weights.transposed() })
        add("\(name).bias", bias)
      case .relu, .maximumPool, .averagePool, .flatten: break
      case .fire: fatalError("a module of SqueezeNet has no description")
      }
    }
    for (number, head) in heads.enumerated() {
      add(
        "lin\(number).model.1.weight",
        withoutTape { head.weights.reshaped(to: [1, head.weights.count, 1, 1]) })
    }
    file.metadata = ["format": "pt", Self.metadataName: description.line]
    return file
  }

  /// The description of the layers.
  private var description: JSON {
    var object: JSON.Object = [
      "input": .object([
        "range": .text(input.range.rawValue), "channels": .integer(input.channels),
        "least_size": .integer(input.leastSize),
        "mean": .array(input.mean.map { .number(Double($0)) }),
        "deviation": .array(input.deviation.map { .number(Double($0)) }),
      ]),
      "layers": .array(layers.map(\.description)),
      "features": .text(featureLayer),
    ]
    if !heads.isEmpty { object["heads"] = .array(heads.map { .text($0.layer) }) }
    if let classes { object["classes"] = .array(classes.map(JSON.text)) }
    return .object(object)
  }
}

extension FrozenNetwork.Layer {
  /// The layer as a description has it.
  fileprivate var description: JSON {
    var object: JSON.Object
    switch operation {
    case .convolution(_, _, let stride, let padding):
      object = ["type": .text("conv"), "stride": .integer(stride), "padding": .integer(padding)]
    case .dense: object = ["type": .text("dense")]
    case .relu: object = ["type": .text("relu")]
    case .flatten: object = ["type": .text("flatten")]
    case .maximumPool(let kernel, let stride, _):
      object = ["type": .text("max_pool"), "kernel": .integer(kernel), "stride": .integer(stride)]
    case .averagePool(let kernel, let stride):
      object = [
        "type": .text("average_pool"), "kernel": .integer(kernel), "stride": .integer(stride),
      ]
    case .fire: fatalError("a module of SqueezeNet has no description")
    }
    if let name { object["name"] = .text(name) }
    return .object(object)
  }
}
