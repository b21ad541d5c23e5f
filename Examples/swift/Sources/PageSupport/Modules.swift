import NeuralNetworks
import Tensors
import VAEFiles

/// Members under a common name, so that a page's tensors have the names of docs/weights.md.
public final class Part: Module {
  /// The members by name.
  public let members: Members

  /// A part of the given members.
  public init(_ members: Members) { self.members = members }
}

/// (x − mean) · scale: what the zoo's perceptrons do to an image first. It stands in no paper, and is
/// the identity until weights of the zoo are loaded.
public final class InputScale: Layer {
  private let mean: Buffer
  private let scale = Buffer(.ones([]))

  /// The identity for so many inputs.
  public init(inputs: Int) { mean = Buffer(.zeros([inputs])) }

  /// Mean and scale.
  public var members: Members { ["mean": .buffer(mean), "scale": .buffer(scale)] }

  /// `[N, inputs]`
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    (input - mean.value) * scale.value
  }
}

extension Module {
  /// Takes all tensors of a file, which must be just those of this module. The file is read by
  /// `VAEFiles`, which knows its checksums; the numbers are computed by the page alone.
  public func load(_ file: Safetensors) throws {
    let tensors = storedTensors
    if let unknown = Set(file.entries.map(\.name)).subtracting(tensors.map(\.path)).min() {
      throw PageError("\(file.path): this page knows no tensor \(unknown)")
    }
    for (path, tensor) in tensors {
      let shape = tensor.value.shape
      tensor.value = Tensor(try file.floats(path, shape: shape.dimensions), shape: shape)
    }
  }
}
