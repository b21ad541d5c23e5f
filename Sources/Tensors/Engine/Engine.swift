import CVectorKernels

/// Settings and facts of the engine as a whole, for the whole process.
///
/// ```swift
/// try Engine.setThreads(2)
/// print(Engine.threads, Engine.instructionSet, Engine.oneDNNVersion)
/// ```
public enum Engine {
  /// The number of threads that operations use, process-wide. The default is that of OpenMP:
  /// `OMP_NUM_THREADS`, else the processors this process may run on, as many as its control group
  /// lets it use at a time. Where the system does not give as many, the first operation that needs
  /// them fails (see `withMemoryErrors`).
  public static var threads: Int {
    get {
      _ = prepared
      return Int(vk_threads())
    }
    set {
      _ = prepared
      vk_set_threads(Int32(clamping: newValue))
    }
  }

  /// Done once, before the first kernel: tells the loops what they cannot find out themselves.
  static let prepared: Void = {
    if let quota = processorQuota { vk_limit_default_threads(Int32(quota)) }
  }()

  /// The processors that the control groups let all of their processes use at a time; nil where they are not limited.
  package static var processorQuota: Int? {
    ControlGroup.processorQuota.flatMap { $0 < 256 ? Int(max(1, $0)) : nil }
  }

  /// Sets the number of threads, after having tried out that the system gives this process as many.
  ///
  /// - Throws: `MemoryError` where it does not; the number is what it was then.
  public static func setThreads(_ count: Int) throws(MemoryError) {
    guard vk_has_threads(Int32(clamping: count)) != 0 else { throw MemoryError(threads: count) }
    threads = count
  }

  /// The instruction set that our own loops use: "avx512", "avx2" or "baseline". `VAE_MAX_CPU_ISA`
  /// caps it.
  public static var instructionSet: String {
    switch vk_isa_current() {
    case VK_ISA_AVX512: "avx512"
    case VK_ISA_AVX2: "avx2"
    default: "baseline"
    }
  }

  /// The version of oneDNN found at run time.
  public static var oneDNNVersion: String { OneDNN.version }

  /// Which of oneDNN's implementations the convolutions and prepared products so far have met, one
  /// line each.
  package static var implementations: [String] { OneDNN.implementations.sorted() }

  /// One matrix product of the given sizes without a tape, for measuring what the processor can do:
  /// reads `left` `[m, k]` and `right` `[k, n]` and writes into `output` `[m, n]`. Operands are
  /// rounded at the first call that needs it.
  public static func measureMatrixProduct(
    _ left: Tensor, _ right: Tensor, into output: Tensor, precision: Precision = .float32
  ) {
    let (m, n, k) = (left.shape[0], right.shape[1], left.shape[1])
    ensure(
      left.rank == 2 && right.rank == 2 && right.shape[0] == k && output.shape == [m, n],
      "shapes \(left.shape) and \(right.shape) do not multiply to \(output.shape)")
    let (left, right) = (left.operand(precision), right.operand(precision))
    withExtendedLifetime((left, right, output)) {
      switch precision {
      case .float32:
        OneDNN.matrixProduct(
          left.pointer, transposed: false, right.pointer, transposed: false,
          into: output.writePointer, m: m, n: n, k: k)
      case .bfloat16:
        OneDNN.preparedProduct(
          precision, left.operandPointer, transposed: false, right.operandPointer,
          transposed: false, into: output.writePointer, m: m, n: n, k: k)
      }
    }
  }
}
