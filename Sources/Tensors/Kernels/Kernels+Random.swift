import CVectorKernels

/// Kernels of the random generator.
extension Kernels {
  /// Numbers between 0 and 1, `[positions.count, columns]` as `shape`; a row is addressed by its
  /// position.
  static func uniform(key: UInt64, draw: UInt32, positions: [UInt64], columns: Int, shape: Shape)
    -> Tensor
  {
    let output = Tensor(uninitialized: shape)
    Profiler.measure("random uniform", [output]) {
      vk_random_uniform(key, draw, positions, output.writePointer, positions.count, columns)
    }
    return output
  }

  /// Standard normal numbers, `[positions.count, columns]` as `shape`; a row is addressed by its
  /// position.
  static func normal(key: UInt64, draw: UInt32, positions: [UInt64], columns: Int, shape: Shape)
    -> Tensor
  {
    let output = Tensor(uninitialized: shape)
    Profiler.measure("random normal", [output]) {
      vk_random_normal(key, draw, positions, output.writePointer, positions.count, columns)
    }
    return output
  }

  /// One block of four words.
  static func philox(counter: (UInt32, UInt32, UInt32, UInt32), key: UInt64) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: 4)
    Profiler.measure("philox", []) {
      vk_philox(
        [counter.0, counter.1, counter.2, counter.3],
        [UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)], &words)
    }
    return words
  }
}
