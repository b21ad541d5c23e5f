extension Tensor {
  /// The elements sorted along one axis, with the permutation that sorts them.
  ///
  /// The sort is stable: equal elements, zeros of both signs among them, keep their order. NaN come
  /// last in either direction. The gradient of each value goes to the element that it was, and equal
  /// elements do not share it.
  ///
  /// ```swift
  /// let (values, order) = Tensor([3, 1, 2]).sorted()
  /// // values: 1, 2, 3; order: 1, 2, 0
  /// let others = labels.taking(order)  // another tensor of the same shape, in the same order
  /// ```
  ///
  /// - Parameters:
  ///   - axis: along which; negative ones count from the last.
  ///   - descending: whether the largest comes first.
  /// - Returns: `values` and the index tensor `order`, both of this shape: `values[…, i, …]` is the
  ///   element at `order[…, i, …]`.
  public func sorted(axis: Int = -1, descending: Bool = false) -> (values: Tensor, order: Tensor) {
    let order = sortedPositions(axis: axis, descending: descending)
    return (recordedTaking(order, axis: axis), order)
  }

  /// The permutation that sorts the elements along one axis, as an index tensor of this shape; a
  /// constant. See ``sorted(axis:descending:)``.
  public func sortedPositions(axis: Int = -1, descending: Bool = false) -> Tensor {
    let line = line(along: axis)
    ensure(
      line.size <= Int(Int32.max), "an axis of shape \(shape) is too long for indices of 32 bits")
    return Kernels.sortedPositions(
      self, outer: line.outer, size: line.size, inner: line.inner, descending: descending)
  }

  /// Elements by index along one axis: `result[…, i, …] = self[…, indices[…, i, …], …]`, such as the
  /// elements in the order that sorts another tensor.
  ///
  /// The gradient adds up over equal indices. For whole rows of a table see ``gathering(_:)``.
  ///
  /// - Parameters:
  ///   - indices: an index tensor whose shape is this one's but for the size of the axis, each in the
  ///     range of the axis.
  ///   - axis: along which; negative ones count from the last.
  /// - Returns: a tensor of the shape of the indices.
  public func taking(_ indices: Tensor, axis: Int = -1) -> Tensor {
    let size = shape[axis]
    ensure(
      indices.rank == rank
        && indices.shape.replacing(axis: axis, with: size) == shape,
      "indices of shape \(indices.shape) do not fit axis \(axis) of shape \(shape)")
    ensure(
      indices.withIndices { $0.allSatisfy { $0 >= 0 && $0 < size } },
      "an index is outside axis \(axis) of shape \(shape)")
    return recordedTaking(indices, axis: axis)
  }

  /// The same for indices that have been checked.
  private func recordedTaking(_ indices: Tensor, axis: Int) -> Tensor {
    let line = line(along: axis)
    let taken = indices.shape[axis]
    let output = Kernels.take(
      self, indices, outer: line.outer, size: line.size, taken: taken, inner: line.inner)
    let own = shape
    return .recorded(output, from: [self]) { gradient in
      [
        Kernels.scatterAdd(
          gradient, indices, outer: line.outer, size: line.size, taken: taken, inner: line.inner,
          shape: own)
      ]
    }
  }

  private func line(along axis: Int) -> (outer: Int, size: Int, inner: Int) {
    let axis = shape.normalized(axis: axis)
    return (shape.count(0..<axis), shape[axis], shape.count(axis + 1..<rank))
  }
}
