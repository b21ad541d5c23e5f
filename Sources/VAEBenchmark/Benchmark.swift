import Glibc
import NeuralNetworks
import Tensors
import VAEZoo

/// A reference workload: a fixed model and batch, whose step is timed. It can be had in other
/// sizes.
public struct Workload: Sendable {
  /// The name on the command line.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Whether a step trains. A draw always computes with 32-bit floats.
  public let trains: Bool
  /// Its size; that of the summary unless it was changed.
  public internal(set) var size: WorkloadSize
  /// What the side of an image is a multiple of.
  let sideStep: Int
  private let flopsOfExample: @Sendable (_ side: Int) -> Int
  private let makeWork: @Sendable (WorkloadSize) throws -> BenchmarkSubject.Work

  /// A workload.
  ///
  /// - Parameters:
  ///   - flops: the useful operations that one example adds to a step.
  ///   - make: makes the model and a batch.
  init(
    name: String, summary: String, trains: Bool = true, size: WorkloadSize, sideStep: Int = 1,
    flops: @escaping @Sendable (_ side: Int) -> Int,
    make: @escaping @Sendable (WorkloadSize) throws -> BenchmarkSubject.Work
  ) {
    (self.name, self.summary, self.trains) = (name, summary, trains)
    (self.size, self.sideStep, flopsOfExample, makeWork) = (size, sideStep, flops, make)
  }

  /// Useful floating-point operations of one step: 2 × 3 × the forward multiply-adds of all dense
  /// and convolution layers, whether or not a gradient for the data is computed, and 2 × those of
  /// code distances; 2 × 1 × where a step is a draw.
  public var flops: Double { Double(size.batch) * Double(flopsOfExample(size.side)) }

  /// Makes the model and a batch.
  func make(_ precision: Precision) throws -> BenchmarkSubject {
    try BenchmarkSubject(makeWork(size), precision)
  }

  /// The model and a batch; nil where a step is no training.
  package func training() throws -> (model: Model, batch: Tensor)? {
    guard case .training(let model, let batch) = try makeWork(size) else { return nil }
    return (model, batch)
  }

  /// Does one step, to see which kernels it meets.
  package func step(_ precision: Precision = .float32) throws { try make(precision).run() }

  /// All workloads, in the order of the documentation.
  public static let all: [Workload] = [
    .mlp, .ladder, .convolutional, .quantized, .pixelCNN, .pixelCNNSample,
  ]
}

/// What a workload's measurement found.
public struct BenchmarkResult: Sendable {
  /// The workload.
  public let workload: String
  /// What products and convolutions multiplied.
  public let precision: Precision
  /// Examples a step, and their pixels.
  public let size: WorkloadSize
  /// The number of threads.
  public let threads: Int
  /// The quickest step.
  public let minimumMilliseconds: Double
  /// The median step.
  public let medianMilliseconds: Double
  /// Useful operations a step.
  public let flops: Double
  /// What the processor reached with matrix products in the same run, in 10⁹ operations a second.
  public let peakGflops: Double
  /// The largest resident memory of the process so far, in MB.
  public let peakMegabytes: Double

  /// Useful operations a second in 10⁹, from the median.
  public var gflops: Double { flops / medianMilliseconds / 1e6 }
  /// The part of the peak that was used.
  public var utilization: Double { gflops / peakGflops }

  /// The result by its names in `bench --json`.
  public var json: JSON {
    func rounded(_ value: Double, _ digits: Double) -> JSON {
      .finite((value * digits).rounded() / digits)
    }
    return .object([
      "workload": .text(workload), "dtype": .text(precision.rawValue),
      "batch_size": .integer(size.batch), "image_size": .integer(size.side),
      "threads": .integer(threads),
      "min_ms": rounded(minimumMilliseconds, 1e4), "median_ms": rounded(medianMilliseconds, 1e4),
      "flops": .finite(flops), "gflops": rounded(gflops, 1e2),
      "peak_gflops": rounded(peakGflops, 1e2), "utilization": rounded(utilization, 1e4),
      "peak_rss_mb": rounded(peakMegabytes, 1e1),
    ])
  }
}

extension Workload {
  /// Times the workload: at least 30 steps and about `seconds` of them, after a warm-up; fewer, but
  /// at least 8, where 30 take more than five times as long. Nil where the token asks for a stop.
  ///
  /// - Parameters:
  ///   - asked: what products and convolutions multiply, which must be supported; a draw stays with
  ///     32-bit floats.
  ///   - seconds: how long it is timed, about.
  ///   - cancel: ends it early.
  public func measure(
    precision asked: Precision = .float32, seconds: Double = 4, cancel: CancelToken = CancelToken()
  ) throws -> BenchmarkResult? {
    let precision = trains ? asked : .float32
    let before = MatrixPeak.measure(precision)
    let subject = try make(precision)
    guard
      let times = try StepTimes.measure(seconds: seconds, cancel: cancel, { try subject.run() })
    else { return nil }
    let peak = max(before, MatrixPeak.measure(precision))
    return BenchmarkResult(
      workload: name, precision: precision, size: size, threads: Engine.threads,
      minimumMilliseconds: times[0] * 1e3,
      medianMilliseconds: times[times.count / 2] * 1e3, flops: flops, peakGflops: peak,
      peakMegabytes: Self.peakMegabytes)
  }

  private static var peakMegabytes: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }
}

/// The most that oneDNN's matrix product reaches here: the better of three shapes, each at its best
/// of several runs.
enum MatrixPeak {
  private static let sizes = [(1024, 1024, 1024), (2048, 1024, 1024), (128, 784, 400)]

  /// 10⁹ operations a second.
  static func measure(_ precision: Precision) -> Double {
    sizes.map { m, k, n in
      let left = Tensor.ones([m, k])
      let right = Tensor.ones([k, n])
      let output = Tensor.zeros([m, n])
      let flops = 2 * Double(m) * Double(k) * Double(n)
      let repetitions = max(1, Int(2e8 / flops))
      var best = Double.infinity
      for _ in 0..<12 {
        let start = Clock.seconds
        for _ in 0..<repetitions {
          Engine.measureMatrixProduct(left, right, into: output, precision: precision)
        }
        best = min(best, (Clock.seconds - start) / Double(repetitions))
      }
      return flops / best / 1e9
    }.max() ?? 0
  }
}
