import Foundation
import VAEData
import VAEImages
import XCTest

/// Pictures that Pillow wrote, against what it decodes them to; `Reference/make-pictures.py` made
/// both.
final class PictureDecoderTests: XCTestCase {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Reference")

  private func file(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(name)))
  }

  /// The pictures with their sizes.
  private func pictures() throws -> [(name: String, shape: ImageShape)] {
    try String(decoding: file("pictures.txt"), as: UTF8.self).split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      let sizes = words.dropFirst().compactMap { Int($0) }
      XCTAssertEqual(sizes.count, 3, "\(line) is no picture")
      let (width, height, channels) = try (
        XCTUnwrap(sizes.first), XCTUnwrap(sizes.dropFirst().first), XCTUnwrap(sizes.last)
      )
      return (String(words[0]), ImageShape(height: height, width: width, channels: channels))
    }
  }

  private func difference(_ first: [UInt8], _ second: [UInt8]) -> Int {
    guard first.count == second.count else { return .max }
    return zip(first, second).map { abs(Int($0) - Int($1)) }.max() ?? 0
  }

  // MARK: Good files

  func testEveryKindOfPictureIsDecodedAsPillowDoes() throws {
    let pictures = try pictures()
    XCTAssertEqual(pictures.count, 19)
    for (name, shape) in pictures {
      let image = try PictureDecoder().decode(file(name), atLeast: nil)
      XCTAssertEqual(image.shape, shape, name)
      let stem = name.split(separator: ".")[0]
      let truth = try file("\(stem).\(shape.channels == 1 ? "grey" : "rgb")")
      // JPEG leaves the last bits of the transform to the decoder, and inks are mixed by rounding.
      let allowed = name == "cmyk.jpg" ? 3 : name.hasSuffix("jpg") ? 2 : 0
      XCTAssertLessThanOrEqual(difference(image.bytes, truth), allowed, name)
    }
  }

  func testPicturesAreTurnedAsTheirCameraWasHeld() throws {
    // The first pixel of the file stands in another corner for each.
    let stored = try PixelImage(jpeg: file("orientation-1.jpg"))
    let corner = Array(stored.pixels.prefix(3))
    let corners: [(Bool, Bool)] = [
      (false, false), (true, false), (true, true), (false, true), (false, false), (true, false),
      (true, true), (false, true),
    ]
    for (number, (isRight, isBottom)) in corners.enumerated() {
      let image = try PictureDecoder().decode(file("orientation-\(number + 1).jpg"), atLeast: nil)
      XCTAssertEqual(image.shape.width, number < 4 ? 20 : 12)
      let (x, y) = (isRight ? image.shape.width - 1 : 0, isBottom ? image.shape.height - 1 : 0)
      let place = (y * image.shape.width + x) * 3
      XCTAssertEqual(Array(image.bytes[place..<place + 3]), corner, "orientation \(number + 1)")
    }
  }

  func testAnOrientationThatCannotBeReadTurnsNothing() throws {
    let jpeg = try file("orientation-6.jpg")
    let start = try XCTUnwrap(jpeg.firstRange(of: Array("Exif".utf8))).lowerBound
    XCTAssertEqual(ImageOrientation(ofJPEG: jpeg), .quarterTurnLeft)
    var foundOthers = 0
    for position in start - 4..<start + 50 {
      for bit in 0..<8 {
        var damaged = jpeg
        damaged[position] ^= 1 << bit
        if ImageOrientation(ofJPEG: damaged) == .upright { foundOthers += 1 }
      }
    }
    XCTAssertGreaterThan(foundOthers, 0)
    for length in 0..<jpeg.count { _ = ImageOrientation(ofJPEG: Array(jpeg.prefix(length))) }
    let png = try file("orientation.png")
    XCTAssertEqual(ImageOrientation(ofPNG: png), .quarterTurnLeft)
    for length in 0..<png.count { _ = ImageOrientation(ofPNG: Array(png.prefix(length))) }
  }

  func testAJPEGMadeSmallerWhileItIsDecodedIsTheMeanOfItsBlocks() throws {
    let whole = try PixelImage(jpeg: file("full-chroma.jpg"))
    for (least, factor) in [(13, 1), (7, 1), (6, 2), (4, 2), (3, 4), (2, 4)] {
      let small = try PixelImage(jpeg: file("full-chroma.jpg"), atLeast: least)
      XCTAssertEqual([small.width, small.height], [20 / factor, 12 / factor], "\(least)")
      for y in 0..<small.height {
        for x in 0..<small.width {
          for channel in 0..<3 {
            var sum = 0
            for place in 0..<factor * factor {
              let (row, column) = (y * factor + place / factor, x * factor + place % factor)
              sum += Int(whole.pixels[(row * 20 + column) * 3 + channel])
            }
            let mean = Double(sum) / Double(factor * factor)
            let found = Double(small.pixels[(y * small.width + x) * 3 + channel])
            XCTAssertEqual(found, mean, accuracy: 4)
          }
        }
      }
    }
  }

  func testImagesAreResizedAsPillowDoes() throws {
    let folder = NSTemporaryDirectory() + "vae-images-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder + "/pictures", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(file("resized.png")).write(to: URL(fileURLWithPath: folder + "/pictures/a.png"))
    for (preparation, truth) in [
      (ImagePreparation(size: 4), "resized-4.rgb"), (ImagePreparation(size: 29), "resized-29.rgb"),
      (ImagePreparation(size: 6, crops: true), "resized-6-crop.rgb"),
      (ImagePreparation(isGrey: true), "resized-grey.grey"),
    ] {
      let source = try DataSource.open(
        folder + "/pictures",
        images: ImageFolderOptions(decoder: PictureDecoder(), preparation: preparation))
      let expected = try file(truth)
      var values = [Float](repeating: 0, count: source.shape.count)
      values.withUnsafeMutableBufferPointer { source.train.store.write([0], into: $0) }
      let bytes = values.map { UInt8(($0 * 255).rounded()) }
      XCTAssertLessThanOrEqual(
        difference(bytes, expected), truth.hasSuffix("grey") ? 0 : 1, truth)
    }
  }

  // MARK: Bad files

  func testATruncatedPictureIsRefused() throws {
    for name in ["color.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg", "palette.png"] {
      let whole = try file(name)
      for length in 0..<whole.count - 2 {
        XCTAssertThrowsError(
          try PictureDecoder().decode(Array(whole.prefix(length)), atLeast: nil),
          "\(name) of \(length) bytes"
        ) {
          XCTAssertTrue($0 is PixelImageError, "\($0)")
          XCTAssertFalse("\($0)".contains("\n"), "\($0)")
        }
      }
    }
  }

  func testFlippedBitsAreRefusedOrGiveAPictureOfAPossibleSize() throws {
    for name in ["color.jpg", "progressive.jpg", "restarts.jpg", "cmyk.jpg"] {
      let whole = try file(name)
      for position in 0..<whole.count {
        var damaged = whole
        damaged[position] ^= 1 << (position % 8)
        if let image = try? PictureDecoder().decode(damaged, atLeast: 4) {
          XCTAssertEqual(image.bytes.count, image.shape.count)
        }
      }
    }
  }

  func testADeclaredSizeBeyondTheBytesIsRefusedBeforeMemoryIsTaken() throws {
    var file = try file("color.jpg")
    let frame = try XCTUnwrap(file.firstRange(of: [0xff, 0xc0])).lowerBound
    for (height, width) in [(32768, 16000), (65535, 65535), (8000, 8000)] {
      file.replaceSubrange(
        frame + 5..<frame + 9,
        with: [UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)])
      XCTAssertThrowsError(try PixelImage(jpeg: file)) { error in
        XCTAssertTrue("\(error)".contains("pixels"), "\(error)")
      }
    }
  }

  func testAFileOfAnotherKindIsRefused() {
    for file in [Array("GIF89a".utf8), [], [0xff], Array("RIFF    WEBP".utf8)] {
      XCTAssertThrowsError(try PictureDecoder().decode(file, atLeast: nil)) { error in
        XCTAssertEqual("\(error)", "not a readable picture: it is neither a PNG nor a JPEG")
      }
    }
  }
}
