// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Communication
import VAEBenchmark
import VAEZoo

/// The largest number of importance samples, as on the command line.
private let sampleLimit: Int32 = 10_000_000

/// - Throws: `CallError` where the number is negative or absurd.
private func checkSamples(_ samples: Int32, _ name: String) throws(CallError) {
  guard (0...sampleLimit).contains(samples) else {
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT, "\(name) is \(samples), but must be in 0...\(sampleLimit)")
  }
}

@c @implementation
public func vae_evaluate(
  _ model: OpaquePointer?, _ data: OpaquePointer?,
  _ options: UnsafePointer<vae_evaluation_options>?,
  _ token: OpaquePointer?, _ metrics: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try evaluate(
      model, data, options, metrics, among: { SoloCommunicator() }
    ) { () throws(CallError) in
      CallWatch(try CancelTokenObject.token(token))
    }
  }
}

@c @implementation
public func vae_evaluate_with(
  _ model: OpaquePointer?, _ data: OpaquePointer?,
  _ options: UnsafePointer<vae_evaluation_options>?,
  _ call_options: UnsafePointer<vae_call_options>?,
  _ metrics: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try evaluate(
      model, data, options, metrics, among: { try CallWatch.communicator(call_options, "call") }
    ) { () throws(CallError) in
      try CallWatch(call_options, "call", takesCommunicator: true)
    }
  }
}

/// What both of these do.
///
/// - Parameters:
///   - connect: gives what connects those who divide it.
///   - watch: gives what may stop it.
private func evaluate(
  _ model: OpaquePointer?, _ data: OpaquePointer?,
  _ options: UnsafePointer<vae_evaluation_options>?,
  _ metrics: UnsafeMutablePointer<OpaquePointer?>?, among connect: () throws -> any Communicator,
  watch: () throws(CallError) -> CallWatch
) throws {
  // First of all nothing is left where the result belongs.
  let place = Result { try result(metrics, "metrics") }
  let communicator = try connect()
  try together(communicator) { hasMet in
    let result = try place.get()
    let watch = try watch()
    let model = try ModelObject.object(model)
    let source = try Handles.object(data, DataObject.self, "data").source
    let options = try options.map { try value(of: $0, "options") } ?? vae_evaluation_options()
    try checkSamples(options.importance_samples, "options->importance_samples")
    let wanted = options.split
    let names = try options.metrics.map {
      MetricRegistry.names(in: try text($0, "options->metrics"))
    }
    let network = try options.network.map { try path($0, "options->network") }
    let layer = try options.network_layer.map { try text($0, "options->network_layer") }
    guard layer == nil || network != nil else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->network_layer names a layer of a network, but options->network is NULL")
    }
    result.pointee = try Handles.make(
      try model.read { trained in
        let source = try trained.fitting(source)
        let split = try trained.withSplits(source).split(of: wanted ?? staticText("test"))
        let network = try network.map {
          try trained.network($0, layer: layer, registry: Known.registry)
        }
        try MemoryNeed.check(rows: 1, of: split.shape)
        hasMet = true
        let found = try stoppable(watch, with: [model]) { goesOn in
          try trained.evaluate(
            split, metrics: names,
            importanceSamples: options.importance_samples > 0
              ? Int(options.importance_samples) : nil, network: network,
            seed: Int(bitPattern: UInt(options.seed)), among: communicator,
            progress: { goesOn($0) })
        }
        return MetricsObject(
          found.json(
            variant: trained.recipe.variant, split: split.name,
            isConditional: trained.model.condition != nil))
      })
  }
}

@c @implementation
public func vae_log_likelihood(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ samples: Int32, _ seed: UInt64,
  _ token: OpaquePointer?, _ likelihoods: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try logLikelihoods(model, images, samples, seed, likelihoods) { () throws(CallError) in
      CallWatch(try CancelTokenObject.token(token))
    }
  }
}

@c @implementation
public func vae_log_likelihood_with(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ samples: Int32, _ seed: UInt64,
  _ options: UnsafePointer<vae_call_options>?, _ likelihoods: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try logLikelihoods(model, images, samples, seed, likelihoods) { () throws(CallError) in
      try CallWatch(options, "options", takesCondition: true)
    }
  }
}

/// What both of these do.
///
/// - Parameter watch: what may stop it.
private func logLikelihoods(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ samples: Int32, _ seed: UInt64,
  _ likelihoods: UnsafeMutablePointer<OpaquePointer?>?, watch: () throws(CallError) -> CallWatch
) throws {
  let result = try result(likelihoods, "result")
  let model = try ModelObject.object(model)
  let watch = try watch()
  try checkSamples(samples, "samples")
  result.pointee = try Handles.make(
    try model.read { trained in
      let images = try trained.pricedImages(images, "images", condition: watch.condition)
      return ArrayObject(
        try stoppable(watch, with: [model]) { goesOn in
          try trained.logLikelihoods(
            images, samples: Int(samples), seed: Int(bitPattern: UInt(seed)),
            progress: { goesOn($0) })
        })
    })
}

// MARK: - Timing

@c @implementation
public func vae_bench(
  _ workload: UnsafePointer<CChar>?, _ token: OpaquePointer?,
  _ metrics: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(metrics, "metrics")
    let name = try text(workload, "workload")
    let token = try CancelTokenObject.token(token)
    guard let workload = Workload.all.first(where: { $0.name == name }) else {
      let known = Workload.all.map(\.name).joined(separator: ", ")
      throw CallError(VAE_ERR_NOT_FOUND, "there is no workload \(name); there are: \(known)")
    }
    try token.check()
    guard let found = try workload.measure(cancel: token) else { throw CallError.cancelled }
    result.pointee = try Handles.make(MetricsObject(found.json))
  }
}
