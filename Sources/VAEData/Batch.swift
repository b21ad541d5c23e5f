import Tensors

extension DataSplit {
  /// The examples of the given indices as one tensor `[indices.count, height, width, channels]`, in the
  /// source's range.
  public func batch(_ indices: [Int]) -> Tensor {
    Tensor([indices.count, shape.height, shape.width, shape.channels]) { buffer in
      store.write(indices, into: buffer)
    }
  }
}
