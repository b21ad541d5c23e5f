import CVAE

/// Numbers that stay from call to call and are stored with the model. Valid as long as the object for
/// which they were made.
public struct Parameter {
  let pointer: OpaquePointer?

  /// How a parameter begins.
  public enum Initializer: Sendable {
    /// The same number everywhere.
    case constant(Double)
    /// Normal with a deviation.
    case normal(Double)
    /// Uniform between -bound and bound.
    case uniform(Double)
    /// Uniform, variance 1 / (3 fan-in): before rectifiers and the like.
    case lecunUniform
    /// Uniform, variance 2 / (fan-in + fan-out): before tanh and sigmoid.
    case glorotUniform
    /// Normal, variance 2 / fan-in.
    case heNormal

    var asC: (code: Int32, number: Double) {
      switch self {
      case .constant(let number): (VAE_INIT_CONSTANT, number)
      case .normal(let deviation): (VAE_INIT_NORMAL, deviation)
      case .uniform(let bound): (VAE_INIT_UNIFORM, bound)
      case .lecunUniform: (VAE_INIT_LECUN_UNIFORM, 0)
      case .glorotUniform: (VAE_INIT_GLOROT_UNIFORM, 0)
      case .heNormal: (VAE_INIT_HE_NORMAL, 0)
      }
    }
  }

  /// What else a parameter is.
  public struct Options: OptionSet, Sendable {
    /// The bits of `flags` in C.
    public let rawValue: UInt32
    /// The options of these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Weight decay leaves it alone, as biases and scales.
    public static let notDecayed = Options(rawValue: UInt32(VAE_PARAMETER_NOT_DECAYED))
    /// Saved but not trained: only `Pass.assign` changes it.
    public static let buffer = Options(rawValue: UInt32(VAE_PARAMETER_BUFFER))
  }
}

/// A non-linearity.
public enum Activation: Sendable {
  case none
  case relu
  /// x above zero, slope · x below.
  case leakyReLU(Float)
  /// x above zero, α (eˣ − 1) below.
  case elu(Float)
  case gelu
  case silu
  case tanh
  case sigmoid
  case softplus

  var code: Int32 {
    switch self {
    case .none: VAE_ACTIVATION_NONE
    case .relu: VAE_ACTIVATION_RELU
    case .leakyReLU: VAE_ACTIVATION_LEAKY_RELU
    case .elu: VAE_ACTIVATION_ELU
    case .gelu: VAE_ACTIVATION_GELU
    case .silu: VAE_ACTIVATION_SILU
    case .tanh: VAE_ACTIVATION_TANH
    case .sigmoid: VAE_ACTIVATION_SIGMOID
    case .softplus: VAE_ACTIVATION_SOFTPLUS
    }
  }

  var number: Float {
    switch self {
    case .leakyReLU(let number), .elu(let number): number
    default: 0
    }
  }
}

/// Strides and zero padding of a convolution.
public struct Window: Sendable {
  /// Vertically and horizontally.
  public var stride: (y: Int, x: Int)
  /// Zeros at the four sides.
  public var padding: (top: Int, left: Int, bottom: Int, right: Int)
  /// Rows and columns that a transposed convolution adds, fewer than the stride.
  public var outputPadding: (y: Int, x: Int)

  /// The same in both directions.
  public init(stride: Int = 1, padding: Int = 0, outputPadding: Int = 0) {
    self.stride = (stride, stride)
    self.padding = (padding, padding, padding, padding)
    self.outputPadding = (outputPadding, outputPadding)
  }

  /// Each direction and side of its own.
  public init(
    stride: (y: Int, x: Int),
    padding: (top: Int, left: Int, bottom: Int, right: Int) = (0, 0, 0, 0),
    outputPadding: (y: Int, x: Int) = (0, 0)
  ) {
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
  }

  var asC: vae_window {
    vae_window(
      stride_y: Int64(stride.y), stride_x: Int64(stride.x), pad_top: Int64(padding.top),
      pad_left: Int64(padding.left), pad_bottom: Int64(padding.bottom),
      pad_right: Int64(padding.right), output_pad_y: Int64(outputPadding.y),
      output_pad_x: Int64(outputPadding.x))
  }
}
