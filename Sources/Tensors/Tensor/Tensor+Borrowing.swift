// MARK: - Memory of others

extension Tensor {
  /// A tensor over floats that belong to somebody else, without a copy.
  ///
  /// The memory must stay valid and unchanged as long as this tensor, its views and what a tape
  /// keeps of them: for a batch, until the call that was given it returns. It is read only, and
  /// never freed. What is to be kept longer is `copied()`.
  ///
  /// - Parameters:
  ///   - start: the first of `shape.count` elements, dense and row-major.
  ///   - owner: an object to keep alive with the tensor, where the memory belongs to one.
  package init(borrowing start: UnsafePointer<Float>, shape: Shape, owner: AnyObject? = nil) {
    self.init(
      storage: Storage(
        borrowing: UnsafeMutableRawPointer(mutating: start), count: shape.count,
        elementType: .float32, owner: owner),
      shape: shape)
  }

  /// Whether the elements are somebody else's.
  package var isBorrowed: Bool { storage.isBorrowed }

  /// The address of the first element, to read, valid as long as `memoryOwner`.
  package var address: UnsafeRawPointer {
    checkMemory()
    return UnsafeRawPointer(storage.base + offset * elementType.byteCount)
  }

  /// The address of the first element of a tensor that nothing else reads yet, to write, valid as
  /// long as `memoryOwner`.
  package var writeAddress: UnsafeMutableRawPointer {
    checkMemory()
    storage.contentsChange()
    return storage.base + offset * elementType.byteCount
  }

  /// What keeps the elements alive.
  package var memoryOwner: AnyObject { storage }
}
