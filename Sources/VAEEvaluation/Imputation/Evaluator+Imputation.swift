import Communication
import NeuralNetworks
import Tensors
import VAECore

extension Evaluator {
  /// What a model that takes masks expects of all values of some examples, given those that are known.
  ///
  /// K latents are drawn from q(z|x_known), each with the weight w = p(x_known|z) p(z) / q(z|x_known). With the
  /// weights normalised to a sum of one, Σ w E[x|z] tends to E[x|x_known] as K grows; one draw of x from p(x|z), at a
  /// z that is chosen with probability w, to a draw from p(x|x_known) (Mattei & Frellsen 2019, section 4). Means of numbers
  /// of a table are taken in its own units. Random numbers follow from what is known of an example: means are the same
  /// beside any others, and so are draws but for examples that are known alike, each of which gets a draw of its own.
  ///
  /// - Parameters:
  ///   - chosen: the examples.
  ///   - options: how many draws, and what becomes of them.
  ///   - communicator: what connects ranks that divide the examples and ask for the same; each visits all of them.
  ///   - progress: told the fraction done; returns false to stop.
  ///   - visit: given a part of the examples, all values of them as the model sees values, `[N, height, width,
  ///     channels]`, not finite where no weight is, and by how many draws of equal weight each is served as well.
  /// - Returns: whether it came to the end.
  /// - Throws: what `visit` throws, `MemoryError`, `CommunicationError`.
  package func impute(
    _ chosen: [Int], _ options: ImputationOptions,
    among communicator: any Communicator = SoloCommunicator(), progress: (Double) -> Bool,
    visit: (_ indices: [Int], _ values: Tensor, _ effectiveDraws: [Double]) throws -> Void
  ) throws -> Bool {
    try withoutTape {
      let batches = batches(of: chosen, importanceSamples: options.samples)
      // How many examples of each content there are in the batches before `counted`, which other ranks may compute.
      var (alike, counted) = ([UInt64: UInt64](), 0)
      return try Rounds(communicator, of: "the imputation").run(batches.count) { number in
        while options.drawing, counted < number {
          for content in contents(of: batches[counted]) { alike[content, default: 0] += 1 }
          counted += 1
        }
        counted = number + 1
        let begun = (batches.first?.count ?? 0) * number
        let indices = batches[number]
        let found = imputed(indices, options, &alike) { part in
          progress((Double(begun) + part * Double(indices.count)) / Double(max(1, chosen.count)))
        }
        return found.map { [BatchFindings([$0.effectiveDraws], tensors: [$0.values])] }
      } goesOn: {
        progress($0)
      } take: { number, findings in
        guard let found = findings.first, let values = found.tensor(0) else { return }
        try visit(batches[number], values, found.numbers(0))
      }
    }
  }

  /// What the random numbers of some examples follow from.
  private func contents(of indices: [Int]) -> [UInt64] {
    examples.batchByContent(indices, context(for: indices)).context.examples
  }

  /// - Parameter alike: how many examples of each content there were by now.
  private func imputed(
    _ indices: [Int], _ options: ImputationOptions, _ alike: inout [UInt64: UInt64],
    _ progress: (Double) -> Bool
  ) -> (values: Tensor, effectiveDraws: [Double])? {
    var (x, context) = examples.batchByContent(indices, context(for: indices))
    if options.drawing {
      context.examples = context.examples.map { content in
        let before = alike[content, default: 0]
        alike[content] = before + 1
        return content &+ before &* 0x9E37_79B9_7F4A_7C15
      }
    }
    let posterior = model.encoder.encode(x, context)
    var request = DrawRequest()
    request.usesSampledRate = true
    // Without latents, or with codes, which follow from the example, all draws are the same.
    let samples = model.prior.latents.isContinuous ? max(1, options.samples) : 1
    var mean = ImportanceMean(examples: indices.count, columns: examples.split.columns)
    var choice = ImportanceChoice(examples: indices.count)
    var parameterShape = Shape([])
    var done = 0
    while done < samples {
      guard progress(Double(done) / Double(samples)) else { return nil }
      request.samples = min(max(1, rowLimit / indices.count), samples - done)
      context.firstDraw = done
      let part = model.evaluate(x, posterior: posterior, request, context)
      parameterShape = part.parameters.shape
      if options.drawing {
        mean.add(part.logWeights, nil)
        let stream = context.stream("imputation")
        choice.add(
          part.logWeights, part.parameters,
          uniform: (0..<request.samples).flatMap {
            stream.uniform(context.examples, shape: [1], draw: done + $0).floats
          })
      } else {
        mean.add(part.logWeights, model.likelihood.mean(part.parameters))
      }
      done += request.samples
    }
    let effectiveDraws = mean.effectiveDraws
    guard options.drawing else { return (mean.mean(x.shape), effectiveDraws) }
    // No draw is made of an example none of whose weights is a number.
    guard effectiveDraws.allSatisfy(\.isFinite) else { return (x * .nan, effectiveDraws) }
    context.firstDraw = 0
    x = model.likelihood.sample(
      choice.parameters(Shape([indices.count] + parameterShape.dimensions.dropFirst())),
      x.shape.removingFirst, context)
    return (x, effectiveDraws)
  }
}
