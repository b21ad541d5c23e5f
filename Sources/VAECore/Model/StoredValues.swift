import Messages
import NeuralNetworks
import Tensors
import VAEFiles

/// The values that a source has for the parameters and buffers of a module: looked at before any is taken,
/// so that all are taken or none.
package final class StoredValues {
  /// The paths for which the source has nothing.
  package private(set) var missing: [String] = []
  /// The paths whose values are not all finite.
  package private(set) var infinite: [String] = []
  private var values: [(tensor: StoredTensor, value: Tensor?)] = []

  /// Asks a source for the values of all parameters and buffers, in their order.
  ///
  /// - Parameters:
  ///   - module: what has them.
  ///   - read: gives the values of a path, which must have the shape; nil where there are none.
  /// - Throws: what `read` throws.
  package init(
    for module: some Module, _ read: (_ path: String, _ shape: Shape) throws -> Tensor?
  ) rethrows {
    for (path, tensor) in module.storedTensors {
      // A buffer that came later than the file has a value that means what the file meant.
      guard let value = try read(path, tensor.shape) ?? tensor.valueOfOldFiles else {
        missing.append(path)
        continue
      }
      if value.isFinite { values.append((tensor, value)) } else { infinite.append(path) }
    }
  }

  /// Those of a file that has all of them by their paths.
  ///
  /// - Throws: `SafetensorsError` where one is missing, or of another type or shape.
  package convenience init(for module: some Module, in file: Safetensors) throws {
    try self.init(for: module) { try file.tensor(ifPresent: $0, shape: $1) }
    if let path = missing.first {
      throw SafetensorsError(file.path, "there is no tensor \(PlainText.quoted(path))")
    }
  }

  /// Takes up the values that were found, which are nobody else's and therefore not copied; all else stays as it is.
  package func take() {
    for index in values.indices {
      guard let value = values[index].value.take() else { continue }
      values[index].tensor.take(consume value)
    }
  }
}
