import NeuralNetworks
import Tensors

extension Likelihood {
  /// log p of the known elements alone in nats, `[K · N]`: of all where the context has no mask.
  ///
  /// The elements of a likelihood that factorises are priced one by one, as examples of a single element,
  /// and those that are missing are not among them: neither the value nor a gradient nor a statistic
  /// depends on what stands in their place.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`.
  ///   - parameters: `[K · N, height, width, parametersPerPixel]`.
  ///   - context: with the mask.
  public func observedLogDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    // One shard of a batch does not know whether the others have gaps, and all must ask for the same.
    guard let mask = context.mask, !mask.isComplete || context.shard != nil else {
      return logDensity(x, parameters: parameters, context)
    }
    return logDensity(x, parameters: parameters, ofElements: mask.values, context)
  }

  /// The elements one by one.
  public func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    pricedOneByOne(x, parameters: parameters, ofElements: chosen, context)
  }

  /// log p of some elements in nats, `[K · N]`, each priced as an example of a single element.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`.
  ///   - parameters: `[K · N, height, width, parametersPerPixel]`.
  ///   - chosen: ones for those that are priced, else zeros, of the shape of `x`.
  ///   - context: why the call is made.
  public func pricedOneByOne(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    ensure(
      factorizes && chosen.shape == x.shape,
      "elements \(chosen.shape) of \(x.shape) cannot be priced one by one")
    let (count, rows) = (x.count, parameters.shape[0])
    let size = x.shape.removingFirst.count
    let numbers = parameters.count / max(1, rows * size)
    // Where each element stands among the chosen ones; those that are not stand behind all of them.
    var places: [Int32] = []
    var ranks = [Int](repeating: -1, count: count)
    chosen.withFloats { chosen in
      for place in 0..<count where chosen[place] != 0 {
        ranks[place] = places.count
        places.append(Int32(place))
      }
    }
    // A shard of which nothing is known still takes part in what all shards ask for.
    guard !places.isEmpty || context.shard != nil else { return .zeros([rows]) }
    let samples = rows * size / count
    let values = x.reshaped(to: [count, 1]).gathering(Tensor(indices: places))
      .reshaped(to: [places.count, 1, 1, 1])
    let own = parameters.reshaped(to: [samples * count, numbers]).gathering(
      Tensor(
        indices: (0..<samples).flatMap { sample in places.map { $0 + Int32(sample * count) } })
    ).reshaped(to: [samples * places.count, 1, 1, numbers])
    let logs = logDensity(values, parameters: own, context)
    let table = (0..<samples).flatMap { sample in
      ranks.map { rank in
        Int32(rank < 0 ? samples * places.count : sample * places.count + rank)
      }
    }
    return Tensor.concatenated([logs, .zeros([1])], axis: 0)
      .reshaped(to: [samples * places.count + 1, 1])
      .gathering(Tensor(indices: table)).reshaped(to: [rows, size]).sum(axis: 1)
  }
}
