extension Tensor {
  /// Images `[batch, height, width, channels]` enlarged by whole factors, linearly along each axis
  /// between the centres of pixels; outside of the outermost centres the image goes on as it ends.
  ///
  /// Pixel i of the result lies at (i + ½) / factor − ½ of this tensor, PyTorch's rule with
  /// `align_corners=False`.
  public func upsampledBilinear(by factorY: Int, _ factorX: Int) -> Tensor {
    ensure(rank == 4, "upsampling needs [batch, height, width, channels], not \(shape)")
    ensure(
      factorY > 0 && factorX > 0 && shape[1] > 0 && shape[2] > 0,
      "images of \(shape) cannot be enlarged by \(factorY)×\(factorX)")
    return interpolated(axis: 1, by: factorY).interpolated(axis: 2, by: factorX)
  }

  /// Linear interpolation along one axis to a multiple of its size.
  private func interpolated(axis: Int, by factor: Int) -> Tensor {
    guard factor > 1 else { return self }
    let size = shape[axis]
    let places = (0..<size * factor).map { place in
      min(Float(size - 1), max(0, (Float(place) + 0.5) / Float(factor) - 0.5))
    }
    let before = shape.count(0..<axis)
    let table = reshaped(to: [before * size, shape.count(axis + 1..<rank)])
    func rows(_ offset: Int) -> Tensor {
      let own = places.map { min(Int32($0) + Int32(offset), Int32(size - 1)) }
      let all = (0..<before).flatMap { part in own.map { Int32(part * size) + $0 } }
      return table.gathering(Tensor(indices: all, shape: [before, places.count]))
    }
    let share = Tensor(places.map { $0 - $0.rounded(.down) }, shape: [1, places.count, 1])
    let lower = rows(0)
    return (lower + (rows(1) - lower) * share)
      .reshaped(to: shape.replacing(axis: axis, with: places.count))
  }
}
