import CVectorKernels
import Glibc
import Synchronization

/// Runs a closure in which memory that cannot be taken is an error.
///
/// Operations on tensors do not throw. Where one cannot have memory for its result, it gives a tensor
/// of the right shape without elements, and the failure is noted; from then on all kernels of this thread do
/// nothing, until the closure returns and the error is thrown. Parameters and buffers keep the values that they
/// have. Outside of such a closure the program ends with a message instead.
///
/// ```swift
/// do {
///   let product = try withMemoryErrors { x.matrixProduct(y) }
///   print(product.shape)
/// } catch let error as MemoryError {
///   print(error)  // what was asked for, and what to do
/// }
/// ```
///
/// - Returns: what the closure returns.
/// - Throws: `MemoryError` where a request was refused, whatever else the closure throws; otherwise
///   that.
public func withMemoryErrors<Result>(_ body: () throws -> Result) throws -> Result {
  try Memory.check()
  try Memory.prepare()
  let fault = vk_thread_fault()
  fault?.pointee.watchers += 1
  defer {
    fault?.pointee.watchers -= 1
    fault?.pointee.bytes = 0
    fault?.pointee.threads = 0
  }
  do {
    let result = try body()
    try Memory.check()
    return result
  } catch {
    try Memory.check()
    throw error
  }
}

/// The one rule for what memory may be taken, and what becomes of a request that is refused.
package enum Memory {
  /// Requests from this size on are asked about, in bytes; smaller ones come out of the reserve.
  package static let leastRequest = 1 << 16

  // MARK: Faults

  /// Whether a request of this thread was refused and its error is yet to be thrown.
  package static var hasFailed: Bool { vk_has_failed() != 0 }

  /// Throws the error of a request of this thread that was refused.
  ///
  /// To be called before what was computed is used or changes anything. Whoever waits by
  /// `withMemoryErrors` throws it in any case.
  package static func check() throws(MemoryError) {
    guard hasFailed, let fault = vk_thread_fault() else { return }
    let threads = Int(fault.pointee.threads)
    guard threads == 0 else { throw MemoryError(threads: threads) }
    throw MemoryError(bytes: Int(clamping: fault.pointee.bytes), purpose: "a tensor")
  }

  /// Takes note of a request that was refused; where nobody waits for the error, ends the program.
  package static func fail(bytes: Int) {
    guard let fault = vk_thread_fault(), fault.pointee.watchers > 0 else {
      fatalError("\(MemoryError(bytes: bytes, purpose: "a tensor"))")
    }
    giveWay()
    vk_refuse_memory(max(1, bytes))
  }

  /// Lets the kernels of this thread do nothing until the `withMemoryErrors` around them ends, as a refused
  /// request does: how a computation is left early. Where there is none, nothing happens.
  package static func abandon() {
    if let fault = vk_thread_fault(), fault.pointee.watchers > 0 { vk_refuse_memory(1) }
  }

  /// Whether memory may be taken in a way that cannot fail, such as an array, where nothing can be
  /// thrown; takes note of the fault where it may not.
  package static func mayTake(_ bytes: Int, usesReserve: Bool = false) -> Bool {
    guard bytes >= leastRequest, !grants(bytes, usesReserve: usesReserve) else { return !hasFailed }
    fail(bytes: bytes)
    return false
  }

  /// Asks for memory that is about to be taken in a way that cannot fail, such as an array.
  ///
  /// - Parameters:
  ///   - bytes: what will be taken.
  ///   - purpose: what for.
  ///   - usesReserve: whether the reserve for saving may be used: for saving.
  package static func require(
    bytes: Int, for purpose: @autoclosure () -> String, usesReserve: Bool = false
  ) throws(MemoryError) {
    guard bytes < leastRequest || grants(bytes, usesReserve: usesReserve) else {
      throw MemoryError(bytes: bytes, purpose: purpose())
    }
  }

  /// Refuses to read a file that would not fit.
  package static func require(bytes: Int, reading path: String) throws(MemoryError) {
    guard bytes < leastRequest || grants(bytes) else {
      throw MemoryError(bytes: bytes, reading: path)
    }
  }

  /// Zeros in place of elements that could not be had, for reading.
  static func withZeros<Element: BitwiseCopyable, Result>(
    _ count: Int, as type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    let bytes = count * MemoryLayout<Element>.stride
    let own = bytes <= VK_NOTHING ? nil : calloc(1, bytes)
    defer { free(own) }
    guard let start = own ?? (bytes <= VK_NOTHING ? nothing : nil) else {
      fatalError("\(MemoryError(bytes: bytes, purpose: "a copy of a tensor"))")
    }
    return try body(
      UnsafeBufferPointer(start: start.assumingMemoryBound(to: Element.self), count: count))
  }

  /// Where tensors without elements point to: zeros, which are never written.
  static var nothing: UnsafeMutableRawPointer { vk_nothing() }

  // MARK: The rule

  /// Whether memory may be taken: not more than the machine, the process's control groups and its
  /// limits have left beside the reserve.
  ///
  /// - Parameters:
  ///   - bytes: what is asked for.
  ///   - usesReserve: whether the reserve for saving may be used.
  package static func grants(_ bytes: Int, usesReserve: Bool = false) -> Bool {
    !isRefusedByTest() && allows(bytes, usesReserve: usesReserve)
  }

  /// The same for what has been counted as a request already.
  static func allows(_ bytes: Int, usesReserve: Bool = false) -> Bool {
    let reserve = reserve(isForSaving: usesReserve)
    return budget.withLock { $0.grants(bytes, reserve: reserve) }
  }

  /// The bytes that the machine, the control groups of the process and its limits have left for it at
  /// this moment, the least of them.
  package static var available: Int { SystemMemory.available }

  /// Whether there would be memory for a number of bytes, which as a product of sizes may be beyond all
  /// bounds. Nothing is granted: this is for refusing early, with words about the cause.
  package static func holds(_ bytes: Double) -> Bool {
    bytes < Double(leastRequest)
      || bytes < Double(SystemMemory.available) - Double(reserve(isForSaving: false))
  }

  /// Throws where the reserve is no longer there: before a step, so that what it did can be saved.
  package static func checkReserve() throws(MemoryError) {
    guard allows(0) else {
      throw MemoryError(bytes: reserve(isForSaving: false), purpose: "going on and saving")
    }
  }

  private static func reserve(isForSaving: Bool) -> Int {
    isForSaving
      ? runtimeReserve / 2 : runtimeReserve + savingReserve.load(ordering: .relaxed)
  }

  /// What Swift's own runtime, the C library and error messages take.
  private static let runtimeReserve = 16 << 20
  private static let savingReserve = Atomic<Int>(0)
  private static let budget = Lock(MemoryBudget())

  /// Memory that is kept free for saving what would be lost otherwise, as long as this object lives.
  package final class Reserve: Sendable {
    private let bytes: Int

    /// A reserve of some bytes.
    package init(bytes: Int) {
      self.bytes = bytes
      savingReserve.add(bytes, ordering: .relaxed)
    }

    deinit { savingReserve.subtract(bytes, ordering: .relaxed) }
  }

  // MARK: Errors of memory

  /// Makes ready for errors, and throws one where what small things take is not there: an allocation
  /// of Swift's runtime that the system refuses ends the program.
  static func prepare() throws(MemoryError) {
    _ = gate
    guard allows(0, usesReserve: true) else {
      giveWay()
      throw MemoryError(bytes: reserve(isForSaving: true), purpose: "going on")
    }
    guard !isReady.load(ordering: .relaxed) else { return }
    vk_take_ballast()
    isReady.store(true, ordering: .relaxed)
  }

  /// Gives back the blocks that are kept for what an error takes.
  private static func giveWay() {
    isReady.store(false, ordering: .relaxed)
    vk_drop_ballast()
  }

  /// Whether the blocks have been taken since they were given back; the library takes them when it is
  /// loaded.
  private static let isReady = Atomic<Bool>(true)

  /// Installs the rule for working space of kernels.
  private static let gate: Void = vk_set_memory_gate { Memory.grants(Int(clamping: $0)) ? 1 : 0 }

  // MARK: Tests

  /// Requests until the one that a test has refused, that one included; none where it is not above
  /// zero.
  private static let refusal = Atomic<Int>(0)

  /// Runs a closure in which one request is refused, whatever memory there is.
  ///
  /// - Parameter number: which one, from one.
  /// - Returns: what the closure returns, and whether it came to that request.
  package static func refusing<Result>(
    request number: Int, _ body: () throws -> Result
  ) rethrows -> (result: Result, wasReached: Bool) {
    refusal.store(number, ordering: .sequentiallyConsistent)
    defer { refusal.store(0, ordering: .sequentiallyConsistent) }
    let result = try body()
    return (result, refusal.load(ordering: .sequentiallyConsistent) <= 0)
  }

  /// Counts a request, and tells whether it is the one that a test has refused.
  static func isRefusedByTest() -> Bool {
    guard refusal.load(ordering: .relaxed) > 0 else { return false }
    return refusal.subtract(1, ordering: .relaxed).newValue == 0
  }
}
