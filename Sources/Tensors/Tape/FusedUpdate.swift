import CVectorKernels

/// Optimizer updates of many parameters in one parallel pass over memory, in place. The laws stand
/// with the optimizers of `NeuralNetworks`; here is only what touches memory.
public struct FusedUpdate {
  /// One parameter's share of an update.
  public struct Entry {
    let parameter: Parameter
    let gradient: Tensor
    let first: Tensor?
    let second: Tensor?
    let weightDecay: Float

    /// A parameter with its gradient, the optimizer's moments for it (changed in place), and its
    /// weight decay.
    public init(
      _ parameter: Parameter, gradient: Tensor, first: Tensor? = nil, second: Tensor? = nil,
      weightDecay: Float = 0
    ) {
      ensure(
        gradient.shape == parameter.shape,
        "a gradient of shape \(gradient.shape) for a parameter of shape \(parameter.shape)")
      self.parameter = parameter
      self.gradient = gradient
      self.first = first
      self.second = second
      self.weightDecay = weightDecay
    }
  }

  private let entries: [Entry]

  /// An update of the given parameters.
  public init(_ entries: [Entry]) {
    self.entries = entries
  }

  /// The update of Adam or AdamW, whose formulas stand with `UpdateRule` of `NeuralNetworks`.
  public func adam(
    rate: Float, beta1: Float, beta2: Float, epsilon: Float, bias1: Float, bias2: Float,
    gradientScale: Float, decoupledDecay: Bool
  ) {
    withUpdates("adam") { updates, count in
      vk_adam(
        updates, count, rate, beta1, beta2, epsilon, bias1, bias2, gradientScale,
        decoupledDecay ? 1 : 0)
    }
  }

  /// The update of gradient descent with momentum; the formula stands with `UpdateRule`.
  public func sgd(rate: Float, momentum: Float, isNesterov: Bool, gradientScale: Float) {
    withUpdates("sgd") { updates, count in
      vk_sgd(updates, count, rate, momentum, isNesterov ? 1 : 0, gradientScale)
    }
  }

  private func withUpdates(
    _ name: StaticString, _ body: (UnsafePointer<vk_update>, Int) -> Void
  ) {
    let updates = entries.map { entry in
      vk_update(
        parameter: entry.parameter.value.writePointer, gradient: entry.gradient.pointer,
        first: entry.first?.writePointer, second: entry.second?.writePointer,
        count: entry.gradient.count, weight_decay: entry.weightDecay)
    }
    // A parameter and its moments are read and written, a gradient is read.
    Profiler.measure(
      name,
      entries.flatMap {
        [$0.parameter.value, $0.parameter.value, $0.gradient, $0.first, $0.first] + [
          $0.second, $0.second,
        ]
      }, sizes: "\(entries.count) parameters"
    ) {
      withExtendedLifetime(entries) { body(updates, updates.count) }
    }
  }

  /// Moves averages towards the parameters' values, in place: average ← decay · average + (1 −
  /// decay) · value.
  public static func average(
    _ averages: [Tensor], towards parameters: [Parameter], decay: Float
  ) {
    let updates = zip(averages, parameters).map { average, parameter in
      // Only read: the loops share one description of what they work on.
      vk_update(
        parameter: UnsafeMutablePointer(mutating: parameter.value.pointer), gradient: nil,
        first: average.writePointer, second: nil, count: average.count, weight_decay: 0)
    }
    Profiler.measure(
      "average", averages + averages + parameters.map(\.value),
      sizes: "\(averages.count) parameters"
    ) {
      withExtendedLifetime((averages, parameters)) { vk_average(updates, updates.count, decay) }
    }
  }
}
