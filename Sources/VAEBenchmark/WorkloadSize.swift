import VAEZoo

/// How large a workload is.
public struct WorkloadSize: Hashable, Sendable {
  /// Examples a step.
  public let batch: Int
  /// Pixels along each side of an image.
  public let side: Int

  /// A size.
  public init(batch: Int, side: Int) {
    (self.batch, self.side) = (batch, side)
  }

  /// Pixels of a batch.
  public var pixels: Int { batch * side * side }
}

/// A size that a workload cannot have.
public struct WorkloadSizeError: Error, CustomStringConvertible, Sendable {
  /// What, and which sizes can be had.
  public let description: String
}

extension Workload {
  /// The workload with other sizes, where they are given.
  ///
  /// - Throws: `WorkloadSizeError` where a side is not a multiple of what the model's strides ask
  ///   for, or the whole is so large that it may not fit in memory.
  public func resized(batch: Int?, side: Int?) throws(WorkloadSizeError) -> Workload {
    let wanted = WorkloadSize(batch: batch ?? size.batch, side: side ?? size.side)
    let (batches, sides) = (1...Self.largestBatch, 1...Self.largestSide)
    guard batches.contains(wanted.batch) else {
      throw WorkloadSizeError(
        description: "a batch of \(wanted.batch) is not one of 1 to \(Self.largestBatch)")
    }
    guard sides.contains(wanted.side), wanted.side.isMultiple(of: sideStep) else {
      throw WorkloadSizeError(
        description: "\(name) takes images whose side is a multiple of \(sideStep) up to "
          + "\(Self.largestSide), not \(wanted.side)")
    }
    guard wanted.pixels <= Self.largestGrowth * size.pixels else {
      throw WorkloadSizeError(
        description: "\(wanted.batch) images of \(wanted.side)×\(wanted.side) are more than "
          + "\(Self.largestGrowth) times the \(size.batch) of \(size.side)×\(size.side) that "
          + "\(name) has: choose a smaller batch or image")
    }
    var resized = self
    resized.size = wanted
    return resized
  }

  private static let largestBatch = 65_536
  private static let largestSide = 1024
  /// Memory grows as the pixels do; the largest of the workloads takes 0.3 GB.
  private static let largestGrowth = 32
}
