import Tensors

/// Which elements of a batch are known. A missing one is zero in the batch.
public struct ObservationMask {
  /// One where an element is known and zero where it is missing, of the batch's shape.
  public let values: Tensor
  /// Whether nothing is missing.
  public let isComplete: Bool

  /// A mask.
  ///
  /// - Parameter values: ones and zeros of the batch's shape, `[N, …]`.
  public init(_ values: Tensor) {
    self.values = values
    isComplete = values.withFloats { $0.allSatisfy { $0 != 0 } }
  }

  /// The mask of values in which NaN stands for what is missing.
  public init(missingIn values: Tensor) {
    self.init(
      Tensor(values.shape) { mask in
        values.withFloats { values in
          for (place, value) in values.enumerated() { mask[place] = value.isNaN ? 0 : 1 }
        }
      })
  }

  /// The mask of some of the examples.
  public func rows(_ range: Range<Int>) -> ObservationMask { ObservationMask(values.rows(range)) }

  /// The known elements of a batch, one after the other, `[M]`.
  public func known(of batch: Tensor) -> Tensor {
    ensure(
      batch.shape == values.shape, "a mask of \(values.shape) is none of a batch of \(batch.shape)")
    let chosen = values.withFloats { mask in mask.indices.filter { mask[$0] != 0 } }
    return batch.withFloats { batch in Tensor(chosen.map { batch[$0] }) }
  }
}

extension Tensor {
  /// The same values with NaN where a mask has none, as a constant.
  public func missing(where mask: ObservationMask) -> Tensor {
    Tensor(shape) { result in
      withFloats { values in
        mask.values.withFloats { mask in
          for place in values.indices { result[place] = mask[place] == 0 ? .nan : values[place] }
        }
      }
    }
  }

  /// The same values with zeros where they are NaN, as a constant.
  public var withoutMissing: Tensor {
    Tensor(shape) { result in
      withFloats { values in
        for (place, value) in values.enumerated() { result[place] = value.isNaN ? 0 : value }
      }
    }
  }
}

extension Context {
  /// The mean of each element over the examples that know it, `[…]`, and zero where none does.
  ///
  /// - Parameter batches: the first batches, of which the context's mask is.
  public func meanOfKnown(_ batches: [Tensor]) -> Tensor {
    let all = Tensor.concatenated(batches, axis: 0)
    guard let mask else { return all.mean(axis: 0) }
    return all.sum(axis: 0) / Tensor.maximum(mask.values.sum(axis: 0), Tensor(1))
  }

  /// The batches without what is missing in them: as they are where nothing is, else their known
  /// elements alone, one after the other.
  public func known(_ batches: [Tensor]) -> [Tensor] {
    guard mask != nil else { return batches }
    return batches.indices.map { number in
      ofBatch(number, among: batches).mask?.known(of: batches[number]) ?? batches[number]
    }
  }
}
