import CVectorKernels

/// An elementwise non-linearity. Layers compute it in the same pass over memory as their sums;
/// ``Tensor/activated(_:)`` applies it by itself.
public enum Activation: Hashable, Sendable {
  /// x
  case identity
  /// max(x, 0)
  case relu
  /// x where x > 0, else slope · x
  case leakyReLU(slope: Float)
  /// x where x > 0, else alpha · (eˣ − 1) (Clevert et al. 2016)
  case elu(alpha: Float)
  /// x · Φ(x) with the normal distribution function Φ, exact (Hendrycks & Gimpel 2016)
  case gelu
  /// x · sigmoid(x), also called swish (Elfwing et al. 2018)
  case silu
  /// tanh x
  case tanh
  /// 1 / (1 + e⁻ˣ)
  case sigmoid
  /// log(1 + eˣ)
  case softplus

  /// The kernel and its parameters.
  var function: UnaryFunction {
    switch self {
    case .identity: UnaryFunction(VK_IDENTITY)
    case .relu: UnaryFunction(VK_RELU)
    case .leakyReLU(let slope): UnaryFunction(VK_LEAKY_RELU, slope)
    case .elu(let alpha): UnaryFunction(VK_ELU, alpha)
    case .gelu: UnaryFunction(VK_GELU)
    case .silu: UnaryFunction(VK_SILU)
    case .tanh: UnaryFunction(VK_TANH)
    case .sigmoid: UnaryFunction(VK_SIGMOID)
    case .softplus: UnaryFunction(VK_SOFTPLUS)
    }
  }
}

/// A unary kernel with its two parameters, and what its derivative is computed from.
struct UnaryFunction {
  /// What a backward pass needs of the forward one.
  enum Saved {
    case nothing, input, output
  }

  let operation: vk_unary_op
  let first: Float
  let second: Float

  init(_ operation: vk_unary_op, _ first: Float = 0, _ second: Float = 0) {
    self.operation = operation
    self.first = first
    self.second = second
  }

  var saved: Saved {
    switch vk_unary_saves(operation) {
    case 1: .output
    case 2: .input
    default: .nothing
    }
  }

  func withParameters(_ body: (UnsafePointer<Float>) -> Void) {
    withUnsafePointer(to: (first, second)) { pair in
      pair.withMemoryRebound(to: Float.self, capacity: 2) { body($0) }
    }
  }
}
