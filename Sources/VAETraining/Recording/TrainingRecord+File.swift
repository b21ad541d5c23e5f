import VAECore
import VAEFiles

extension TrainingRecord {
  private static let numbersKey = "vae_zoo_record"

  /// The record as a safetensors file: arrays as tensors, single numbers as JSON in the metadata.
  public func encoded() -> [UInt8] {
    var file = Safetensors()
    file.add("means", means)
    file.add("variances", variances)
    for (level, array) in draws.enumerated() { file.add("draws.\(level)", array) }
    for (level, array) in priorDraws.enumerated() { file.add("prior_draws.\(level)", array) }
    if let codeCounts { file.add("code_counts", shape: [codeCounts.count], codeCounts) }
    file.add("codes", codes)
    file.add("reconstructions", reconstructions)
    file.add("samples", samples)
    file.add(RecordedTraversals.imagesName, traversals?.images)
    var numbers: JSON.Object = [
      "step": .integer(step), "epochs": .finite(epochs), "held_out": heldOut.json,
    ]
    if let batch { numbers["batch"] = batch.json }
    if !layerRates.isEmpty { numbers["rate_per_layer"] = .array(layerRates.map(JSON.finite)) }
    if !unitRates.isEmpty {
      numbers["rate_per_unit"] = .array(unitRates.map { .array($0.map(JSON.finite)) })
    }
    if let traversals { numbers[RecordedTraversals.imagesName] = traversals.json }
    numbers["layers"] = .integer(max(draws.count, priorDraws.count))
    file.metadata = [Self.numbersKey: JSON.object(numbers).line]
    return file.sealed()
  }

  /// Reads a record.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - source: the file's path, for errors.
  /// - Throws: `SafetensorsError` or `TrainingError` naming the file and what is wrong with it.
  public init(parsing bytes: [UInt8], source: String) throws {
    let file = try Safetensors(parsing: bytes, path: source)
    func damaged(_ what: String) -> TrainingError {
      TrainingError(
        .unsuitable, "\(source) is damaged: \(what); remove it, and the report does without")
    }
    guard let text = file.metadata[Self.numbersKey],
      let numbers = try? JSON(parsing: Array(text.utf8), source: source).object,
      let step = numbers["step"]?.integer, step >= 0, let epochs = numbers["epochs"]?.double,
      let heldOut = numbers["held_out"].flatMap(BoundTerms.init(json:)),
      let layers = numbers["layers"]?.integer, (0...1000).contains(layers)
    else { throw damaged("its numbers are missing or of the wrong type") }
    self.init(
      step: step, epochs: epochs, batch: numbers["batch"].flatMap(BoundTerms.init(json:)),
      heldOut: heldOut)
    isSealed = file.isSealed
    layerRates = numbers["rate_per_layer"]?.doubles ?? []
    if case .array(let lists) = numbers["rate_per_unit"] { unitRates = lists.map(\.doubles) }
    means = try file.array("means", axes: 2)
    variances = try file.array("variances", axes: 2)
    guard means?.shape == variances?.shape else {
      throw damaged("its means and variances differ in shape")
    }
    draws = try (0..<layers).map { try file.array("draws.\($0)", axes: 2) }
    priorDraws = try (0..<layers).map { try file.array("prior_draws.\($0)", axes: 2) }
    codeCounts = try file.array("code_counts", axes: 1)?.values
    codes = try file.array("codes", axes: 3)
    reconstructions = try file.images("reconstructions")
    samples = try file.images("samples")
    if let images = try file.images(RecordedTraversals.imagesName) {
      guard let list = numbers[RecordedTraversals.imagesName],
        let found = RecordedTraversals(json: list, images: images)
      else { throw damaged("its traversals are not as many as their images") }
      traversals = found
    }
  }
}

extension RecordedExamples {
  private static let key = "vae_zoo_examples"

  /// The examples as a safetensors file.
  public func encoded() -> [UInt8] {
    var file = Safetensors()
    file.add("indices", shape: [indices.count], indices)
    file.add("images", images)
    if let labels { file.add("labels", shape: [labels.count], labels) }
    file.add("factors", factors)
    var members: JSON.Object = [
      "split": .text(split), "factors": .array(factorNames.map(JSON.text)),
    ]
    if !classNames.isEmpty { members["classes"] = .array(classNames.map(JSON.text)) }
    file.metadata = [Self.key: JSON.object(members).line]
    return file.sealed()
  }

  /// Reads examples.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - source: the file's path, for errors.
  /// - Throws: `SafetensorsError` or `TrainingError` naming the file and what is wrong with it.
  public init(parsing bytes: [UInt8], source: String) throws {
    let file = try Safetensors(parsing: bytes, path: source)
    guard let text = file.metadata[Self.key],
      let members = try? JSON(parsing: Array(text.utf8), source: source).object,
      let split = members["split"]?.text, case .array(let names)? = members["factors"],
      let indices = try file.array("indices", axes: 1, of: Int64.self)?.values,
      let images = try file.images("images")
    else {
      throw TrainingError(.unsuitable, "\(source) is damaged: a part of it is missing")
    }
    self.init(split: split, indices: indices, images: images)
    isSealed = file.isSealed
    labels = try file.array("labels", axes: 1)?.values
    factors = try file.array("factors", axes: 2)
    factorNames = names.compactMap(\.text)
    if case .array(let names)? = members["classes"] { classNames = names.compactMap(\.text) }
    guard labels?.count ?? indices.count == indices.count,
      factors?.rows ?? indices.count == indices.count,
      factors?.columns ?? 0 == factorNames.count
    else {
      throw TrainingError(
        .unsuitable, "\(source) is damaged: its labels or factors are not as many as its examples")
    }
  }
}

extension BoundTerms {
  /// Terms by their names in records; nil where one is missing. One that is not finite is `null`
  /// there.
  package init?(json: JSON) {
    guard let object = json.object else { return nil }
    func term(_ name: String) -> Double? {
      object[name].flatMap { $0 == .null ? .nan : $0.double }
    }
    guard let distortion = term("distortion"), let rate = term("rate") else { return nil }
    self.init(distortion: distortion, rate: rate)
  }
}

extension JSON {
  /// The numbers of a list, those that are not finite as NaN; empty for another kind of value.
  package var doubles: [Double] {
    guard case .array(let values) = self else { return [] }
    return values.map { $0.double ?? .nan }
  }
}
