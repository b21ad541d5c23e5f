import CMalloc
import Messages
import NeuralNetworks
import Tensors
import VAEZoo

/// The steps that every component goes through.
extension PluginCheck {
  func check(_ part: Part, _ registry: Registry) -> Bool {
    let isMade = step("\(part.title): is made with its defaults") {
      try withSuitableData { data in
        let recipe = try recipe(part, [], registry, data.description(binarization: .none))
        _ = try registry.model(recipe, seed: 1)
      }
      return nil
    }
    guard isMade else { return false }
    var isFine = true
    for (setting, value) in Self.bounds(of: part.hyperparameters) {
      isFine =
        step("\(part.title): is made, or refused with a reason, with \(setting)=\(value)") {
          do {
            try withSuitableData { data in
              let recipe = try recipe(
                part, [(key: "\(part.role).\(setting)", value: value)], registry,
                data.description(binarization: .none))
              _ = try registry.model(recipe, seed: 1)
            }
          } catch let error as RecipeError {
            return "refused: \(error.message)"
          }
          return nil
        } && isFine
    }
    isFine =
      step("\(part.title): trains") {
        try checkTraining(part.title, role: part.role, registry: registry) {
          try recipe(part, [], registry, $0)
        }
      } && isFine
    isFine = step("\(part.title): keeps no memory") { try checkMemory(part, registry) } && isFine
    return isFine
  }

  /// Trains a few steps twice, and uses what came of it.
  ///
  /// - Returns: what is worth knowing.
  func checkTraining(
    _ title: String, role: Role? = nil, registry: Registry,
    recipe: (DataDescription) throws -> Recipe
  ) throws -> Message? {
    let live = PluginStatistics.liveObjects
    let bytes = MemoryPool.shared.statistics.bytesInUse
    let note = try withSuitableData { data -> Message? in
      let recipe = try recipe(data.description(binarization: .none))
      let ((first, unmoved), probe) = try GradientProbe.run {
        try trained(recipe, data, registry, role: role)
      }
      guard probe.faults.isEmpty else { throw Fault(probe.faults[0]) }
      let (second, _) = try trained(recipe, data, registry, role: role)
      for (index, weights) in first.weights.enumerated()
      where weights.value.bitPatterns != second.weights[index].value.bitPatterns {
        throw Fault(
          "two trainings with the same seed end with different \(weights.path): draw random numbers "
            + "from normal and uniform alone")
      }
      try checkUse(TrainedModel(model: first.model, recipe: recipe, source: title), data)
      var notes = unmoved.map { "\($0) did not change in training" }
      let rough = probe.inconclusive
      let compared = probe.operations.filter { !rough.contains($0) }
      if !compared.isEmpty {
        notes.append(
          "gradients of \(compared.joined(separator: ", ")) agree with finite differences")
      }
      if !rough.isEmpty {
        notes.append(
          "values of \(rough.joined(separator: ", ")) are too rough to tell whether gradients are right"
        )
      }
      return notes.isEmpty ? nil : Message(notes.joined(separator: "; "))
    }
    guard PluginStatistics.liveObjects == live else {
      throw Fault("objects outlive the models that they were made for")
    }
    guard MemoryPool.shared.statistics.bytesInUse == bytes else {
      throw Fault("tensors outlive the models that they were made for")
    }
    return note
  }

  private struct Outcome {
    let model: Model
    var weights: [(path: String, value: Tensor)]
  }

  /// Trains a model, and names the parameters of a role that stayed as they were.
  private func trained(
    _ recipe: Recipe, _ data: DataSource, _ registry: Registry, role: Role?
  ) throws -> (Outcome, unmoved: [String]) {
    let model = try registry.model(recipe, seed: 1)
    let before = model.parameters.map { $0.parameter.value.copied() }
    let trainer = try Trainer(model: model, data: data, options: TrainingOptions(recipe.training))
    _ = try trainer.train()
    var weights: [(path: String, value: Tensor)] = []
    var unmoved: [String] = []
    for (old, (path, parameter)) in zip(before, model.parameters) {
      guard parameter.value.isFinite else {
        throw Fault("after \(Count.of(trainer.step, "step")) \(path) is not finite")
      }
      weights.append((path: path, value: parameter.value.copied()))
      if let role, path.hasPrefix("\(role)."), old.bitPatterns == parameter.value.bitPatterns {
        unmoved.append(path)
      }
    }
    return (Outcome(model: model, weights: weights), unmoved)
  }

  /// Measures, encodes, reconstructs and samples with a model.
  private func checkUse(_ trained: TrainedModel, _ data: DataSource) throws {
    func check(_ tensor: Tensor, _ what: String) throws {
      try trained.model.checkParts()
      guard tensor.isFinite else { throw Fault("\(what) are not all finite") }
    }
    let result = try trained.evaluate(data.train, importanceSamples: 3)
    try trained.model.checkParts()
    guard let result, result.elbo.mean.isFinite, result.nll?.estimate.mean.isFinite == true else {
      throw Fault("the bound or the importance-weighted likelihood is not finite")
    }
    for (what, make) in [
      ("samples", { try trained.sample(count: 5, seed: 1, temperature: 0.7) }),
      ("reconstructions", { try trained.reconstruct(data.train) }),
    ] as [(String, () throws -> Tensor)] {
      let first = try make()
      try check(first, what)
      guard try make().bitPatterns == first.bitPatterns else {
        throw Fault("\(what) differ from one call to the next with the same seed")
      }
    }
    let encoding = try trained.encode(data.train)
    for sample in encoding.samples where sample.elementType == .float32 {
      try check(sample, "draws of the posterior")
    }
    if let mean = encoding.mean { try check(mean, "means of the posterior") }
    if let variance = encoding.variance { try check(variance, "variances of the posterior") }
    let noise = trained.context(
      1, "plugin check", 0..<4, try trained.conditions(nil, count: 4, inTurn: true))
    try check(
      trained.model.sample(drawing: true, noise), "draws of the likelihood")
    try trained.model.checkParts()
  }

  /// Makes and releases many objects, and looks whether memory comes back.
  private func checkMemory(_ part: Part, _ registry: Registry) throws -> Message? {
    try withSuitableData { data in
      let recipe = try recipe(part, [], registry, data.description(binarization: .none))
      func makeSome(_ count: Int) throws {
        for _ in 0..<count { _ = try registry.model(recipe, seed: 1) }
      }
      let rounds = 64
      try makeSome(rounds)
      let before = cmalloc_bytes_in_use()
      try makeSome(rounds)
      let kept = (Int(cmalloc_bytes_in_use()) - Int(before)) / rounds
      guard kept < Self.keptLimit else {
        throw Fault("about \(kept) bytes of each object are never released: see destroy")
      }
      try checkMemoryOfPasses(recipe, data, registry)
    }
    return nil
  }

  /// Uses one object again and again, and looks whether memory comes back.
  private func checkMemoryOfPasses(
    _ recipe: Recipe, _ data: DataSource, _ registry: Registry
  ) throws {
    let trained = TrainedModel(
      model: try registry.model(recipe, seed: 1), recipe: recipe, source: "plugin check")
    func use(_ count: Int) throws {
      for _ in 0..<count {
        _ = try trained.evaluate(data.train, importanceSamples: 1)
        try trained.model.checkParts()
      }
    }
    let rounds = 16
    try use(rounds)
    let before = cmalloc_bytes_in_use()
    try use(rounds)
    let kept = (Int(cmalloc_bytes_in_use()) - Int(before)) / rounds
    guard kept < Self.keptByPassesLimit else {
      throw Fault("about \(kept) bytes of each evaluation are never released")
    }
  }

  /// Bytes an evaluation at which it counts as keeping memory: caches of the library itself grow by
  /// less.
  private static let keptByPassesLimit = 1024

  /// Bytes an object at which it counts as keeping memory: below the least that malloc gives.
  private static let keptLimit = 16
}

extension Tensor {
  /// The elements bit by bit, by which a NaN equals itself.
  fileprivate var bitPatterns: [UInt32] { floats.map(\.bitPattern) }
}
