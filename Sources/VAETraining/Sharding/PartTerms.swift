import VAECore

/// What one part of a batch, or all of it, comes to in a phase.
struct PartTerms {
  /// The bound's terms; zero where the phase is not the first.
  let bound: BoundTerms
  /// What the loss logged.
  let logged: [(name: String, value: Double)]
  /// The loss; nil where there is none.
  let loss: Double?

  /// Of a part.
  init(_ evaluation: Evaluation?, _ loss: Loss?) {
    bound = BoundTerms(
      distortion: evaluation.map {
        $0.distortion.doubleSum / Double($0.distortion.count)
      } ?? 0,
      rate: evaluation.map { $0.rate.doubleSum / Double(max(1, $0.rate.count)) } ?? 0)
    logged = loss?.terms.map { (name: $0.name, value: Double($0.value.item)) } ?? []
    self.loss = loss.map { Double($0.value.item) }
  }

  /// Its numbers in a fixed order, as many for each part of a batch.
  var numbers: [Double] { [bound.distortion, bound.rate, loss ?? 0] + logged.map(\.value) }

  /// Of the whole batch: the means over its examples.
  ///
  /// - Parameters:
  ///   - part: one of them, which says what the numbers are.
  ///   - numbers: of all shards, shard after shard.
  ///   - examples: of each shard.
  init(of part: PartTerms, _ numbers: [Double], examples: [Int]) {
    let count = numbers.count / max(1, examples.count)
    let all = Double(max(1, examples.reduce(0, +)))
    let means = (0..<count).map { place in
      examples.indices.reduce(0.0) {
        $0 + numbers[$1 * count + place] * Double(examples[$1])
      } / all
    }
    bound = BoundTerms(distortion: means[0], rate: means[1])
    loss = part.loss == nil ? nil : means[2]
    logged = zip(part.logged, means.dropFirst(3)).map { (name: $0.name, value: $1) }
  }
}
