import Tensors

/// Asks, while a network computes, whether it is to go on: at each of its convolutions, which is where the
/// time goes.
///
/// Layers do not throw. Where the answer is no, what is left of the computation does nothing, as if memory
/// were short, so that `withMemoryErrors` around it throws soon after; `isStopped` tells why.
public final class ComputationWatch {
  private let convolutions: Int
  private let proceed: (_ fraction: Double) -> Bool
  private var passed = 0
  /// Whether the answer was no.
  public private(set) var isStopped = false

  /// A watch over a module.
  ///
  /// - Parameters:
  ///   - module: whose convolutions each run once.
  ///   - proceed: given the fraction of them that have run; false leaves the computation.
  public init(over module: any Module, _ proceed: @escaping (_ fraction: Double) -> Bool) {
    convolutions = max(1, Self.convolutions(in: module))
    self.proceed = proceed
  }

  private static func convolutions(in module: any Module) -> Int {
    module is Conv2D ? 1 : module.parts.reduce(0) { $0 + convolutions(in: $1) }
  }

  /// Called before a convolution is computed.
  func pass() {
    guard !isStopped else { return }
    isStopped = !proceed(min(1, Double(passed) / Double(convolutions)))
    passed += 1
    if isStopped { Memory.abandon() }
  }
}
