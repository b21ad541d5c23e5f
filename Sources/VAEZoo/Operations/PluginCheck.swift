import CMalloc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEPluginHost
import VAETraining

/// The rules that a plug-in must keep, tried on it one after another.
///
/// A plug-in that crashes or hangs takes the process with it: run this in a process of its own.
public struct PluginCheck {
  /// What happens while it runs.
  public enum Event {
    /// A step begins.
    case began(String)
    /// It found nothing wrong.
    case passed
    /// It found nothing wrong, but something worth knowing.
    case noted(Message)
    /// It found this.
    case failed(Message)
  }

  /// The plug-in's file.
  public let path: String
  private let observe: (Event) -> Void

  /// A check of a file.
  ///
  /// - Parameters:
  ///   - path: of the shared object.
  ///   - observe: told of each step and what it found.
  public init(_ path: String, observe: @escaping (Event) -> Void) {
    self.path = path
    self.observe = observe
  }

  /// Why a step failed.
  private struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// Runs all steps.
  ///
  /// - Returns: whether every one passed.
  public func run() -> Bool {
    var registry = Registry.builtIn
    var plugin: Plugin?
    let isDescribed = step("the entry and its descriptions") {
      let found = try Plugin.load(path)
      try registry.register(found)
      plugin = found
      return "\(found.name) \(found.version): \(found.componentTitles.joined(separator: ", "))"
    }
    guard isDescribed, let plugin else { return false }
    var isFine = true
    for part in parts(of: plugin.origin, in: registry) {
      isFine = check(part, registry) && isFine
    }
    for entry in registry.entries where entry.origin == plugin.origin {
      let name = entry.variant.name
      isFine =
        step("variant \(name): trains") {
          try checkTraining("variant \(name)", registry: registry) { data in
            var recipe = try registry.recipe(for: name)
            recipe.data = data
            try registry.apply(Self.quick(recipe, keepsParts: true), to: &recipe)
            return recipe
          }
        } && isFine
    }
    return isFine
  }

  /// Runs a step.
  ///
  /// - Parameter body: gives something worth knowing, or nil.
  private func step(_ name: String, _ body: () throws -> Message?) -> Bool {
    observe(.began(name))
    do {
      if let note = try body() { observe(.noted(note)) } else { observe(.passed) }
      return true
    } catch {
      observe(.failed("\(error)"))
      return false
    }
  }

  // MARK: What a component is tried in

  private struct Part {
    let role: Role
    let name: String
    let hyperparameters: [Hyperparameter]
    var title: String { "\(role) \(name)" }
  }

  private func parts(of origin: String, in registry: Registry) -> [Part] {
    Role.allCases.flatMap { role in
      registry.components(role).filter { $0.origin == origin }.map {
        Part(role: role, name: $0.name, hyperparameters: $0.hyperparameters)
      }
    }
  }

  /// The sizes of the images that models are made for.
  private static let side = 8
  private static let exampleCount = 64

  /// Images of a range, the same every time.
  private static func data(_ range: ValueRange) throws -> DataSource {
    let shape = ImageShape(height: side, width: side, channels: 1)
    let numbers = RandomSource(seed: 1).stream("plugin check").uniform([exampleCount, shape.count])
    let values =
      switch range {
      case .binary: numbers.isAbove(0.5)
      case .unit: numbers
      case .real: numbers.scaled(by: 4, shift: -2)
      }
    let split = { DataSplit(name: $0, store: TensorStore(shape: shape, images: values)) }
    return DataSource(
      name: "images of the check", valueRange: range,
      rule: range == .binary ? "binary" : "floats", isDiscrete: false, train: split("train"),
      test: split("test"))
  }

  /// Settings that make training short and small.
  private static func quick(
    _ recipe: Recipe, keepsParts: Bool
  ) -> [(key: String, value: String)] {
    let training = [("epochs", "1"), ("batch_size", "16"), ("learning_rate", "0.001")]
    return training.map { (key: "training.\($0.0)", value: $0.1) }
      + (keepsParts
        ? [] : [(key: "encoder.hidden", value: "16"), (key: "decoder.hidden", value: "16")])
  }

  /// A recipe of small built-in parts, with one in a role of which everything else follows.
  private func recipe(
    _ part: Part, _ settings: [(key: String, value: String)], _ registry: Registry,
    _ data: DataDescription
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = data
    let choice = (key: "\(part.role).name", value: part.name)
    try registry.apply([choice], to: &recipe)
    let small = Self.quick(recipe, keepsParts: false).filter {
      !$0.key.hasPrefix("\(part.role).")
    }
    try registry.apply(small + settings, to: &recipe)
    if data.range != .binary, recipe.part(.likelihood).name == "bernoulli" {
      try registry.apply([(key: "likelihood", value: "gaussian")], to: &recipe)
    }
    return recipe
  }

  /// Runs a body with data that a component takes: binary ones if it can, else others.
  private func withSuitableData<Result>(_ body: (DataSource) throws -> Result) throws -> Result {
    var last: any Error = Fault("there are no data")
    for range in [ValueRange.binary, .unit, .real] {
      do {
        return try body(Self.data(range))
      } catch let error as RecipeError where error.kind == .unsuitableData {
        last = error
      }
    }
    throw last
  }

  // MARK: The steps

  private func check(_ part: Part, _ registry: Registry) -> Bool {
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

  /// Each hyper-parameter's least and largest values, as after `--set`.
  private static func bounds(of hyperparameters: [Hyperparameter]) -> [(String, String)] {
    hyperparameters.flatMap { hyperparameter -> [(String, String)] in
      let values: [String] =
        switch hyperparameter.kind {
        case .integer(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .number(let range), .numberOrChoice(let range, _):
          ["\(range.lowerBound)", "\(range.upperBound)"]
        case .choice(let words): words
        case .flag: ["false", "true"]
        case .integers(let count, let each):
          [
            Array(repeating: each.lowerBound, count: count.lowerBound),
            Array(repeating: each.lowerBound, count: min(count.upperBound, 64)),
            Array(repeating: each.upperBound, count: max(1, count.lowerBound)),
          ].map { $0.map(String.init).joined(separator: ",") }
        case .text(let limit): ["", String(repeating: "x", count: min(limit, 200))]
        }
      return values.map { (hyperparameter.name, $0) }
    }
  }

  /// Trains a few steps twice, and uses what came of it.
  ///
  /// - Returns: what is worth knowing.
  private func checkTraining(
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
      if !probe.operations.isEmpty {
        notes.append(
          "gradients of \(probe.operations.joined(separator: ", ")) agree with finite differences")
      }
      return notes.isEmpty ? nil : Message(stringLiteral: notes.joined(separator: "; "))
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
        throw Fault("after \(trainer.step) steps \(path) is not finite")
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
    let result = trained.evaluate(data.train, importanceSamples: 3)
    try trained.model.checkParts()
    guard let result, result.elbo.mean.isFinite, result.nll?.estimate.mean.isFinite == true else {
      throw Fault("the bound or the importance-weighted likelihood is not finite")
    }
    for (what, make) in [
      ("samples", { trained.sample(count: 5, seed: 1, temperature: 0.7) }),
      ("reconstructions", { trained.reconstruct(data.train) }),
    ] {
      let first = make()
      try check(first, what)
      guard make().bitPatterns == first.bitPatterns else {
        throw Fault("\(what) differ from one call to the next with the same seed")
      }
    }
    let encoding = trained.encode(data.train)
    for sample in encoding.samples where sample.elementType == .float32 {
      try check(sample, "draws of the posterior")
    }
    if let mean = encoding.mean { try check(mean, "means of the posterior") }
    if let variance = encoding.variance { try check(variance, "variances of the posterior") }
    let noise = trained.context(1, "plugin check", 0..<4)
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
    }
    return nil
  }

  /// Bytes an object at which it counts as keeping memory: below the least that malloc gives.
  private static let keptLimit = 16
}

/// Images of a tensor, `[N, height · width · channels]`.
private struct TensorStore: ExampleStore, @unchecked Sendable {
  let shape: ImageShape
  /// A constant, which nobody changes.
  let images: Tensor

  var count: Int { images.shape[0] }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let size = shape.count
    images.withFloats { floats in
      for (place, index) in indices.enumerated() {
        for element in 0..<size {
          destination[place * size + element] = floats[index * size + element]
        }
      }
    }
  }
}

extension Tensor {
  /// The elements bit by bit, by which a NaN equals itself.
  fileprivate var bitPatterns: [UInt32] { floats.map(\.bitPattern) }
}
