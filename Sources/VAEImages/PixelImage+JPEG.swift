import CJPEG
import VAEFiles

extension PixelImage {
  /// Decodes a JPEG to 8-bit grey or RGB; orientation and colour profiles are not applied.
  ///
  /// - Parameters:
  ///   - jpeg: the bytes of a file.
  ///   - side: where given, the image may be made smaller by 2, 4 or 8 while it is decoded, as
  ///     long as both sides keep so many pixels.
  /// - Throws: `PixelImageError.malformed` for damaged or truncated files, and for sizes beyond
  ///   32,768 pixels a side or the limit `picture_bytes` (`InputLimits`), before it is made smaller.
  public init(jpeg: [UInt8], atLeast side: Int? = nil) throws {
    self = try jpeg.withUnsafeBufferPointer { file in
      var message = BridgeMessage(size: Int(JPEG_BRIDGE_MESSAGE_SIZE))
      var shape = jpeg_bridge_shape()
      guard
        let reader = jpeg_bridge_open(
          file.baseAddress, file.count, UInt32(clamping: side ?? 0),
          UInt64(InputLimits.current.pictureBytes), &shape, &message.bytes)
      else {
        throw PixelImageError.malformed(reason: message.text)
      }
      defer { jpeg_bridge_close(reader) }
      let count = Int(shape.width) * Int(shape.height) * Int(shape.channels)
      let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard jpeg_bridge_read(reader, buffer.baseAddress, &message.bytes) == 0 else {
          throw PixelImageError.malformed(reason: message.text)
        }
        initialized = count
      }
      return PixelImage(
        width: Int(shape.width), height: Int(shape.height), channels: Int(shape.channels),
        pixels: pixels)
    }
  }
}
