import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles

/// A model's weights as files hold them.
extension Model {
  /// All parameters and buffers by path.
  public var weights: [(name: String, values: Tensor)] {
    storedTensors.map { (name: $0.path, values: $0.tensor.value) }
  }

  /// Takes parameters and buffers from another model, all but some.
  ///
  /// - Parameters:
  ///   - other: the model to take from.
  ///   - isFresh: whether a path keeps the value it has.
  ///   - source: where the other model came from, for errors.
  /// - Throws: `TrainingError` where the other model has no such tensor of this shape; nothing is
  ///   changed then.
  public func load(
    _ other: Model, except isFresh: (_ path: String) -> Bool, source: String
  ) throws {
    let stored = Dictionary(
      other.weights.map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
    for (name, tensor) in storedTensors where !isFresh(name) && stored[name]?.shape != tensor.shape
    {
      throw TrainingError(
        .unsuitable,
        "\(source) has no \(name) of shape \(tensor.shape), which this stage takes over; keep the settings of "
          + "the parts that the stage does not train")
    }
    for (path, tensor) in storedTensors where !isFresh(path) {
      if let value = stored[path] { tensor.value = value }
    }
  }

  /// Takes all parameters and buffers from another model, which has the same. Those of the objective, such as a
  /// discriminator's, are taken where the other has all of them and begin anew where it was trained by another objective.
  ///
  /// - Parameters:
  ///   - other: the other model.
  ///   - source: where it came from, for errors.
  /// - Throws: `TrainingError` naming the first tensor that does not fit; nothing is changed then.
  public func load(allOf other: Model, source: String) throws {
    let stored = Dictionary(
      other.weights.map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
    let all = storedTensors.map { (name: $0.path, shape: $0.tensor.shape) }
    func isOfObjective(_ name: String) -> Bool { name.hasPrefix("objective.") }
    let keepsObjective = all.allSatisfy {
      !isOfObjective($0.name) || stored[$0.name]?.shape == $0.shape
    }
    let wanted = all.filter { keepsObjective || !isOfObjective($0.name) }
    for (name, shape) in wanted where stored[name]?.shape != shape {
      let found = stored[name].map { "has \(name) of shape \($0.shape)" } ?? "has no \(name)"
      throw TrainingError(
        .unsuitable,
        "\(source) \(found), but this model takes one of shape \(shape); keep the parts and sizes "
          + "of the model whose weights it begins with")
    }
    let known = Set(wanted.map(\.name))
    if let extra = other.weights.first(where: {
      !known.contains($0.name) && !isOfObjective($0.name)
    }) {
      throw TrainingError(
        .unsuitable,
        "\(source) has \(extra.name), which this model does not; keep the parts and sizes of the model whose "
          + "weights it begins with")
    }
    for (path, tensor) in storedTensors where known.contains(path) {
      if let value = stored[path] { tensor.value = value }
    }
  }

  /// Takes parameters and buffers from a file, all or none.
  ///
  /// - Throws: `SafetensorsError` where a tensor is missing or of another shape, and
  ///   `TrainingError` where the file has one that the model lacks, or values that are not finite.
  public func load(_ file: Safetensors) throws {
    try values(in: file).take()
  }

  /// The values of a file for parameters and buffers.
  ///
  /// - Throws: what `load` throws.
  func values(in file: Safetensors) throws -> StoredValues {
    let known = Set(storedTensors.map(\.path))
    if let extra = file.entries.first(where: { !known.contains($0.name) }) {
      throw TrainingError(
        .unsuitable, "\(file.path) holds \(extra.name), which this recipe's model does not have")
    }
    let values = try StoredValues(for: self, in: file)
    if let bad = values.infinite.first {
      throw TrainingError(
        .unsuitable, "\(file.path): \(bad) holds values that are not finite")
    }
    return values
  }
}
