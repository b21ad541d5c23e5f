// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import VAEZoo

@c @implementation
public func vae_impute(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?,
  _ options: UnsafePointer<vae_imputation_options>?,
  _ call_options: UnsafePointer<vae_call_options>?,
  _ filled: UnsafeMutablePointer<OpaquePointer?>?,
  _ metrics: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let place = Result { try result(filled, "filled") }
    metrics?.pointee = nil
    let communicator = try CallWatch.communicator(call_options, "call_options")
    let (target, found) = try together(communicator) { hasMet in
      let target = try place.get()
      let watch = try CallWatch(
        call_options, "call_options", takesCondition: true, takesDraw: true,
        takesCommunicator: true)
      let model = try ModelObject.object(model)
      let given = try options.map { try value(of: $0, "options") } ?? vae_imputation_options()
      let options = try ImputationOptions(given, drawing: watch.drawing)
      let found = try model.read { trained in
        try trained.checkTakesMasks()
        let images = try trained.images(images, "images", condition: watch.condition)
        let truth = try given.truth.map {
          try trained.images($0, "options->truth", condition: watch.condition)
        }
        hasMet = true
        return try stoppable(watch, with: [model]) { goesOn in
          try trained.impute(
            images, options, truth: truth, among: communicator, progress: { goesOn($0) })
        }
      }
      return (target, found)
    }
    for notice in found.notices { try Log.say(notice.description) }
    let array = try Handles.make(ArrayObject(found))
    if let metrics {
      do {
        metrics.pointee = try Handles.make(MetricsObject(found.json))
      } catch {
        Handles.release(array, ArrayObject.self)
        throw error
      }
    }
    target.pointee = array
  }
}

extension ImputationOptions {
  /// What a caller asks for.
  ///
  /// - Throws: `CallError` for numbers out of range.
  fileprivate init(_ options: vae_imputation_options, drawing: Bool) throws(CallError) {
    self.init()
    guard (0...10_000_000).contains(options.importance_samples) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->importance_samples is \(options.importance_samples), but must be in 0...10000000")
    }
    if options.importance_samples > 0 { samples = Int(options.importance_samples) }
    seed = Int(bitPattern: UInt(options.seed))
    self.drawing = drawing
  }
}
