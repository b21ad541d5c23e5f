import Tensors
import VAEFiles

extension Safetensors {
  /// The tensor of a name, nil where there is none.
  ///
  /// - Throws: `SafetensorsError` where it has another type or shape, `TrainingError` where it holds
  ///   values that are not finite.
  func finiteTensor(ifPresent name: String, shape: Shape) throws -> Tensor? {
    let values = try tensor(ifPresent: name, shape: shape)
    guard values?.isFinite ?? true else {
      throw TrainingError(.unsuitable, "\(path): \(name) holds values that are not finite")
    }
    return values
  }
}
