import Communication
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles

/// What a model's encoder says about some examples.
public struct Encoding {
  /// The mean of q(z|x), `[N, units]`, nil where there is none.
  public let mean: Tensor?
  /// The variance of q(z|x), `[N, units]`, nil where there is none.
  public let variance: Tensor?
  /// The numbers of the codes, an index tensor `[N, height, width]`, nil where there are none.
  public let codes: Tensor?
  /// A draw of each stochastic layer, `[N, …]`, the one nearest to the data first.
  public let samples: [Tensor]
}

extension TrainedModel {
  /// Encodes examples of a split; the draws of an example follow from what it is.
  ///
  /// - Parameters:
  ///   - split: the examples.
  ///   - chosen: their indices; nil for all, in order.
  ///   - seed: of everything random.
  ///   - communicator: what connects ranks that divide the examples among each other, ask for the same, and get all of it.
  ///   - progress: is given the fraction done before each part and at the end; what it throws ends the work, of all ranks
  ///     where that is `StoppedWork`.
  /// - Throws: `DataError` where the split does not say of each what the model is told, what `progress`
  ///   throws, and `CommunicationError`.
  public func encode(
    _ split: DataSplit, examples chosen: [Int]? = nil, seed: Int = 0,
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Encoding {
    let chosen = chosen ?? Array(0..<split.count)
    var question: JSON.Object {
      ["split": .text(split.name), "count": .integer(chosen.count), "seed": .integer(seed)]
    }
    return try together(communicator, [split], question) {
      try encode(split, chosen, seed: seed, $0, progress)
    }
  }

  private func encode(
    _ split: DataSplit, _ chosen: [Int], seed: Int, _ communicator: any Communicator,
    _ progress: (Double) throws -> Void
  ) throws -> Encoding {
    let examples = try examples(split)
    var (means, variances): ([Tensor], [Tensor]) = ([], [])
    var codes: [Tensor] = []
    var samples: [[Tensor]] = []
    let ranges = parts(of: chosen.count)
    let isDone = try withoutTape {
      try Rounds(communicator, of: "the encoding").run(ranges.count) { number in
        try progress(Double(ranges[number].lowerBound) / Double(chosen.count))
        let indices = Array(chosen[ranges[number]])
        let (batch, context) = examples.batchByContent(
          indices, context(seed, "evaluation", indices, examples.conditions(indices)))
        let posterior = model.encoder.encode(batch, context)
        let draw = model.prior.draw(from: posterior, DrawRequest(), context)
        let found = [posterior.mean, posterior.variance, draw.layers.first?.codes]
        return found.map { BatchFindings(tensors: $0.map { [$0] } ?? []) }
          + [BatchFindings(tensors: draw.layers.map(\.sample))]
      } goesOn: {
        try progress($0)
        return true
      } take: { _, found in
        guard found.count == 4 else { return }
        means += found[0].tensors
        variances += found[1].tensors
        codes += found[2].tensors
        samples.append(found[3].tensors)
      }
    }
    guard isDone else { throw StoppedWork() }
    func joined(_ parts: [Tensor]) -> Tensor? {
      parts.isEmpty ? nil : withoutTape { Tensor.concatenated(parts, axis: 0) }
    }
    let layers = samples.first?.count ?? 0
    return Encoding(
      mean: joined(means), variance: joined(variances),
      codes: codes.first.map { first in
        Tensor(
          indices: codes.flatMap(\.indices),
          shape: Shape([chosen.count] + first.shape.dimensions.dropFirst()))
      },
      samples: (0..<layers).compactMap { layer in joined(samples.map { $0[layer] }) })
  }

  /// The mean images of latents, `[N, height, width, channels]`; draws where the decoder is
  /// autoregressive.
  ///
  /// - Parameters:
  ///   - latents: a tensor for each stochastic layer, the one nearest to the data first, all with
  ///     the same number of rows; for codes their numbers or vectors. `misfit(of:)` tells whether a
  ///     model can take them.
  ///   - numbers: what positions each row's draws; rows of one number differ by their latents
  ///     alone. Nil for the rows' own.
  ///   - seed: of everything random.
  ///   - condition: what a conditional model is told, `[N, width]`, or `[1, width]` for all rows;
  ///     nil for a model of p(x).
  ///   - name: of the latents, for errors.
  ///   - progress: told the fraction done before each part; what it throws ends the work.
  /// - Throws: `RecipeError` where the condition does not fit or is missing, and where the images are not
  ///   finite, as those of very large latents.
  public func decode(
    _ latents: [Tensor], numbers: [Int]? = nil, seed: Int = 0, condition: Tensor? = nil,
    name: String = "latents", progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    try madeOfLatents(
      latents, numbers: numbers, seed: seed, condition: condition, name: name, progress: progress
    ).tensor
  }

  /// The same, of which rows of a table can be had with all their digits.
  public func madeOfLatents(
    _ latents: [Tensor], numbers: [Int]? = nil, seed: Int = 0, condition: Tensor? = nil,
    name: String = "latents", progress: (Double) throws -> Void = { _ in }
  ) throws -> MadeExamples {
    let condition = try conditions(condition, count: latents.first?.shape[0] ?? 0)
    let made = try decoded(
      latents, numbers: numbers, seed: seed, condition: condition, progress: progress)
    try model.checkParts()
    guard made.tensor.isFinite else {
      throw RecipeError(
        .unsuitableData,
        "\(name): the images of these latents have numbers beyond those that 32-bit floats have")
    }
    return made
  }

  /// The same of rows whose conditions are known to fit.
  func decoded(
    _ latents: [Tensor], numbers: [Int]? = nil, seed: Int, condition: Tensor?,
    progress: (Double) throws -> Void
  ) rethrows -> MadeExamples {
    let count = latents.first?.shape[0] ?? 0
    let numbers = numbers ?? Array(0..<count)
    let seen = try withoutTape {
      try inParts(count, progress) { range in
        model.decode(
          latents.map { $0.anyRows(range) },
          context(seed, "evaluation", numbers[range], condition?.rows(range)))
      }
    }
    return made(seen, condition, rounding: false)
  }

  /// Why `decode` cannot take some latents, in words that follow their name; nil where it can.
  public func misfit(of latents: [Tensor]) -> String? {
    if let misfit = misfit(ofShapes: latents.map(\.shape), areCodes: latents.map(\.isOfCodes)) {
      return misfit
    }
    for (number, latent) in latents.enumerated() {
      guard let grid = model.prior.latents.codes, latent.isOfCodes else {
        guard latent.isFinite else { return "[\(number)] hold numbers that are not finite" }
        continue
      }
      if let bad = latent.indices.first(where: { $0 < 0 || Int($0) >= grid.codeCount }) {
        return "[\(number)] hold the code \(bad), which is not in 0..<\(grid.codeCount)"
      }
    }
    return nil
  }

  /// Why `decode` cannot take latents of some shapes; nil where it can, if their values are right.
  ///
  /// - Parameters:
  ///   - found: of the latents, the first axis being examples.
  ///   - areCodes: for each, whether it holds the numbers of codes.
  public func misfit(ofShapes found: [Shape], areCodes: [Bool]) -> String? {
    let structure = model.prior.latents
    let wanted = structure.layerShapes
    guard !wanted.isEmpty else { return " cannot be decoded: the model has \(structure.phrase)" }
    guard found.count == wanted.count else {
      return " are \(found.count) tensors, but the model has \(structure.phrase)"
    }
    let count = found[0].dimensions.first ?? 0
    for number in wanted.indices {
      var full = Shape([count] + wanted[number].dimensions)
      if areCodes[number] {
        guard let codes = structure.codeRowShape else {
          return "[\(number)] are whole numbers, but the model has \(structure.phrase)"
        }
        full = Shape([count] + codes.dimensions)
      }
      guard found[number] == full else {
        return "[\(number)] have the shape \(found[number]), but the model's are \(full)"
      }
    }
    return nil
  }

  /// log p(x) of every example of a split in nats, in order; see `Evaluator.logLikelihoods`.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told.
  public func logLikelihoods(
    _ split: DataSplit, samples: Int, seed: Int = 0, progress: (Double) -> Bool = { _ in true }
  ) throws(DataError) -> [Double]? {
    Evaluator(model: model, examples: try examples(split), seed: seed)
      .logLikelihoods(samples: samples, progress: progress)
  }
}

extension Tensor {
  /// Whether the elements are numbers of codes.
  var isOfCodes: Bool { elementType == .int32 }

  /// A range of the leading axis, of floats or of indices.
  func anyRows(_ range: Range<Int>) -> Tensor {
    guard isOfCodes else { return rows(range) }
    let row = shape.removingFirst
    return Tensor(
      indices: Array(indices[range.lowerBound * row.count..<range.upperBound * row.count]),
      shape: Shape([range.count] + row.dimensions))
  }
}
