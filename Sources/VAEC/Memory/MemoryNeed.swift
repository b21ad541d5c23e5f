import CVAE
import Tensors
import VAEZoo

/// What a call would need, refused beforehand where that is clear, in words about its arguments.
enum MemoryNeed {
  /// Refuses what would need more than there is.
  static func check(bytes: Double, for purpose: @autoclosure () -> String) throws(CallError) {
    guard !Memory.holds(bytes) else { return }
    throw CallError(
      VAE_ERR_OUT_OF_MEMORY,
      "\(purpose()) would need about \(MemoryError.amount(bytes)) of memory, more than there is"
    )
  }

  /// Refuses a pass of some images through a network, which keeps several maps of an image's size.
  static func check(rows: Int, of shape: ImageShape) throws(CallError) {
    try check(
      bytes: Double(rows) * Double(shape.count) * 4 * 8, for: "\(rows) images of \(shape) at once")
  }
}
