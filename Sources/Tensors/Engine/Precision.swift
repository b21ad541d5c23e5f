import COneDNN
import CVectorKernels
import Glibc

/// What matrix products and convolutions multiply in training; ``withPrecision(_:_:)`` chooses it.
///
/// Parameters, sums, statistics, losses and every other operation are 32-bit floats in either case.
public enum Precision: String, Sendable, CaseIterable {
  /// 32-bit floats.
  case float32
  /// The upper halves of 32-bit floats, rounded to nearest: 8 bits of exponent and 8 of precision.
  ///
  /// The operands of products and convolutions are rounded, forward and backward, and it is the
  /// rounded ones that a tape keeps; products are added up in 32 bits and results have 32.
  /// Convolutions to so few outputs that loops of our own compute them stay as they are.
  case bfloat16

  /// Whether this processor has instructions for it, within the cap of `VAE_MAX_CPU_ISA`. oneDNN
  /// would compute without them as well, slower than with 32 bits.
  public var isSupported: Bool {
    switch self {
    case .float32: true
    case .bfloat16: OneDNN.hasBFloat16
    }
  }

  /// Why a precision that is not supported is not, and what to do, in one line.
  public var refusal: String {
    let caps: [String] = ["VAE_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"]
    let cap = caps.first { getenv($0) != nil }
    let remedy = cap.map { ", or \($0) hides them: unset it or choose" } ?? ": choose"
    return
      "precision \(rawValue) needs AVX-512 BF16 instructions, which this processor lacks\(remedy) "
      + "float32"
  }

  /// The precision of a product that is recorded, or is not.
  static func ofProduct(recorded isRecorded: Bool) -> Precision {
    switch vk_rounds_operands() {
    case roundsRecorded: isRecorded ? .bfloat16 : .float32
    case roundsAll: .bfloat16
    default: .float32
    }
  }

  /// What a thread notes whose recorded products are rounded, or all of them.
  fileprivate static let (roundsRecorded, roundsAll): (Int32, Int32) = (1, 2)
}

/// Runs a closure in which the products that this thread records multiply with a precision, and so
/// do their backward passes whenever they run. What is not recorded, as all of evaluation, is
/// computed with 32 bits.
///
/// The precision must be supported: see `Precision.isSupported`.
public func withPrecision<Result>(
  _ precision: Precision, _ body: () throws -> Result
) rethrows -> Result {
  try rounding(precision, Precision.roundsRecorded, body)
}

/// Runs a closure in which all products of this thread multiply with a precision, recorded or not: for
/// results that bear a small error and are to come sooner, such as pictures.
///
/// The precision must be supported: see `Precision.isSupported`.
public func withInferencePrecision<Result>(
  _ precision: Precision, _ body: () throws -> Result
) rethrows -> Result {
  try rounding(precision, Precision.roundsAll, body)
}

private func rounding<Result>(
  _ precision: Precision, _ note: Int32, _ body: () throws -> Result
) rethrows -> Result {
  ensure(precision.isSupported, precision.refusal)
  let previous = vk_rounds_operands()
  vk_set_rounds_operands(precision == .bfloat16 ? note : 0)
  defer { vk_set_rounds_operands(previous) }
  return try body()
}

extension Tensor {
  /// The values as products take them, as a constant. A rounded copy is made once and lives with
  /// the memory that it was made of.
  func operand(_ precision: Precision) -> Tensor {
    guard precision == .bfloat16, elementType == .float32 else { return detached() }
    let key = Storage.CopyKey.rounded(offset: offset, count: count)
    if let copy = storage.copy(for: key) { return Tensor(storage: copy.storage, shape: shape) }
    let copy = Kernels.rounded(self)
    storage.keep(copy, for: key)
    return copy
  }

  /// The values in 32 bits, as a constant.
  func widened() -> Tensor {
    elementType == .bfloat16 ? Kernels.widened(self) : detached()
  }
}
