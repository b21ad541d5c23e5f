import CPNG
import VAEFiles

extension PixelImage {
  /// Decodes a PNG of any colour type and depth to 8-bit grey or RGB.
  ///
  /// Palettes are looked up, 16 bits scaled to 8, alpha dropped; bytes are taken as stored, without
  /// gamma or colour profiles.
  ///
  /// - Throws: `PixelImageError.malformed` for damaged or truncated files, and for sizes beyond
  ///   32,768 pixels a side or the limit `picture_bytes` (`InputLimits`).
  public init(png: [UInt8]) throws {
    self = try png.withUnsafeBufferPointer { file in
      var message = BridgeMessage(size: Int(PNG_BRIDGE_MESSAGE_SIZE))
      var shape = png_bridge_shape()
      guard
        let reader = png_bridge_open(
          file.baseAddress, file.count, UInt64(InputLimits.current.pictureBytes), &shape,
          &message.bytes)
      else {
        throw PixelImageError.malformed(reason: message.text)
      }
      defer { png_bridge_close(reader) }
      let count = Int(shape.width) * Int(shape.height) * Int(shape.channels)
      let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard png_bridge_read(reader, buffer.baseAddress, &message.bytes) == 0 else {
          throw PixelImageError.malformed(reason: message.text)
        }
        initialized = count
      }
      return PixelImage(
        width: Int(shape.width), height: Int(shape.height), channels: Int(shape.channels),
        pixels: pixels)
    }
  }

  /// The picture as the bytes of a PNG file, 8 bits a channel.
  ///
  /// - Throws: `PixelImageError.unencodable` beyond 32,768 pixels a side or 256 MiB of pixels.
  public func pngData() throws -> [UInt8] {
    let shape = png_bridge_shape(
      width: UInt32(clamping: width), height: UInt32(clamping: height), channels: UInt32(channels))
    var message = BridgeMessage(size: Int(PNG_BRIDGE_MESSAGE_SIZE))
    let bound = png_bridge_encoded_bound(shape, &message.bytes)
    guard bound > 0 else {
      throw PixelImageError.unencodable(reason: message.text)
    }
    return try [UInt8](unsafeUninitializedCapacity: bound) { buffer, initialized in
      var size = bound
      guard png_bridge_encode(shape, pixels, buffer.baseAddress, &size, &message.bytes) == 0 else {
        throw PixelImageError.unencodable(reason: message.text)
      }
      initialized = size
    }
  }
}
