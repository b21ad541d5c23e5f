import Tensors

extension Tensor {
  /// Images at the next smaller size of a ``Pyramid``: the mean of each block of 2×2 pixels, an image of an odd side
  /// going on as it ends. A side of one pixel stays.
  package func averaged(to size: (height: Int, width: Int)) -> Tensor {
    func missing(_ side: Int) -> Int { side > 1 ? side % 2 : 0 }
    let whole = extended(axis: 1, by: missing(shape[1])).extended(axis: 2, by: missing(shape[2]))
    let (factorY, factorX) = (whole.shape[1] / size.height, whole.shape[2] / size.width)
    guard factorY > 1 || factorX > 1 else { return whole }
    return whole.averagedBlocks(of: factorY, factorX)
  }

  /// Images at a larger size of a ``Pyramid``: each pixel repeated in a block, and what is beyond the size cut off.
  package func repeated(to size: (height: Int, width: Int)) -> Tensor {
    let factorY = (size.height + shape[1] - 1) / shape[1]
    let factorX = (size.width + shape[2] - 1) / shape[2]
    guard factorY > 1 || factorX > 1 else { return self }
    return upsampledNearest(by: factorY, factorX).cropped(to: size)
  }

  /// Images without what lies beyond a size, below and to the right.
  func cropped(to size: (height: Int, width: Int)) -> Tensor {
    guard shape[1] != size.height || shape[2] != size.width else { return self }
    return slice(axis: 1, 0..<size.height).slice(axis: 2, 0..<size.width)
  }
}
