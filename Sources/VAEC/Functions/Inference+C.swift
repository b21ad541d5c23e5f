// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import VAEZoo

/// An encoding as C holds it: its arrays are given out again and again.
final class EncodingObject: HandleObject {
  static let kind = HandleKind.encoding

  private let mean: ArrayObject?
  private let variance: ArrayObject?
  private let codes: ArrayObject?
  private let samples: [ArrayObject]

  init(_ encoding: Encoding) {
    mean = encoding.mean.map { ArrayObject($0) }
    variance = encoding.variance.map { ArrayObject($0) }
    codes = encoding.codes.map { ArrayObject($0) }
    samples = encoding.samples.map { ArrayObject($0) }
  }

  /// A part by its number in C.
  ///
  /// - Throws: `CallError` where there is no such part, or the model has nothing of the kind.
  func array(_ part: Int32, layer: Int64) throws(CallError) -> ArrayObject {
    func found(_ array: ArrayObject?, _ what: String) throws(CallError) -> ArrayObject {
      guard let array else {
        throw CallError(VAE_ERR_NOT_FOUND, "the model's posterior has no \(what)")
      }
      return array
    }
    switch part {
    case VAE_ENCODING_MEAN: return try found(mean, "mean")
    case VAE_ENCODING_VARIANCE: return try found(variance, "variance")
    case VAE_ENCODING_CODES: return try found(codes, "codes")
    case VAE_ENCODING_SAMPLE:
      guard layer >= 0, layer < samples.count else {
        throw CallError(
          VAE_ERR_NOT_FOUND,
          "layer is \(layer), but the model has \(samples.count) stochastic layers")
      }
      return samples[Int(layer)]
    default:
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "part is \(part), which is none of VAE_ENCODING_MEAN, _VARIANCE, _CODES and _SAMPLE")
    }
  }
}

@c @implementation
public func vae_encode(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ seed: UInt64,
  _ encoding: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_encode_with(model, images, seed, nil, encoding, error)
}

@c @implementation
public func vae_encode_with(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ seed: UInt64,
  _ options: UnsafePointer<vae_call_options>?, _ encoding: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let place = Result { try result(encoding, "encoding") }
    let communicator = try CallWatch.communicator(options, "options")
    try together(communicator) { hasMet in
      let result = try place.get()
      let watch = try CallWatch(
        options, "options", takesCondition: true, takesCommunicator: true)
      let model = try ModelObject.object(model)
      result.pointee = try Handles.make(
        try model.read { trained in
          let images = try trained.images(images, "images", condition: watch.condition)
          hasMet = true
          return try EncodingObject(
            stoppable(watch, with: [model]) { goesOn in
              do {
                return try trained.encode(
                  images, seed: Int(bitPattern: UInt(seed)), among: communicator
                ) { if !goesOn($0) { throw StoppedWork() } }
              } catch is StoppedWork {
                return nil
              }
            })
        })
    }
  }
}

@c @implementation
public func vae_encoding_get(
  _ encoding: OpaquePointer?, _ part: Int32, _ layer: Int64,
  _ array: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(array, "array")
    let encoding = try Handles.object(encoding, EncodingObject.self, "encoding")
    result.pointee = try Handles.make(try encoding.array(part, layer: layer))
  }
}

@c @implementation
public func vae_encoding_free(_ encoding: OpaquePointer?) {
  Handles.release(encoding, EncodingObject.self)
}

// MARK: - Images out

@c @implementation
public func vae_decode(
  _ model: OpaquePointer?, _ latents: UnsafePointer<UnsafePointer<vae_tensor>?>?,
  _ layer_count: Int64, _ seed: UInt64, _ images: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_decode_with(model, latents, layer_count, seed, nil, images, error)
}

@c @implementation
public func vae_decode_with(
  _ model: OpaquePointer?, _ latents: UnsafePointer<UnsafePointer<vae_tensor>?>?,
  _ layer_count: Int64, _ seed: UInt64, _ options: UnsafePointer<vae_call_options>?,
  _ images: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(images, "images")
    let model = try ModelObject.object(model)
    let watch = try CallWatch(options, "options", takesCondition: true)
    let pointers = try required(latents, "latents")
    guard (1...64).contains(layer_count) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "layer_count is \(layer_count), but must be in 1...64")
    }
    let views = try (0..<Int(layer_count)).map { layer in
      let view = try TensorView(pointers[layer], "latents[\(layer)]")
      guard view.count > 0 else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT, "latents[\(layer)] is empty: its shape is \(view.shape)")
      }
      return view
    }
    result.pointee = try Handles.make(
      try model.read { trained in
        // The shapes come first, so that nothing is copied that no model takes.
        let misfit = trained.misfit(
          ofShapes: views.map { Shape($0.shape) }, areCodes: views.map { $0.dtype == VAE_INT32 })
        try refuseMisfit(misfit)
        try checkOutput(views[0].shape[0], of: trained.imageShape)
        let latents = try views.map { try $0.copied() }
        try refuseMisfit(trained.misfit(of: latents))
        return ArrayObject(
          try trained.madeOfLatents(
            latents, seed: Int(bitPattern: UInt(seed)), condition: try trained.condition(of: watch)
          ) { try watch.proceed($0, with: [model]) })
      })
  }
}

private func refuseMisfit(_ misfit: String?) throws(CallError) {
  if let misfit { throw CallError(VAE_ERR_INVALID_ARGUMENT, "latents\(misfit)") }
}

@c @implementation
public func vae_reconstruct(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ seed: UInt64,
  _ reconstructions: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_reconstruct_with(model, images, seed, nil, reconstructions, error)
}

@c @implementation
public func vae_reconstruct_with(
  _ model: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?, _ seed: UInt64,
  _ options: UnsafePointer<vae_call_options>?,
  _ reconstructions: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(reconstructions, "result")
    let model = try ModelObject.object(model)
    let watch = try CallWatch(options, "options", takesCondition: true)
    result.pointee = try Handles.make(
      try model.read { trained in
        let images = try trained.images(images, "images", condition: watch.condition)
        try checkOutput(images.count, of: images.shape)
        return ArrayObject(
          try trained.madeReconstructions(images, seed: Int(bitPattern: UInt(seed))) {
            try watch.proceed($0, with: [model])
          })
      })
  }
}

@c @implementation
public func vae_sample(
  _ model: OpaquePointer?, _ count: Int64, _ temperature: Double, _ seed: UInt64,
  _ images: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_sample_with(model, count, temperature, seed, nil, images, error)
}

@c @implementation
public func vae_sample_with(
  _ model: OpaquePointer?, _ count: Int64, _ temperature: Double, _ seed: UInt64,
  _ options: UnsafePointer<vae_call_options>?, _ images: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(images, "images")
    let model = try ModelObject.object(model)
    let watch = try CallWatch(options, "options", takesCondition: true, takesDraw: true)
    guard (1...Int64(Int32.max)).contains(count) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "count is \(count), but must be in 1...\(Int32.max)")
    }
    guard (0...1000).contains(temperature) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "temperature is \(temperature), but must be in 0...1000")
    }
    result.pointee = try Handles.make(
      try model.read { trained in
        try checkOutput(Int(count), of: trained.imageShape)
        return ArrayObject(
          try trained.madeSamples(
            count: Int(count), seed: Int(bitPattern: UInt(seed)), temperature: Float(temperature),
            drawing: watch.drawing, condition: try trained.condition(of: watch)
          ) { try watch.proceed($0, with: [model]) })
      })
  }
}

/// Refuses a number of images that would not fit in memory: once in parts and once as a whole.
private func checkOutput(_ count: Int, of shape: ImageShape) throws(CallError) {
  try MemoryNeed.check(rows: 1, of: shape)
  try MemoryNeed.check(
    bytes: Double(count) * Double(shape.count) * 12,
    for: "\(Count.of(Int(count), "image")) of \(shape)")
}
