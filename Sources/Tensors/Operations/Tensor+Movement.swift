// MARK: - Views, without a copy

extension Tensor {
  /// The same elements in the same order with another shape of as many elements, sharing memory.
  public func reshaped(to target: Shape) -> Tensor {
    guard target != shape else { return self }
    ensure(
      target.count == count, "a tensor of shape \(shape) has not the elements for shape \(target)")
    let output = Tensor(storage: storage, offset: offset, shape: target)
    let own = shape
    return .recorded(output, from: [self]) { [$0.reshaped(to: own)] }
  }

  /// All axes after the first joined into one: `[batch, …]` becomes `[batch, features]`.
  public func flattened() -> Tensor {
    ensure(rank >= 1, "a scalar cannot be flattened to rows")
    return reshaped(to: [shape[0], shape.count(1..<rank)])
  }

  /// A range of the leading axis, sharing memory.
  public func rows(_ range: Range<Int>) -> Tensor {
    ensure(
      rank >= 1 && range.lowerBound >= 0 && range.upperBound <= shape[0],
      "rows \(range) are outside a tensor of shape \(shape)")
    let row = shape.count(1..<rank)
    let output = Tensor(
      storage: storage, offset: offset + range.lowerBound * row,
      shape: shape.replacing(axis: 0, with: range.count))
    let own = shape
    return .recorded(output, from: [self]) { gradient in
      [gradient.padded(axis: 0, before: range.lowerBound, after: own[0] - range.upperBound)]
    }
  }
}

// MARK: - Copies with another arrangement

extension Tensor {
  /// The axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    ensure(order.sorted() == Array(0..<rank), "\(order) is no order of the axes of \(shape)")
    let target = Shape(order.map { shape.dimensions[$0] })
    let output = Tensor(uninitialized: target)
    let strides = shape.strides
    Kernels.copyStrided(
      shape: target.dimensions, from: self, sourceStrides: order.map { strides[$0] }, to: output,
      destinationStrides: target.strides)
    var inverse = [Int](repeating: 0, count: rank)
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return .recorded(output, from: [self]) { [$0.permuted(inverse)] }
  }

  /// A matrix with its axes exchanged.
  public func transposed() -> Tensor {
    permuted([1, 0])
  }

  /// Tensors joined along one axis; the other axes must agree.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    guard let first = parts.first else { fatalError("no tensors to concatenate") }
    let axis = first.shape.normalized(axis: axis)
    for part in parts {
      ensure(
        part.rank == first.rank
          && part.shape.replacing(axis: axis, with: 0)
            == first.shape.replacing(axis: axis, with: 0),
        "shapes \(first.shape) and \(part.shape) cannot be joined along axis \(axis)")
    }
    let sizes = parts.map { $0.shape[axis] }
    let target = first.shape.replacing(axis: axis, with: sizes.reduce(0, +))
    let output = Tensor(uninitialized: target)
    var start = 0
    for part in parts {
      part.copyBox(to: output, axis: axis, start: start)
      start += part.shape[axis]
    }
    let needs = parts.map(\.isTracked)
    return .recorded(output, from: parts) { gradient in
      var start = 0
      return zip(sizes, needs).map { size, needed in
        defer { start += size }
        return needed ? gradient.slice(axis: axis, start..<start + size) : nil
      }
    }
  }

  /// This tensor cut along one axis into pieces of the given sizes, which must add up to the axis.
  public func split(sizes: [Int], axis: Int = -1) -> [Tensor] {
    let axis = shape.normalized(axis: axis)
    ensure(
      sizes.reduce(0, +) == shape[axis], "sizes \(sizes) do not fill axis \(axis) of shape \(shape)"
    )
    let joint = Tensor.recorded(detached(), from: [self]) { [$0] }
    let gathering = GatheredGradient()
    var start = 0
    return sizes.map { size in
      let first = start
      start += size
      let part = detached().slice(axis: axis, first..<first + size)
      return .recorded(part, from: [joint]) { gradient in
        [gathering.take(gradient, of: joint.shape, axis: axis, start: first)]
      }
    }
  }

  /// A range of one axis, as a copy (a view where the axis is the first).
  public func slice(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = shape.normalized(axis: axis)
    ensure(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "range \(range) is outside axis \(axis) of shape \(shape)")
    guard axis > 0 else { return rows(range) }
    guard range.count < shape[axis] else { return self }
    let output = Tensor(uninitialized: shape.replacing(axis: axis, with: range.count))
    Kernels.copyStrided(
      shape: output.shape.dimensions, from: self,
      sourceOffset: range.lowerBound * shape.strides[axis], sourceStrides: shape.strides,
      to: output,
      destinationStrides: output.shape.strides)
    let size = shape[axis]
    return .recorded(output, from: [self]) { gradient in
      [gradient.padded(axis: axis, before: range.lowerBound, after: size - range.upperBound)]
    }
  }

  /// This tensor with zeros before and after it along one axis, of so many elements each.
  public func padded(axis: Int, before: Int, after: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    ensure(before >= 0 && after >= 0, "padding \(before), \(after) is negative")
    guard before + after > 0 else { return self }
    let size = shape[axis]
    let output = Tensor.zeros(shape.replacing(axis: axis, with: before + size + after))
    copyBox(to: output, axis: axis, start: before)
    return .recorded(output, from: [self]) { [$0.slice(axis: axis, before..<before + size)] }
  }

  /// The last element along one axis repeated after it, so that an image goes on as it ends.
  public func extended(axis: Int, by count: Int) -> Tensor {
    let axis = shape.normalized(axis: axis)
    ensure(count >= 0 && shape[axis] > 0, "\(shape) cannot be extended by \(count)")
    guard count > 0 else { return self }
    let last = slice(axis: axis, shape[axis] - 1..<shape[axis])
    return .concatenated([self] + [Tensor](repeating: last, count: count), axis: axis)
  }

  /// Rows of this table by index: `[…]` indices and a `[entries, …]` table give `[…, …]`. The gradient
  /// adds up over equal indices.
  ///
  /// ```swift
  /// let vectors = codebook.gathering(Tensor(indices: [3, 0, 3]))  // [3, D] of a codebook [K, D]
  /// ```
  public func gathering(_ indices: Tensor) -> Tensor {
    ensure(rank >= 1, "rows cannot be gathered from a scalar")
    let entries = shape[0]
    ensure(
      indices.withIndices { $0.allSatisfy { $0 >= 0 && $0 < entries } },
      "an index is outside a table of \(entries) rows")
    let columns = shape.count(1..<rank)
    let target = Shape(indices.shape.dimensions + shape.dimensions.dropFirst())
    let output = Kernels.gatherRows(self, indices, columns: columns, shape: target)
    let own = shape
    return .recorded(output, from: [self]) { gradient in
      [Kernels.scatterAddRows(gradient, indices, columns: columns, shape: own)]
    }
  }

  /// Each pixel of `[batch, height, width, channels]` repeated in a block of the given size.
  public func upsampledNearest(by factorY: Int, _ factorX: Int) -> Tensor {
    ensure(rank == 4, "upsampling needs [batch, height, width, channels], not \(shape)")
    ensure(
      factorY > 0 && factorX > 0,
      "pixels of \(shape) cannot be repeated in blocks of \(factorY)×\(factorX)")
    let output = Kernels.upsampleNearest(self, factorY: factorY, factorX: factorX)
    let own = shape
    return .recorded(output, from: [self]) { gradient in
      [Kernels.upsampleNearestBackward(gradient, shape: own, factorY: factorY, factorX: factorX)]
    }
  }

  /// The mean of each block of pixels of the given size: `[batch, height, width, channels]` becomes
  /// `[batch, height / factorY, width / factorX, channels]`. The sides are multiples of the factors.
  public func averagedBlocks(of factorY: Int, _ factorX: Int) -> Tensor {
    ensure(
      rank == 4 && factorY > 0 && factorX > 0 && shape[1].isMultiple(of: factorY)
        && shape[2].isMultiple(of: factorX),
      "images of \(shape) are no whole blocks of \(factorY)×\(factorX) pixels")
    let (share, own) = (1 / Float(factorY * factorX), shape)
    let small = Shape([own[0], own[1] / factorY, own[2] / factorX, own[3]])
    let output =
      Kernels.upsampleNearestBackward(detached(), shape: small, factorY: factorY, factorX: factorX)
      .scaled(by: share, shift: 0)
    return .recorded(output, from: [self]) { gradient in
      [
        Kernels.upsampleNearest(
          gradient.scaled(by: share, shift: 0), factorY: factorY, factorX: factorX)
      ]
    }
  }

  /// The whole tensor several times, one after another along the leading axis: `[N, …]` becomes
  /// `[times · N, …]`, whose row k · N + n is row n. This is the order in which K draws for N examples
  /// stand.
  public func tiled(_ times: Int) -> Tensor {
    guard times != 1 else { return self }
    return reshaped(to: [1, count]).broadcast(to: [times, count])
      .reshaped(to: shape.replacing(axis: 0, with: times * shape[0]))
  }

  fileprivate func copyBox(to output: Tensor, axis: Int, start: Int) {
    Kernels.copyStrided(
      shape: shape.dimensions, from: self, sourceStrides: shape.strides, to: output,
      destinationOffset: start * output.shape.strides[axis],
      destinationStrides: output.shape.strides)
  }
}

/// The gradient of a tensor that was cut into parts, filled as the parts' gradients come in.
///
/// The tape reaches all parts before what they were cut from: the first hands over the whole, with
/// zeros where nothing came yet, and the others fill in theirs. One pass over the whole takes the
/// place of one for each part. Where the tape is kept for other passes each part gives a whole of its
/// own, and nothing stays here.
private final class GatheredGradient {
  private var whole: Tensor?

  /// Puts in the gradient of one part; gives the whole the first time.
  func take(_ part: Tensor, of shape: Shape, axis: Int, start: Int) -> Tensor? {
    if let whole, !Tensor.keepsTape {
      part.copyBox(to: whole, axis: axis, start: start)
      return nil
    }
    let fresh = Tensor.zeros(shape)
    part.copyBox(to: fresh, axis: axis, start: start)
    if !Tensor.keepsTape { whole = fresh }
    return fresh
  }
}
