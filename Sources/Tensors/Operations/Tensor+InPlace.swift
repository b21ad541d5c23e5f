import CVectorKernels

/// Operations whose result takes the place of the tensor that they are called on.
///
/// Where no tape records and nothing else refers to the memory, it is written over; otherwise the result
/// has memory of its own. The values are those of the operations that give a new tensor, bit for bit.
extension Tensor {
  /// Becomes the sum with a tensor of the same shape: `+`.
  public mutating func add(_ other: Tensor) {
    guard shape == other.shape, mayBeWrittenOver() else { return self = self + other }
    Kernels.binary(VK_ADD, self, other, into: self)
  }

  /// Becomes activation(this + other): ``sum(_:_:activation:)``.
  public mutating func add(_ other: Tensor, activation: Activation) {
    guard shape == other.shape, mayBeWrittenOver() else {
      return self = .sum(self, other, activation: activation)
    }
    Kernels.binary(VK_ADD, self, other, into: self)
    _ = BiasActivation(self, bias: nil, activation: activation, keeping: false)
  }

  /// Becomes what an activation makes of every element: ``activated(_:)``.
  public mutating func activate(_ activation: Activation) {
    guard activation != .identity else { return }
    guard mayBeWrittenOver() else { return self = activated(activation) }
    Kernels.unary(activation.function, self, into: self)
  }

  /// Becomes scale · x + shift: ``scaled(by:shift:)``.
  public mutating func scale(by scale: Float, shift: Float = 0) {
    guard mayBeWrittenOver() else { return self = scaled(by: scale, shift: shift) }
    Kernels.unary(UnaryFunction(VK_AFFINE, scale, shift), self, into: self)
  }

  /// Writes factor · x of elements of this tensor, in their order, over elements of another one.
  ///
  /// No tape sees it: `target` is of the caller's making, and read by nobody yet.
  ///
  /// - Parameters:
  ///   - elements: those that are written, a range of all in their order.
  ///   - factor: what each is multiplied by.
  ///   - target: of one axis.
  ///   - start: the element of `target` that the first one goes to.
  package func write(
    _ elements: Range<Int>, times factor: Float, into target: Tensor, at start: Int
  ) {
    withoutTape {
      Kernels.multiply(
        reshaped(to: [count]).rows(elements), by: factor,
        into: target.rows(start..<start + elements.count))
    }
  }

  /// Becomes its group normalisation, then activation: ``groupNormalized(groups:scale:shift:epsilon:activation:)``.
  ///
  /// - Parameters:
  ///   - groups: a divisor of the number of channels; neighbouring channels are together.
  ///   - scale: `[channels]`.
  ///   - shift: `[channels]`.
  ///   - epsilon: added to each variance.
  ///   - activation: of the normalised values.
  ///   - precision: in which a product takes the result, whose rounding is then part of the same pass. While a
  ///     tape records the result has 32 bits, and the product rounds.
  public mutating func normalizeInGroups(
    _ groups: Int, scale: Tensor, shift: Tensor, epsilon: Float = 1e-5,
    activation: Activation = .identity, precision: Precision = .float32
  ) {
    if precision == .bfloat16, !isRecording, !isTracked, elementType == .float32 {
      checkGroups(groups, scale: scale, shift: shift)
      // A rounded copy of values that go would stay until then.
      if mayBeWrittenOver() { storage.contentsChange() }
      let rounded = Tensor(uninitialized: shape, elementType: .bfloat16)
      _ = Kernels.groupNormalize(
        activation.function, self, scale: scale, shift: shift, epsilon: epsilon, batch: shape[0],
        spatial: shape.count(1..<rank - 1), channels: shape[-1], groups: groups, into: rounded)
      return self = rounded
    }
    guard mayBeWrittenOver() else {
      return self = groupNormalized(
        groups: groups, scale: scale, shift: shift, epsilon: epsilon, activation: activation)
    }
    checkGroups(groups, scale: scale, shift: shift)
    _ = Kernels.groupNormalize(
      activation.function, self, scale: scale, shift: shift, epsilon: epsilon, batch: shape[0],
      spatial: shape.count(1..<rank - 1), channels: shape[-1], groups: groups, into: self)
  }
}
