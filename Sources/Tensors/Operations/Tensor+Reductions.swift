import CVectorKernels

extension Tensor {
  /// The sum of all elements, a scalar.
  public func sum() -> Tensor {
    reshaped(to: [count]).sum(axis: 0)
  }

  /// The mean of all elements, a scalar.
  public func mean() -> Tensor {
    sum() / Float(max(1, count))
  }

  /// The sum along one axis, which disappears unless it is kept with size one.
  public func sum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let size = shape[axis]
    let kept = shape.replacing(axis: axis, with: 1)
    let output = reduced(
      VK_REDUCE_SUM, axis: axis, shape: keepingAxis ? kept : shape.removing(axis: axis))
    let full = shape
    return .recorded(output, from: [self]) { gradient in
      let column = gradient.reshaped(to: kept)
      return [size == 1 ? column : column.broadcast(to: full)]
    }
  }

  /// The mean along one axis.
  public func mean(axis: Int, keepingAxis: Bool = false) -> Tensor {
    sum(axis: axis, keepingAxis: keepingAxis) / Float(max(1, shape[axis]))
  }

  /// The largest element along one axis; the gradient goes to the first of equals.
  public func maximum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let kept = shape.replacing(axis: axis, with: 1)
    let output = reduced(
      VK_REDUCE_MAX, axis: axis, shape: keepingAxis ? kept : shape.removing(axis: axis))
    let (full, input) = (shape, detached())
    return .recorded(output, from: [self]) { gradient in
      let chosen = Tensor.oneHot(input.argmax(axis: axis), axis: axis, size: full[axis])
      return [chosen * gradient.reshaped(to: kept)]
    }
  }

  /// The index of the largest element along one axis, the first of equals; an index tensor without
  /// that axis.
  public func argmax(axis: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    let target = shape.removing(axis: axis)
    let output = Tensor(uninitialized: target, elementType: .int32)
    Kernels.argmax(
      self, outer: shape.count(0..<axis), reduced: shape[axis], inner: shape.count(axis + 1..<rank),
      into: output)
    return output
  }

  /// The sum of all elements in double precision, for metrics.
  public var doubleSum: Double { Kernels.doubleSum(self) }
  /// The sum of all squared elements in double precision.
  public var doubleSumOfSquares: Double { Kernels.doubleSumOfSquares(self) }

  /// This tensor read with a larger shape by NumPy's rule, as a tensor of its own.
  public func broadcast(to target: Shape) -> Tensor {
    guard shape != target else { return self }
    ensure(
      Shape.broadcast(shape, target) == target, "shape \(shape) does not broadcast to \(target)")
    let output = Tensor(uninitialized: target)
    Kernels.copyStrided(
      shape: target.dimensions, from: self,
      sourceStrides: shape.broadcastStrides(to: target).map { Int($0) },
      to: output, destinationStrides: target.strides)
    let own = shape
    return .recorded(output, from: [self]) { [$0.summed(to: own)] }
  }

  /// One at the place that an index says, zero elsewhere, along a new axis of the given size at `axis`; a
  /// constant.
  ///
  /// ```swift
  /// print(Tensor.oneHot(Tensor(indices: [2, 0]), size: 3).floats)  // [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
  /// ```
  public static func oneHot(_ indices: Tensor, axis: Int = -1, size: Int) -> Tensor {
    let axis = axis < 0 ? indices.rank + 1 + axis : axis
    var dimensions = indices.shape.dimensions
    dimensions.insert(size, at: axis)
    let inner = indices.shape.count(axis..<indices.rank)
    return Tensor(Shape(dimensions)) { buffer in
      buffer.update(repeating: 0)
      indices.withIndices { values in
        for (position, index) in values.enumerated() where index >= 0 && index < size {
          buffer[(position / inner * size + Int(index)) * inner + position % inner] = 1
        }
      }
    }
  }

  private func reduced(_ operation: vk_reduce_op, axis: Int, shape target: Shape) -> Tensor {
    let output = Tensor(uninitialized: target)
    Kernels.reduce(
      operation, self, outer: shape.count(0..<axis), reduced: shape[axis],
      inner: shape.count(axis + 1..<rank), into: output)
    return output
  }
}

// MARK: - Over the last axis

extension Tensor {
  private var lastAxis: (rows: Int, columns: Int) {
    (Kernels.rows(of: self, columns: shape[-1]), shape[-1])
  }

  /// eˣ / Σ eˣ over the last axis.
  public func softmax() -> Tensor {
    let (rows, columns) = lastAxis
    let output = Kernels.softmax(self, rows: rows, columns: columns)
    return .recorded(output, from: [self]) { gradient in
      [Kernels.softmaxBackward(output, gradient, rows: rows, columns: columns)]
    }
  }

  /// x − log Σ eˣ over the last axis.
  public func logSoftmax() -> Tensor {
    let (rows, columns) = lastAxis
    let output = Kernels.logSoftmax(self, rows: rows, columns: columns)
    return .recorded(output, from: [self]) { gradient in
      [Kernels.logSoftmaxBackward(output, gradient, rows: rows, columns: columns)]
    }
  }

  /// log Σ eˣ over the last axis, which disappears; the largest element is taken out first.
  public func logSumExp() -> Tensor {
    let (rows, columns) = lastAxis
    let output = Kernels.logSumExp(
      self, rows: rows, columns: columns, shape: shape.removing(axis: -1))
    let input = detached()
    return .recorded(output, from: [self]) { gradient in
      [Kernels.logSumExpBackward(input, output, gradient, rows: rows, columns: columns)]
    }
  }
}
