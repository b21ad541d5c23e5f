import VAEImages
import XCTest

/// How pictures are turned upright, and where a file says how they lie.
final class OrientationTests: XCTestCase {
  func testEachOrientationPutsEveryPixelWhereTheCameraSawIt() {
    let picture = PixelImage(
      width: 2, height: 3, channels: 1, pixels: [1, 2, 3, 4, 5, 6])
    let turned: [ImageOrientation: [[UInt8]]] = [
      .upright: [[1, 2], [3, 4], [5, 6]], .mirrored: [[2, 1], [4, 3], [6, 5]],
      .upsideDown: [[6, 5], [4, 3], [2, 1]], .upsideDownMirrored: [[5, 6], [3, 4], [1, 2]],
      .transposed: [[1, 3, 5], [2, 4, 6]], .quarterTurnLeft: [[5, 3, 1], [6, 4, 2]],
      .transverse: [[6, 4, 2], [5, 3, 1]], .quarterTurnRight: [[2, 4, 6], [1, 3, 5]],
    ]
    for orientation in ImageOrientation.allCases {
      let rows = turned[orientation] ?? []
      let found = picture.upright(orientation)
      XCTAssertEqual([found.height, found.width], [rows.count, rows[0].count])
      XCTAssertEqual(found.pixels, rows.flatMap { $0 }, "\(orientation)")
    }
    let colors = PixelImage(width: 2, height: 1, channels: 3, pixels: [1, 2, 3, 4, 5, 6])
    XCTAssertEqual(colors.upright(.mirrored).pixels, [4, 5, 6, 1, 2, 3])
  }

  func testOrientationsHaveTheNumbersOfExif() {
    XCTAssertEqual(
      ImageOrientation.allCases.map(\.rawValue), Array(1...8))
    XCTAssertEqual(ImageOrientation(rawValue: 6), .quarterTurnLeft)
    XCTAssertEqual(ImageOrientation(rawValue: 8), .quarterTurnRight)
  }

  /// A number of some bytes in either order.
  private func number(_ value: Int, _ size: Int, _ isLittle: Bool) -> [UInt8] {
    let bytes = (0..<size).map { UInt8(value >> (8 * $0) & 255) }
    return isLittle ? bytes : bytes.reversed()
  }

  /// A directory of two tags, the second of which is the orientation.
  private func exif(
    _ value: Int, isLittle: Bool, type: Int = 3, tag: Int = 0x0112
  ) -> [UInt8] {
    func number(_ value: Int, _ size: Int) -> [UInt8] { self.number(value, size, isLittle) }
    var bytes: [UInt8] = isLittle ? [0x49, 0x49] : [0x4d, 0x4d]
    // The directory begins two bytes later than it could.
    bytes += number(42, 2) + number(10, 4) + [0, 0] + number(2, 2)
    bytes += number(0x010f, 2) + number(3, 2) + number(1, 4) + number(2, 2) + [0, 0]
    bytes += number(tag, 2) + number(type, 2) + number(1, 4) + number(value, 2) + [0, 0]
    return bytes
  }

  private func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
    [0xff, marker] + number(content.count + 2, 2, false) + content
  }

  func testAJPEGSaysItInItsFirstExifSegmentBeforeTheImage() {
    let name = Array("Exif\0\0".utf8)
    let other = segment(0xe1, Array("http://ns.adobe.com/xap/1.0/\0".utf8))
    for isLittle in [false, true] {
      for value in 1...8 {
        let own = segment(0xe1, name + exif(value, isLittle: isLittle))
        let later = segment(0xe1, name + exif(2, isLittle: isLittle))
        let file = [0xff, 0xd8] + segment(0xe0, [1, 2, 3]) + other + [0xff, 0xff] + own + later
        XCTAssertEqual(ImageOrientation(ofJPEG: file).rawValue, value)
      }
      let sideways = exif(6, isLittle: isLittle)
      for (content, isBehind) in [
        (exif(9, isLittle: isLittle), false), (exif(0, isLittle: isLittle), false),
        (exif(6, isLittle: isLittle, type: 4), false),
        (exif(6, isLittle: isLittle, tag: 0x0113), false), (sideways, true),
      ] {
        let scan = isBehind ? segment(0xda, [1]) : []
        let file = [0xff, 0xd8] + scan + segment(0xe1, name + content)
        XCTAssertEqual(ImageOrientation(ofJPEG: file), .upright)
      }
    }
  }

  func testAPNGSaysItInItsOwnChunk() {
    let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
      number(content.count, 4, false) + Array(type.utf8) + content + [1, 2, 3, 4]
    }
    let own = exif(8, isLittle: true)
    let header = signature + chunk("IHDR", [UInt8](repeating: 1, count: 13))
    XCTAssertEqual(
      ImageOrientation(ofPNG: header + chunk("tEXt", own) + chunk("eXIf", own)), .quarterTurnRight)
    XCTAssertEqual(
      ImageOrientation(ofPNG: header + chunk("IDAT", [5]) + chunk("eXIf", own)), .quarterTurnRight)
    XCTAssertEqual(ImageOrientation(ofPNG: header + chunk("tEXt", own)), .upright)
  }
}
