import Tensors

/// The codes of many examples, one grid after another.
struct StoredCodes {
  private var numbers: [Int32] = []
  private var height = 0
  private var width = 0

  /// Adds an index tensor `[N, height, width]`.
  mutating func append(_ codes: Tensor) {
    (height, width) = (codes.shape[1], codes.shape[2])
    numbers += codes.indices
  }

  /// The codes of some examples, an index tensor `[N, height, width]`.
  func rows(_ indices: [Int]) -> Tensor {
    let size = height * width
    return Tensor(
      indices: indices.flatMap { numbers[$0 * size..<($0 + 1) * size] },
      shape: [indices.count, height, width])
  }
}
