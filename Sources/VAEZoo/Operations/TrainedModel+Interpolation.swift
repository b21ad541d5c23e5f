import Tensors
import VAECore
import VAEData
import VAETraining

extension TrainedModel {
  /// Images along ways between pairs of examples, a walk each.
  ///
  /// Units go from the means (of a hierarchy, draws) of one example to those of the other. Codes
  /// have nothing between them: one by one, in an order that the seed chooses, they become those of
  /// the other example; on a linear path their vectors are mixed instead. What a conditional model is
  /// told of the two is mixed in the same shares.
  ///
  /// - Parameters:
  ///   - split: the examples.
  ///   - pairs: indices in the split.
  ///   - path: which way leads from one to the other.
  ///   - steps: images on each way, both ends included; at least 2.
  ///   - seed: of everything random.
  ///   - condition: what a conditional model is told in all images, `[1, width]`; nil for what is known
  ///     of the two examples, mixed.
  /// - Throws: `TrainingError` where the model has no latents; `RecipeError` where the condition does not
  ///   fit.
  public func interpolate(
    _ split: DataSplit, pairs: [(from: Int, to: Int)], path: LatentPath, steps: Int, seed: Int = 0,
    condition given: Tensor? = nil
  ) throws -> [LatentWalk] {
    try requireLatents("interpolate between")
    ensure(steps >= 2, "a way of \(steps) steps has no two ends")
    let one = try given.map { try conditions($0, count: 1) } ?? nil
    let shares = (0..<steps).map { Double($0) / Double(steps - 1) }
    let examples = try examples(split)
    let from = try pointsOf(split, pairs.map(\.from), seed: seed)
    let to = try pointsOf(split, pairs.map(\.to), seed: seed)
    return pairs.enumerated().map { number, pair in
      let range = number..<number + 1
      let conditions = (examples.conditions([pair.from]), examples.conditions([pair.to]))
      let told = one?.tiled(steps) ?? Self.mixed(conditions, shares: shares)
      let latents = between(
        from.map { $0.anyRows(range) }, to.map { $0.anyRows(range) }, shares: shares, path: path,
        seed: seed, number: number, conditions, told: told)
      let numbers = [Int](repeating: pair.from, count: steps)
      return LatentWalk(
        label: ["\(pair.from)", "to \(pair.to)"],
        made: decoded(
          latents, numbers: numbers, seed: seed, condition: told
        ) { _ in })
    }
  }

  /// Pairs of different examples of a split, chosen by the seed; fewer where there are not as many.
  public func randomPairs(_ split: DataSplit, count: Int, seed: Int) -> [(from: Int, to: Int)] {
    let chosen = chosenExamples(split, count: 2 * count, seed: seed)
    return stride(from: 0, to: chosen.count - 1, by: 2).map { (chosen[$0], chosen[$0 + 1]) }
  }

  func requireLatents(_ purpose: String) throws(TrainingError) {
    guard model.prior.latents.isEmpty else { return }
    throw TrainingError(
      .unsuitable, "\(source) has nothing to \(purpose): the model has no latents")
  }

  /// The points of latent space that stand for examples: codes, means, or draws of every layer.
  package func pointsOf(_ split: DataSplit, _ chosen: [Int], seed: Int) throws -> [Tensor] {
    let encoding = try encode(split, examples: chosen, seed: seed)
    if let codes = encoding.codes { return [codes] }
    if let mean = encoding.mean, encoding.samples.count == 1 { return [mean] }
    return encoding.samples
  }

  /// The latents on one way, `[shares.count, …]` for each layer.
  ///
  /// - Parameters:
  ///   - conditions: what is known of both ends.
  ///   - told: what the images on the way are told.
  private func between(
    _ from: [Tensor], _ to: [Tensor], shares: [Double], path: LatentPath, seed: Int, number: Int,
    _ conditions: (from: Tensor?, to: Tensor?), told: Tensor?
  ) -> [Tensor] {
    let context = context(seed, "interpolation", [number], conditions.from)
    guard model.prior.latents.codes != nil else {
      guard path == .spherical, let prior = model.prior as? any ReparameterizedPrior else {
        return zip(from, to).map { path.points(from: $0, to: $1, shares: shares) }
      }
      return withoutTape {
        let end = self.context(seed, "interpolation", [number], conditions.to)
        let ends = (prior.noise(of: from, context), prior.noise(of: to, end))
        let noise = zip(ends.0, ends.1).map { path.points(from: $0, to: $1, shares: shares) }
        let many = self.context(
          seed, "interpolation", [Int](repeating: number, count: shares.count), told)
        return prior.draw(noise: noise, many).layers.map(\.sample)
      }
    }
    guard path == .spherical else {
      let ends = (vectors(of: from, context), vectors(of: to, context))
      return [path.points(from: ends.0, to: ends.1, shares: shares)]
    }
    let (a, b) = (from[0].indices, to[0].indices)
    var generator = context.stream("order").generator()
    let order = Array(a.indices).shuffled(using: &generator)
    let codes = shares.flatMap { share in
      var mixed = a
      for place in order.prefix(Int((share * Double(order.count)).rounded())) {
        mixed[place] = b[place]
      }
      return mixed
    }
    return [
      Tensor(
        indices: codes, shape: Shape([shares.count] + from[0].shape.removingFirst.dimensions))
    ]
  }

  /// What is known of two examples, mixed in given shares, `[shares.count, width]`; nil where nothing
  /// is told.
  private static func mixed(
    _ conditions: (from: Tensor?, to: Tensor?), shares: [Double]
  ) -> Tensor? {
    guard let from = conditions.from, let to = conditions.to else { return nil }
    return LatentPath.linear.points(from: from, to: to, shares: shares)
  }

  /// The vectors that codes stand for.
  private func vectors(of codes: [Tensor], _ context: Context) -> Tensor {
    withoutTape { model.prior.draw(of: codes, context).layers[0].sample }
  }
}
