// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import Tensors
import VAEZoo

@c @implementation
public func vae_encode_pictures(
  _ model: OpaquePointer?, _ pictures: UnsafePointer<vae_tensor>?, _ scaled: Int32, _ seed: UInt64,
  _ options: UnsafePointer<vae_call_options>?, _ encoding: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(encoding, "encoding")
    let model = try ModelObject.object(model)
    let watch = try CallWatch(options, "options", takesPictures: true)
    let isScaled = try flag(scaled, "scaled")
    let view = try TensorView(pictures, "pictures")
    result.pointee = try Handles.make(
      try model.read { trained in
        let coder = try PictureCoder(trained, watch.pictures)
        let pictures = try view.pictures()
        if let misfit = coder.misfit(ofPictures: pictures) {
          throw CallError(VAE_ERR_INVALID_ARGUMENT, "pictures\(misfit)" as Message)
        }
        return EncodingObject(
          try coder.encoding(
            of: pictures, isScaled: isScaled, seed: Int(bitPattern: UInt(seed))
          ) { try watch.proceed($0, with: [model]) })
      })
  }
}

@c @implementation
public func vae_decode_pictures(
  _ model: OpaquePointer?, _ latents: UnsafePointer<vae_tensor>?, _ scaled: Int32, _ height: Int64,
  _ width: Int64, _ dtype: Int32, _ options: UnsafePointer<vae_call_options>?,
  _ pictures: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(pictures, "pictures")
    let model = try ModelObject.object(model)
    let watch = try CallWatch(options, "options", takesPictures: true)
    let isScaled = try flag(scaled, "scaled")
    guard dtype == VAE_FLOAT32 || dtype == VAE_UINT8 else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "dtype is \(dtype), but pictures are VAE_FLOAT32 or VAE_UINT8")
    }
    guard height >= 0, width >= 0, (height == 0) == (width == 0) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "height and width are \(height) and \(width), but must be above 0, or both 0 for all pixels"
      )
    }
    let view = try TensorView(latents, "latents")
    result.pointee = try Handles.make(
      try model.read { trained in
        let coder = try PictureCoder(trained, watch.pictures)
        try coder.check(isScaled: isScaled)
        let found = try view.latents(of: coder, isScaled: isScaled)
        if let misfit = coder.misfit(of: found) {
          throw CallError(VAE_ERR_INVALID_ARGUMENT, "latents\(misfit)" as Message)
        }
        let size = height == 0 ? nil : (height: Int(height), width: Int(width))
        if let misfit = size.flatMap({ coder.misfit(ofSize: $0, for: found) }) {
          throw CallError(VAE_ERR_INVALID_ARGUMENT, misfit)
        }
        let pictures = try coder.decode(
          isScaled ? coder.scaling.unscaled(found) : found, size: size
        ) { try watch.proceed($0, with: [model]) }
        guard dtype == VAE_UINT8 else { return ArrayObject(pictures) }
        return ArrayObject(try PictureCoder.bytes(ofPictures: pictures), shape: pictures.shape)
      })
  }
}

/// Yes or no.
private func flag(_ value: Int32, _ name: String) throws(CallError) -> Bool {
  guard (0...1).contains(value) else {
    throw CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is \(value), but must be 0 or 1")
  }
  return value == 1
}

extension TensorView {
  /// A copy of the elements as latents: floats as they are, bytes as what they stand for.
  ///
  /// - Throws: `RecipeError` for bytes where the model's latents have no largest magnitude, or are scaled.
  fileprivate func latents(of coder: PictureCoder, isScaled: Bool) throws -> Tensor {
    // Other whole numbers become a tensor of indices, which the coder refuses.
    guard dtype == VAE_UINT8 else { return try copied() }
    guard !isScaled else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) are bytes, which stand for latents as the autoencoder has them; set scaled to 0")
    }
    return try coder.latents(ofBytes: numbers())
  }

  /// A copy of the elements as values of pictures: floats as they are, bytes divided by 255.
  ///
  /// - Throws: `CallError` where they are whole numbers of 32 bits.
  fileprivate func pictures() throws(CallError) -> Tensor {
    guard dtype != VAE_INT32 else {
      throw CallError(
        VAE_ERR_UNSUPPORTED, "\(name) hold 32-bit integers; pictures are floats or bytes")
    }
    let values = try numbers()
    return dtype == VAE_UINT8 ? values.scaled(by: 1 / 255) : values
  }
}
