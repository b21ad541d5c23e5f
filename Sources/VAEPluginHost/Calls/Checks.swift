import CVAE
import Tensors

/// What a plug-in may ask of operations: the checks that stand before each, since a wrong shape
/// inside the engine ends the process.
enum Checks {
  /// Axes that a value may have.
  static let rankLimit = Shape.maximalRank
  /// Elements that a value may have.
  static let elementLimit = 1 << 30

  /// A shape whose elements are not too many.
  static func shape(_ dimensions: [Int]) throws(Misfit) -> Shape {
    guard dimensions.count <= rankLimit else {
      throw Misfit("a shape of \(dimensions.count) axes has more than \(rankLimit)")
    }
    var count = 1
    for size in dimensions {
      guard size >= 0 else { throw Misfit("the shape \(dimensions) has a negative size") }
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, size))
      guard !overflow, product <= elementLimit else {
        throw Misfit("the shape \(dimensions) has more than 2^30 elements")
      }
      count = product
    }
    return Shape(dimensions)
  }

  /// The shape that a plug-in wrote.
  static func shape(
    _ pointer: UnsafePointer<Int64>?, _ rank: Int64
  ) throws(Misfit) -> Shape {
    try shape(try sizes(pointer, rank))
  }

  /// The numbers of a shape that a plug-in wrote, which may be negative.
  static func sizes(
    _ pointer: UnsafePointer<Int64>?, _ rank: Int64
  ) throws(Misfit) -> [Int] {
    guard (0...Int64(rankLimit)).contains(rank) else {
      throw Misfit("the rank is \(rank), but must be in 0...\(rankLimit)")
    }
    guard rank > 0 else { return [] }
    guard let pointer else { throw Misfit("the shape is NULL") }
    return (0..<Int(rank)).map { Int(pointer[$0]) }
  }

  /// An axis counted from the front.
  static func axis(_ axis: Int64, of x: Tensor) throws(Misfit) -> Int {
    let normal = axis < 0 ? axis + Int64(x.rank) : axis
    guard axis >= -Int64(rankLimit), normal >= 0, normal < x.rank else {
      throw Misfit("axis \(axis) is outside a value of shape \(x.shape)")
    }
    return Int(normal)
  }

  /// The shape that two values broadcast to.
  @discardableResult
  static func broadcast(_ a: Shape, _ b: Shape) throws(Misfit) -> Shape {
    let rank = max(a.rank, b.rank)
    var dimensions = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let sizeA = axis < rank - a.rank ? 1 : a.dimensions[axis - (rank - a.rank)]
      let sizeB = axis < rank - b.rank ? 1 : b.dimensions[axis - (rank - b.rank)]
      guard sizeA == sizeB || sizeA == 1 || sizeB == 1 else {
        throw Misfit("shapes \(a) and \(b) do not broadcast")
      }
      dimensions[axis] = sizeA == 1 ? sizeB : sizeA
    }
    return try shape(dimensions)
  }

  /// Refuses a value without elements along its last axis.
  static func lastAxis(_ x: Tensor) throws(Misfit) {
    guard let last = x.shape.dimensions.last, last > 0, x.count > 0 else {
      throw Misfit("a value of shape \(x.shape) has nothing along its last axis")
    }
  }

  /// Refuses values of different shapes.
  static func same(_ values: [Tensor]) throws(Misfit) {
    for value in values where value.shape != values[0].shape {
      throw Misfit("shapes \(values[0].shape) and \(value.shape) differ")
    }
    guard values[0].rank >= 1 else { throw Misfit("scalars have no rows") }
  }

  /// A finite number.
  static func finite(_ numbers: Float...) throws(Misfit) {
    for number in numbers where !number.isFinite {
      throw Misfit("the number \(number) is not finite")
    }
  }

  /// An activation by its number.
  static func activation(_ code: Int32, _ number: Float) throws(Misfit) -> Activation {
    try finite(number)
    return switch code {
    case VAE_ACTIVATION_NONE: .identity
    case VAE_ACTIVATION_RELU: .relu
    case VAE_ACTIVATION_LEAKY_RELU: .leakyReLU(slope: number)
    case VAE_ACTIVATION_ELU: .elu(alpha: number)
    case VAE_ACTIVATION_GELU: .gelu
    case VAE_ACTIVATION_SILU: .silu
    case VAE_ACTIVATION_TANH: .tanh
    case VAE_ACTIVATION_SIGMOID: .sigmoid
    case VAE_ACTIVATION_SOFTPLUS: .softplus
    default: throw Misfit("the activation \(code) is none of VAE_ACTIVATION_…")
    }
  }
}

/// Strides and padding of a convolution, checked one by one.
struct WindowSizes {
  var stride = (y: 1, x: 1)
  var padding = Padding.none
  var outputPadding = (y: 0, x: 0)

  /// - Throws: `Misfit` where a stride is no step, or padding reaches over a kernel.
  init(
    _ window: UnsafePointer<vae_window>?, kernel: (height: Int, width: Int)
  ) throws(Misfit) {
    guard let window = window?.pointee else { return }
    func step(_ stride: Int64) throws(Misfit) -> Int {
      guard (0...1024).contains(stride) else {
        throw Misfit("the stride \(stride) is not in 0...1024")
      }
      return max(1, Int(stride))
    }
    func pad(_ pad: Int64, below limit: Int, _ what: String) throws(Misfit) -> Int {
      guard pad >= 0, pad < limit else {
        throw Misfit("the padding \(pad) is not below \(what), \(limit)")
      }
      return Int(pad)
    }
    stride = (y: try step(window.stride_y), x: try step(window.stride_x))
    padding = Padding(
      top: try pad(window.pad_top, below: kernel.height, "the kernel's height"),
      left: try pad(window.pad_left, below: kernel.width, "the kernel's width"),
      bottom: try pad(window.pad_bottom, below: kernel.height, "the kernel's height"),
      right: try pad(window.pad_right, below: kernel.width, "the kernel's width"))
    outputPadding = (
      y: try pad(window.output_pad_y, below: stride.y, "the stride"),
      x: try pad(window.output_pad_x, below: stride.x, "the stride")
    )
  }
}
