import CVectorKernels

// MARK: - Functions of one tensor

extension Tensor {
  /// A function applied to every element.
  func applying(_ function: UnaryFunction) -> Tensor {
    let output = Kernels.unary(function, self)
    let saved: Tensor? =
      switch function.saved {
      case .nothing: nil
      case .input: detached()
      case .output: output
      }
    return .recorded(output, from: [self]) { gradient in
      [Kernels.unaryBackward(function, saved: saved, gradient: gradient)]
    }
  }

  /// An activation applied to every element.
  public func activated(_ activation: Activation) -> Tensor {
    activation == .identity ? self : applying(activation.function)
  }

  /// −x
  public static prefix func - (x: Tensor) -> Tensor { x.applying(UnaryFunction(VK_NEGATE)) }
  /// eˣ
  public func exp() -> Tensor { applying(UnaryFunction(VK_EXP)) }
  /// The natural logarithm.
  public func log() -> Tensor { applying(UnaryFunction(VK_LOG)) }
  /// The square root.
  public func squareRoot() -> Tensor { applying(UnaryFunction(VK_SQRT)) }
  /// x²
  public func squared() -> Tensor { applying(UnaryFunction(VK_SQUARE)) }
  /// 1 / x
  public func reciprocal() -> Tensor { applying(UnaryFunction(VK_RECIPROCAL)) }
  /// |x|, with derivative zero at zero.
  public func magnitude() -> Tensor { applying(UnaryFunction(VK_ABS)) }
  /// 1 / (1 + e⁻ˣ)
  public func sigmoid() -> Tensor { activated(.sigmoid) }
  /// The hyperbolic tangent.
  public func tanh() -> Tensor { activated(.tanh) }
  /// log(1 + eˣ), without overflow.
  public func softplus() -> Tensor { activated(.softplus) }
  /// max(x, 0)
  public func relu() -> Tensor { activated(.relu) }
  /// x limited to a range; the derivative is one inside the range and zero outside.
  public func clamped(to range: ClosedRange<Float>) -> Tensor {
    applying(UnaryFunction(VK_CLAMP, range.lowerBound, range.upperBound))
  }

  /// 1 where an element is above a threshold, else 0; a constant.
  public func isAbove(_ threshold: Float) -> Tensor {
    Kernels.threshold(self, above: threshold)
  }

  /// scale · x + shift
  public func scaled(by scale: Float, shift: Float = 0) -> Tensor {
    applying(UnaryFunction(VK_AFFINE, scale, shift))
  }
}

// MARK: - Functions of two tensors, with broadcasting

extension Tensor {
  /// The sum, with broadcasting by NumPy's rule.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    combine(VK_ADD, a, b) { gradient, _ in [gradient, gradient] }
  }

  /// activation(a + b) of two tensors of one shape, in one operation: the sum is written once, and the
  /// activation takes its place.
  public static func sum(_ a: Tensor, _ b: Tensor, activation: Activation) -> Tensor {
    ensure(a.shape == b.shape, "shapes \(a.shape) and \(b.shape) are not one")
    let needs = (a.isTracked, b.isTracked)
    let output = Kernels.binary(VK_ADD, a, b, shape: a.shape)
    let finish = BiasActivation(
      output, bias: nil, activation: activation, keeping: isRecording && (needs.0 || needs.1))
    return .recorded(output, from: [a, b]) { gradient in
      let inner = finish.backward(gradient, wantsBias: false).input
      return [needs.0 ? inner : nil, needs.1 ? inner : nil]
    }
  }

  /// The difference, with broadcasting by NumPy's rule.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    combine(VK_SUBTRACT, a, b) { gradient, needs in [gradient, needs.1 ? -gradient : nil] }
  }

  /// The product of elements, with broadcasting by NumPy's rule.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    let (x, y) = (a.detached(), b.detached())
    return combine(VK_MULTIPLY, a, b) { gradient, needs in
      [needs.0 ? gradient * y : nil, needs.1 ? gradient * x : nil]
    }
  }

  /// The quotient of elements, with broadcasting by NumPy's rule.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    let (x, y) = (a.detached(), b.detached())
    return combine(VK_DIVIDE, a, b) { gradient, needs in
      [needs.0 ? gradient / y : nil, needs.1 ? -(gradient * x) / y.squared() : nil]
    }
  }

  /// The larger of two elements, with broadcasting; where they are equal the gradient goes to the
  /// first.
  public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = (a.detached(), b.detached())
    return combine(VK_MAXIMUM, a, b) { gradient, needs in
      let toSecond = (y - x).isAbove(0)
      return [
        needs.0 ? gradient * toSecond.scaled(by: -1, shift: 1) : nil,
        needs.1 ? gradient * toSecond : nil,
      ]
    }
  }

  /// The smaller of two elements, with broadcasting; where they are equal the gradient goes to the
  /// first.
  public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = (a.detached(), b.detached())
    return combine(VK_MINIMUM, a, b) { gradient, needs in
      let toSecond = (x - y).isAbove(0)
      return [
        needs.0 ? gradient * toSecond.scaled(by: -1, shift: 1) : nil,
        needs.1 ? gradient * toSecond : nil,
      ]
    }
  }

  /// x + shift
  public static func + (x: Tensor, shift: Float) -> Tensor { x.scaled(by: 1, shift: shift) }
  /// shift + x
  public static func + (shift: Float, x: Tensor) -> Tensor { x.scaled(by: 1, shift: shift) }
  /// x − shift
  public static func - (x: Tensor, shift: Float) -> Tensor { x.scaled(by: 1, shift: -shift) }
  /// x − y for a number x
  public static func - (x: Float, y: Tensor) -> Tensor { y.scaled(by: -1, shift: x) }
  /// x · factor
  public static func * (x: Tensor, factor: Float) -> Tensor { x.scaled(by: factor) }
  /// factor · x
  public static func * (factor: Float, x: Tensor) -> Tensor { x.scaled(by: factor) }
  /// x / divisor
  public static func / (x: Tensor, divisor: Float) -> Tensor { x.scaled(by: 1 / divisor) }
  /// x / y for a number x
  public static func / (x: Float, y: Tensor) -> Tensor { y.reciprocal().scaled(by: x) }

  private static func combine(
    _ operation: vk_binary_op, _ a: Tensor, _ b: Tensor,
    backward: @escaping (_ gradient: Tensor, _ needs: (Bool, Bool)) -> [Tensor?]
  ) -> Tensor {
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      fatalError("shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    let output = Kernels.binary(operation, a, b, shape: shape)
    let (shapeA, shapeB) = (a.shape, b.shape)
    let needs = (a.isTracked, b.isTracked)
    return .recorded(output, from: [a, b]) { gradient in
      let gradients = backward(gradient, needs)
      return [
        needs.0 ? gradients[0]?.summed(to: shapeA) : nil,
        needs.1 ? gradients[1]?.summed(to: shapeB) : nil,
      ]
    }
  }

  /// The sum over the axes along which a tensor of shape `target` was broadcast to this shape.
  func summed(to target: Shape) -> Tensor {
    guard shape != target else { return self }
    let lead = rank - target.rank
    var result = self
    for axis in 0..<rank
    where axis < lead || (target.dimensions[axis - lead] == 1 && shape[axis] != 1) {
      result = result.sum(axis: axis, keepingAxis: true)
    }
    return result.reshaped(to: target)
  }
}
