import CVectorKernels

extension Engine {
  /// Bytes as floats, each divided by a number: examples that are stored as bytes, as models see
  /// them. Both buffers are as long as the shorter one.
  package static func widen(
    _ bytes: UnsafeBufferPointer<UInt8>, dividingBy divisor: Float,
    into floats: UnsafeMutableBufferPointer<Float>
  ) {
    guard let source = bytes.baseAddress, let destination = floats.baseAddress else { return }
    vk_bytes_to_float(source, divisor, destination, min(bytes.count, floats.count))
  }
}
