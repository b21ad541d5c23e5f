import Tensors

extension DataSplit {
  /// The examples of the given indices as one tensor `[indices.count, height, width, channels]`, in the
  /// source's range. Neighbours in memory that the store holds as models see them are not copied.
  public func batch(_ indices: [Int]) -> Tensor {
    if let range = Self.range(indices), let view = store.view(range) { return view }
    return Tensor([indices.count, shape.height, shape.width, shape.channels]) { buffer in
      store.write(indices, into: buffer)
    }
  }

  /// The range that indices in rising order without gaps make up; nil for others.
  private static func range(_ indices: [Int]) -> Range<Int>? {
    guard let first = indices.first else { return nil }
    for (position, index) in indices.enumerated() where index != first + position { return nil }
    return first..<first + indices.count
  }
}
