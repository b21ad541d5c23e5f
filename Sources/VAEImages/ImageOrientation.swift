/// How the rows and columns of a picture in a file lie to what the camera saw: the tag Orientation
/// (JEITA CP-3451, "Exchangeable image file format for digital still cameras: Exif" 2.3, 4.6.4).
public enum ImageOrientation: Int, Sendable, CaseIterable {
  /// The first row is the top, the first column the left side.
  case upright = 1
  /// The first column is the right side.
  case mirrored
  /// The first row is the bottom, the first column the right side.
  case upsideDown
  /// The first row is the bottom.
  case upsideDownMirrored
  /// The first row is the left side, the first column the top.
  case transposed
  /// The first row is the right side, the first column the top.
  case quarterTurnLeft
  /// The first row is the right side, the first column the bottom.
  case transverse
  /// The first row is the left side, the first column the bottom.
  case quarterTurnRight

  /// What a JPEG says; upright where it says nothing that can be read.
  public init(ofJPEG file: [UInt8]) {
    self = Self.exif(inJPEG: file).flatMap(Self.orientation) ?? .upright
  }

  /// What a PNG says; upright where it says nothing that can be read.
  public init(ofPNG file: [UInt8]) {
    self = Self.exif(inPNG: file).flatMap(Self.orientation) ?? .upright
  }

  /// The first Exif segment before the image data.
  private static func exif(inJPEG file: [UInt8]) -> ArraySlice<UInt8>? {
    let identifier = Array("Exif\0\0".utf8)
    var offset = 2
    while offset + 4 <= file.count, file[offset] == 0xff {
      let marker = file[offset + 1]
      // Any number of fill bytes may come before a marker.
      if marker == 0xff {
        offset += 1
        continue
      }
      // Start of scan, end of image.
      if marker == 0xda || marker == 0xd9 { return nil }
      let length = Int(file[offset + 2]) << 8 | Int(file[offset + 3])
      let end = offset + 2 + length
      guard length >= 2, end <= file.count else { return nil }
      let content = file[offset + 4..<end]
      if marker == 0xe1, content.starts(with: identifier) {
        return content.dropFirst(identifier.count)
      }
      offset = end
    }
    return nil
  }

  /// The chunk `eXIf`.
  private static func exif(inPNG file: [UInt8]) -> ArraySlice<UInt8>? {
    var offset = 8
    while offset + 12 <= file.count {
      let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - offset - 12 else { return nil }
      let content = file[offset + 8..<offset + 8 + length]
      if file[offset + 4..<offset + 8].elementsEqual("eXIf".utf8) { return content }
      offset += 12 + length
    }
    return nil
  }

  /// The value of the tag in the first directory of a TIFF structure.
  private static func orientation(tiff: ArraySlice<UInt8>) -> ImageOrientation? {
    let bytes = Array(tiff)
    let isLittle = bytes.starts(with: [0x49, 0x49, 42, 0])
    guard isLittle || bytes.starts(with: [0x4d, 0x4d, 0, 42]) else { return nil }
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset + size <= bytes.count else { return nil }
      let field = bytes[offset..<offset + size]
      return isLittle
        ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
    }
    guard let start = number(4, 4), let count = number(start, 2) else { return nil }
    for entry in 0..<count {
      let offset = start + 2 + 12 * entry
      guard let tag = number(offset, 2), let type = number(offset + 2, 2) else { return nil }
      // A short of two bytes.
      if tag == 0x0112 {
        return type == 3 ? number(offset + 8, 2).flatMap(ImageOrientation.init(rawValue:)) : nil
      }
    }
    return nil
  }
}

extension PixelImage {
  /// The picture as the camera saw it.
  ///
  /// - Parameter orientation: how the rows and columns of this one lie.
  public func upright(_ orientation: ImageOrientation) -> PixelImage {
    guard orientation != .upright else { return self }
    let isTurned = orientation.rawValue >= ImageOrientation.transposed.rawValue
    let (width, height) = isTurned ? (self.height, self.width) : (self.width, self.height)
    let (right, bottom) = (self.width - 1, self.height - 1)
    var turned: [UInt8] = []
    turned.reserveCapacity(pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (column, row) =
          switch orientation {
          case .upright: (x, y)
          case .mirrored: (right - x, y)
          case .upsideDown: (right - x, bottom - y)
          case .upsideDownMirrored: (x, bottom - y)
          case .transposed: (y, x)
          case .quarterTurnLeft: (y, bottom - x)
          case .transverse: (right - y, bottom - x)
          case .quarterTurnRight: (right - y, x)
          }
        let place = (row * self.width + column) * channels
        turned += pixels[place..<place + channels]
      }
    }
    return PixelImage(width: width, height: height, channels: channels, pixels: turned)
  }
}
