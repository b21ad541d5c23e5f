// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import VAEZoo

@c @implementation
public func vae_score(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?,
  _ options: UnsafePointer<vae_score_options>?,
  _ call_options: UnsafePointer<vae_call_options>?,
  _ scores: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let place = Result { try result(scores, "scores") }
    let communicator = try CallWatch.communicator(call_options, "call_options")
    try together(communicator) { hasMet in
      let result = try place.get()
      let watch = try CallWatch(
        call_options, "call_options", takesCondition: true, takesCommunicator: true)
      let model = try ModelObject.object(model)
      let given = try options.map { try value(of: $0, "options") } ?? vae_score_options()
      let options = try ScoreOptions(given)
      let background = try given.background.map { try ModelObject.object($0) }
      func measured(_ trained: TrainedModel, _ other: TrainedModel?) throws -> ArrayObject {
        let images = try trained.pricedImages(images, "images", condition: watch.condition)
        let usual = try reference(given, for: trained)
        hasMet = true
        return ArrayObject(
          try stoppable(watch, with: [model, background].compactMap(\.self)) { goesOn in
            try trained.scores(
              images, options, background: other, reference: usual, among: communicator,
              progress: { goesOn($0) })
          })
      }
      result.pointee = try Handles.make(
        try model.read { trained in
          guard let background else { return try measured(trained, nil) }
          // One call reads a model once.
          guard background !== model else { return try measured(trained, trained) }
          return try background.read { try measured(trained, $0) }
        })
    }
  }
}

/// The images whose mean is the usual one; nil where none are given.
private func reference(
  _ given: vae_score_options, for trained: TrainedModel
) throws -> DataSplit? {
  let condition = try given.reference_condition.map { (condition) throws(CallError) in
    try TensorView(condition, "options->reference_condition")
  }
  guard let images = given.reference else {
    guard condition == nil else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->reference_condition is given, but options->reference is NULL; give both or none")
    }
    return nil
  }
  return try trained.pricedImages(images, "options->reference", condition: condition)
}

extension ScoreOptions {
  /// What a caller asks for.
  ///
  /// - Throws: `MetricError` for a method that there is not, `CallError` for numbers out of range.
  fileprivate init(_ options: vae_score_options) throws {
    self.init()
    for (field, value) in [("reserved", options.reserved), ("reserved2", options.reserved2)]
    where value != 0 {
      throw CallError(
        VAE_ERR_UNSUPPORTED,
        "options->\(field) is \(value), which this version of the library does not know")
    }
    if let name = try text(optional: options.method, "options->method") {
      method = try ScoreMethod(named: name)
    }
    guard (-1...10_000_000).contains(options.importance_samples) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->importance_samples is \(options.importance_samples), but must be in -1...10000000"
      )
    }
    guard (0...100_000).contains(options.steps) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "options->steps is \(options.steps), but must be in 0...100000")
    }
    if options.importance_samples != 0 {
      importanceSamples = max(0, Int(options.importance_samples))
    }
    if options.steps > 0 { regret.steps = Int(options.steps) }
    guard options.group >= 0 else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->group is \(options.group), but must be a number of images, or 0 for 10")
    }
    if options.group > 0 { group = Int(options.group) }
    let given = [
      ("importance_samples", options.importance_samples, method.isWeighted),
      ("steps", options.steps, method == .regret), ("group", options.group, method == .typicality),
    ]
    for (field, value, belongs) in given where value != 0 && !belongs {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->\(field) is \(value), which the method \(method.rawValue) has no use for; leave it 0"
      )
    }
    seed = Int(bitPattern: UInt(options.seed))
  }
}
