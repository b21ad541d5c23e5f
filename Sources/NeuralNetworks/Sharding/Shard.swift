import Tensors

/// One part of a batch while it is computed, and what it may ask of the other parts.
///
/// All shards ask for the same in the same order; each waits until the others have asked. Gradients are those
/// of the shard's own loss: an update weighs them by the share of the examples, and adds them up.
public struct Shard {
  /// All shards.
  public let group: ShardGroup
  /// The number of this one, from zero.
  public let index: Int
  /// The examples of each shard.
  public let exampleCounts: [Int]

  /// The place among the shards of this process.
  public var lane: Int { index - group.local.lowerBound }
  /// The examples of the whole batch.
  public var exampleCount: Int { exampleCounts.reduce(0, +) }
  /// Where the examples of this shard stand in the batch.
  public var examples: Range<Int> {
    let start = exampleCounts[..<index].reduce(0, +)
    return start..<start + exampleCounts[index]
  }
  /// The share of the batch's examples that are this shard's: what its loss weighs.
  public var weight: Float { Self.weight(exampleCounts[index], of: exampleCount) }

  private static func weight(_ examples: Int, of all: Int) -> Float {
    Float(examples) / Float(max(1, all))
  }

  /// The average over all shards of a tensor of one shape, each weighed by its examples. Gradients flow
  /// through it to all shards.
  ///
  /// Where the tensor is a mean over the rows of a shard, this is the mean over the batch.
  public func average(_ tensor: Tensor) -> Tensor {
    Tensor.custom("average over shards", of: [tensor]) { inputs in
      weightedSum(inputs[0])
    } gradient: { pass in
      // Σ_s w_s u_s reaches the average; of it w_s belongs to this shard, whose own gradient is weighed by
      // w_s once more when the shards' are added up.
      [weightedSum(pass.gradient)]
    }
  }

  /// Σ w_s t_s, a constant.
  public func weightedSum(_ tensor: Tensor) -> Tensor {
    weightedSum(of: terms(tensor))
  }

  /// Σ w_s t_s of the terms of all shards, in order, a constant.
  func weightedSum(of terms: [Tensor]) -> Tensor {
    withoutTape {
      ShardSum.ordered(
        zip(terms, exampleCounts).map { term, examples in
          term * Self.weight(examples, of: exampleCount)
        })
    }
  }

  /// The tensors of all shards, of one shape, in order, as constants.
  func terms(_ tensor: Tensor) -> [Tensor] {
    withoutTape {
      let all = group.gathered(tensor.floats, filling: 0, lane: lane)
      let count = tensor.count
      return exampleCounts.indices.map { shard in
        Tensor(Array(all[shard * count..<(shard + 1) * count]), shape: tensor.shape)
      }
    }
  }

  /// The rows of all shards, shard after shard, as constants.
  ///
  /// - Parameter rows: `[N, …]`, as many for each example.
  public func gathered(_ rows: Tensor) -> Tensor {
    withoutTape {
      let own = exampleCounts[index]
      ensure(
        own > 0 && rows.shape[0].isMultiple(of: own), "\(rows.shape) are no rows of \(own) examples"
      )
      let perExample = rows.count / own
      let room = (exampleCounts.max() ?? 0) * perExample
      // Shards differ by one example at most; all send as much as the largest.
      let values = rows.floats
      let all = group.gathered(
        values + [Float](repeating: 0, count: room - values.count), filling: 0, lane: lane)
      let joined = exampleCounts.indices.flatMap { shard in
        all[shard * room..<shard * room + exampleCounts[shard] * perExample]
      }
      let rowsPerExample = rows.shape[0] / own
      return Tensor(
        joined, shape: Shape([exampleCount * rowsPerExample] + rows.shape.dimensions.dropFirst()))
    }
  }
}

extension Context {
  /// The mean of all elements of a tensor over the batch as a whole, a scalar. An example may have any number of
  /// them, and a shard none.
  ///
  /// A loss that is no mean over examples, as one of a function of such a mean, takes it in place of `mean()`.
  public func batchMean(_ tensor: Tensor) -> Tensor {
    guard let shard else { return tensor.mean() }
    // Sums and counts for each example, whose averages over shards are those of the batch.
    let own = Tensor.concatenated(
      [tensor.sum().reshaped(to: [1]), Tensor([Float(tensor.count)])], axis: 0)
    let examples = Float(max(1, shard.exampleCounts[shard.index]))
    let parts = shard.average(own / examples).split(sizes: [1, 1])
    let least = Tensor(1 / Float(max(1, shard.exampleCount)))
    return (parts[0] / Tensor.maximum(parts[1], least)).reshaped(to: [])
  }

  /// The mean over the first axis for the batch as a whole, `[…]`, where the rows belong to examples, as
  /// many to each.
  public func batchMeanOfRows(_ tensor: Tensor) -> Tensor {
    let own = tensor.mean(axis: 0)
    return shard?.average(own) ?? own
  }

  /// What a mean over this part of a batch weighs in a loss of a part of another batch, so that the sum over the parts is
  /// the sum of both means: one, but where the batches have different sizes, which parts divide differently.
  public func weight(in other: Context) -> Float {
    guard let shard, let otherShard = other.shard else { return 1 }
    return shard.weight / otherShard.weight
  }

  /// A mean over examples that has no gradient of its own, such as a gradient of a mean loss, as it is over the
  /// batch as a whole.
  public func batchAverage(ofConstant tensor: Tensor) -> Tensor {
    shard?.weightedSum(tensor) ?? tensor
  }
}
