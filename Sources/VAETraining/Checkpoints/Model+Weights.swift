import NeuralNetworks
import Tensors
import VAECore

/// A model's weights as files hold them.
extension Model {
  /// All parameters and buffers by path.
  public var weights: [(name: String, values: Tensor)] {
    parameters.map { (name: $0.path, values: $0.parameter.value) }
      + buffers.map { (name: $0.path, values: $0.buffer.value) }
  }

  /// Takes parameters and buffers from a file, all or none.
  ///
  /// - Throws: `SafetensorsError` where a tensor is missing or of another shape, and
  ///   `TrainingError` where the file has one that the model lacks, or values that are not finite.
  public func load(_ file: Safetensors) throws {
    let wanted = weights
    let known = Set(wanted.map(\.name))
    if let extra = file.entries.first(where: { !known.contains($0.name) }) {
      throw TrainingError(
        .unsuitable, "\(file.path) holds \(extra.name), which this recipe's model does not have")
    }
    let values = try wanted.map { try file.tensor($0.name, shape: $0.values.shape) }
    if let bad = zip(wanted, values).first(where: { !$0.1.isFinite }) {
      throw TrainingError(
        .unsuitable, "\(file.path): \(bad.0.name) holds values that are not finite")
    }
    var next = values.makeIterator()
    for (_, parameter) in parameters { if let value = next.next() { parameter.value = value } }
    for (_, buffer) in buffers { if let value = next.next() { buffer.value = value } }
  }
}
