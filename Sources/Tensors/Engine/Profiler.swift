import Glibc
import Synchronization

/// What one operation cost, over all of its calls with the same sizes in a recording.
public struct OperationCost: Sendable {
  /// Where in a step an operation runs.
  public enum Pass: String, Sendable {
    /// Everything outside a backward pass.
    case forward
    /// Inside a backward pass.
    case backward
  }

  /// The operation, such as "matrix product".
  public let name: String
  /// Its sizes.
  public let sizes: String
  /// Where it ran.
  public let pass: Pass
  /// How often it ran.
  public internal(set) var calls = 0
  /// Time in its kernel, in seconds.
  public internal(set) var seconds = 0.0
  /// Floating-point operations of matrix products and convolutions; zero for everything else.
  public internal(set) var flops = 0.0
  /// Bytes that it reads and writes, each array once.
  public internal(set) var bytes = 0.0
}

/// Measures operations while a recording is on. When none is, an operation pays for one relaxed
/// load.
public enum Profiler {
  private struct Key: Hashable {
    let name: String
    let sizes: String
    let pass: OperationCost.Pass
  }

  private static let recordings = Atomic<Int>(0)
  private static let costs = Lock<[Key: OperationCost]>([:])

  /// Runs a closure while every operation of the process is measured, and gives the time of the
  /// whole in seconds and what the operations cost, the most expensive first. What the whole took
  /// beyond the operations was spent outside them.
  ///
  /// Recordings must not overlap.
  ///
  /// ```swift
  /// let (seconds, operations) = Profiler.record { _ = x.matrixProduct(y) }
  /// for cost in operations { print(cost.name, cost.sizes, cost.seconds / seconds) }
  /// ```
  public static func record(_ body: () throws -> Void) rethrows -> (
    seconds: Double, operations: [OperationCost]
  ) {
    costs.withLock { $0 = [:] }
    recordings.add(1, ordering: .sequentiallyConsistent)
    defer { recordings.subtract(1, ordering: .sequentiallyConsistent) }
    let start = now
    try body()
    let seconds = now - start
    let operations = costs.withLock { Array($0.values) }
    return (seconds, operations.sorted { $0.seconds > $1.seconds })
  }

  /// Runs an operation's kernel, and enters its cost where a recording is on.
  ///
  /// - Parameters:
  ///   - name: of the operation.
  ///   - arrays: what it reads and writes.
  ///   - flops: of a matrix product or convolution.
  ///   - sizes: those of the largest array, unless others say more.
  @inline(__always)
  static func measure<Result>(
    _ name: StaticString, _ arrays: @autoclosure () -> [Tensor?],
    flops: @autoclosure () -> Double = 0, sizes: @autoclosure () -> String? = nil,
    _ kernel: () -> Result
  ) -> Result {
    guard recordings.load(ordering: .relaxed) != 0 else { return kernel() }
    let start = now
    let result = kernel()
    let seconds = now - start
    enter(name, arrays().compactMap { $0 }, flops: flops(), sizes: sizes(), seconds: seconds)
    return result
  }

  @inline(never)
  private static func enter(
    _ name: StaticString, _ arrays: [Tensor], flops: Double, sizes: String?, seconds: Double
  ) {
    let largest = arrays.max { $0.count < $1.count }
    let key = Key(
      name: "\(name)", sizes: sizes ?? largest.map { "\($0.shape)" } ?? "",
      pass: Tensor.isInBackwardPass ? .backward : .forward)
    let bytes = arrays.reduce(0) { $0 + Double($1.count * $1.elementType.byteCount) }
    costs.withLock { costs in
      var cost =
        costs[key] ?? OperationCost(name: key.name, sizes: key.sizes, pass: key.pass)
      cost.calls += 1
      cost.seconds += seconds
      cost.flops += flops
      cost.bytes += bytes
      costs[key] = cost
    }
  }

  /// The clock, in seconds. A single thread is measured by its own processor time, which other
  /// processes of the machine do not lengthen; several by the time that passes.
  private static var now: Double {
    var time = timespec()
    clock_gettime(Engine.threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
