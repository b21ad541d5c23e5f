import Tensors
import VAEComponents

extension Codebook {
  /// Points that the start may look at for each code, and at least.
  private static let pointsPerCode = 16
  private static let leastPoints = 8192

  /// Begins at the centres of what an encoder says, by k-means with random numbers from the
  /// source's stream `codebook start`.
  ///
  /// - Parameters:
  ///   - batches: how many batches there are.
  ///   - points: the encoder's output for a batch by its number, `[rows, D]`; asked for once each,
  ///     in order, so that one batch is in memory at a time.
  package func start(batches: Int, points: (Int) -> Tensor, random: RandomSource) {
    guard batches > 0 else { return }
    withoutTape {
      let stream = random.child("codebook start")
      let limit = max(Self.leastPoints, Self.pointsPerCode * codeCount)
      var rowsPerBatch = 0
      let chosen = (0..<batches).map { number in
        let all = points(number)
        rowsPerBatch = max(rowsPerBatch, all.shape[0])
        var generator = stream.stream("points", step: number).generator()
        let rows = (0..<all.shape[0]).shuffled(using: &generator).prefix(
          (limit + batches - 1) / batches)
        return all.gathering(Tensor(indices: rows.map { Int32($0) }))
      }
      let sample = Tensor.concatenated(chosen, axis: 0)
      let clusters = KMeans(sample, count: codeCount, random: stream.stream("seeds")) {}
      // As if every batch until then had used the codes so; a code without points counts as one
      // point, since its vector is a sum over a count.
      counts.value =
        Tensor.maximum(clusters.counts, Tensor(1)) * (Float(rowsPerBatch) / Float(sample.shape[0]))
      vectors = clusters.centres
    }
  }
}
