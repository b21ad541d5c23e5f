import VAEImages
import XCTest

final class PNGTests: XCTestCase {
  /// A picture in which no two neighbouring bytes agree.
  private func picture(_ width: Int, _ height: Int, _ channels: Int) -> PixelImage {
    PixelImage(
      width: width, height: height, channels: channels,
      pixels: (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * $0 * 37 + $0) })
  }

  // MARK: Both ways

  func testPicturesOfAnySizeComeBackUnchanged() throws {
    for channels in [1, 3] {
      for (width, height) in [(1, 1), (1, 9), (9, 1), (3, 5), (28, 28), (257, 31)] {
        let image = picture(width, height, channels)
        XCTAssertEqual(try PixelImage(png: image.pngData()), image)
      }
    }
  }

  func testAWrittenFileDeclaresItsSizeAndColourAsTheStandardSays() throws {
    let gray = try picture(300, 2, 1).pngData()
    XCTAssertEqual(
      Array(gray.prefix(29)),
      ReferencePNG.signature + [0, 0, 0, 13] + Array("IHDR".utf8)
        + [0, 0, 1, 44, 0, 0, 0, 2, 8, 0, 0, 0, 0])
    let color = try picture(2, 300, 3).pngData()
    XCTAssertEqual(Array(color[16..<29]), [0, 0, 0, 2, 0, 0, 1, 44, 8, 2, 0, 0, 0])
    XCTAssertEqual(Array(color.suffix(12)), ReferencePNG.chunk("IEND", []))
  }

  func testAPictureBeyondTheSizeLimitIsNotEncoded() throws {
    let wide = PixelImage(
      width: 32769, height: 1, channels: 1, pixels: [UInt8](repeating: 0, count: 32769))
    XCTAssertThrowsError(try wide.pngData()) { error in
      XCTAssertEqual(
        "\(error)",
        "the picture cannot be stored: 32769 x 1 pixels are outside the limits: "
          + "1 to 32768 a side and at most 268435456 bytes in all")
    }
  }

  // MARK: Files made elsewhere

  func testAGreyFileFromAnotherWriterIsDecoded() throws {
    // 3 x 2, made with Python's zlib: row 1 unfiltered, row 2 as differences to the row above.
    let file: [UInt8] = [
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
      0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00, 0x00, 0x00, 0xb8,
      0x1f, 0x39, 0xc6, 0x00, 0x00, 0x00, 0x10, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60,
      0x68, 0xf8, 0xcf, 0xc4, 0xc8, 0xc4, 0x0c, 0x00, 0x08, 0x15, 0x01, 0x88, 0x4d, 0x29, 0xd0,
      0xf6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ]
    XCTAssertEqual(
      try PixelImage(png: file),
      PixelImage(width: 3, height: 2, channels: 1, pixels: [0, 128, 255, 1, 130, 2]))
  }

  func testAColourFileFromAnotherWriterIsDecoded() throws {
    // 2 x 2, made with Python's zlib: row 1 as differences to the left, row 2 to the mean of left
    // and above.
    let file: [UInt8] = [
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
      0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd,
      0xd4, 0x9a, 0x73, 0x00, 0x00, 0x00, 0x16, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xe4,
      0x12, 0x91, 0x63, 0x65, 0x65, 0x65, 0x66, 0x64, 0x62, 0x66, 0x61, 0x65, 0x03, 0x00, 0x03,
      0xac, 0x00, 0x65, 0xa6, 0xf1, 0x0c, 0x70, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44,
      0xae, 0x42, 0x60, 0x82,
    ]
    XCTAssertEqual(
      try PixelImage(png: file),
      PixelImage(
        width: 2, height: 2, channels: 3,
        pixels: [10, 20, 30, 15, 25, 35, 6, 12, 18, 14, 23, 32]))
  }

  func testAPaletteIsLookedUp() throws {
    let file = ReferencePNG(
      width: 4, height: 1, depth: 2, colorType: 3,
      chunks: [("PLTE", [255, 0, 0, 0, 254, 0, 0, 0, 253])], rows: [0, 0b00_01_10_01])
    XCTAssertEqual(
      try PixelImage(png: file.bytes),
      PixelImage(
        width: 4, height: 1, channels: 3, pixels: [255, 0, 0, 0, 254, 0, 0, 0, 253, 0, 254, 0]))
  }

  func testSingleBitsBecomeBlackAndWhite() throws {
    let file = ReferencePNG(
      width: 9, height: 1, depth: 1, colorType: 0, rows: [0, 0b1010_0110, 0b1000_0000])
    XCTAssertEqual(
      try PixelImage(png: file.bytes).pixels, [255, 0, 255, 0, 0, 255, 255, 0, 255])
  }

  func testSixteenBitsAreScaledAndAlphaIsDropped() throws {
    // 0x00ff of 0xffff is 0.99 of 255, which the upper byte alone would make 0.
    let file = ReferencePNG(
      width: 2, height: 1, depth: 16, colorType: 4,
      rows: [0, 0x00, 0xff, 0, 0, 0xff, 0xff, 0x80, 0])
    XCTAssertEqual(
      try PixelImage(png: file.bytes),
      PixelImage(width: 2, height: 1, channels: 1, pixels: [1, 255]))
  }

  func testTransparentColoursAreKept() throws {
    let file = ReferencePNG(
      width: 1, height: 2, colorType: 6, rows: [0, 9, 8, 7, 0, 0, 6, 5, 4, 255])
    XCTAssertEqual(
      try PixelImage(png: file.bytes),
      PixelImage(width: 1, height: 2, channels: 3, pixels: [9, 8, 7, 6, 5, 4]))
  }

  func testInterlacedRowsAreReassembled() throws {
    // The passes of Adam7 that a 3 x 3 picture has: 1, 4 (column 2), 5 (row 2), 6, 7.
    let rows: [UInt8] = [0, 1, 0, 3, 0, 7, 9, 0, 2, 0, 8, 0, 4, 5, 6]
    let file = ReferencePNG(width: 3, height: 3, colorType: 0, interlaced: true, rows: rows)
    XCTAssertEqual(try PixelImage(png: file.bytes).pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9])
  }

  func testTextAndProfilesAreSkippedAndGammaIsNotApplied() throws {
    let file = ReferencePNG(
      width: 1, height: 1, colorType: 0,
      chunks: [
        ("gAMA", ReferencePNG.bigEndian(100_000)), ("iCCP", [1, 2, 3]), ("tEXt", [0xff]),
        ("teSt", [1]),
      ],
      rows: [0, 77])
    XCTAssertEqual(try PixelImage(png: file.bytes).pixels, [77])
  }

  // MARK: Damaged files

  /// Without a reason, any will do: the words are libpng's, and change with its version.
  private func assertRefused(
    _ file: [UInt8], _ reason: String? = nil, file source: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertThrowsError(try PixelImage(png: file), file: source, line: line) { error in
      guard case PixelImageError.malformed(let actual) = error else {
        return XCTFail("\(error)", file: source, line: line)
      }
      XCTAssertEqual(actual, reason ?? actual, file: source, line: line)
      XCTAssertFalse(actual.isEmpty, file: source, line: line)
    }
  }

  func testBytesThatAreNoPNGAreRefused() {
    assertRefused(Array("GIF89a, not a PNG".utf8))
    assertRefused([], "the file ends before the image is complete")
  }

  func testEveryTruncationIsRefused() throws {
    let file = try picture(7, 5, 3).pngData()
    for count in 0..<file.count {
      assertRefused(Array(file.prefix(count)), "the file ends before the image is complete")
    }
  }

  func testAFlippedBitIsRefusedOrChangesNothing() throws {
    // What may change nothing is a bit of a chunk that is skipped.
    let image = picture(7, 5, 3)
    let file = try image.pngData()
    var refused = 0
    for bit in 0..<file.count * 8 {
      var damaged = file
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let read = try PixelImage(png: damaged)
        XCTAssertEqual(read, image, "bit \(bit)")
      } catch {
        XCTAssertTrue(error is PixelImageError, "bit \(bit): \(error)")
        refused += 1
      }
    }
    XCTAssertGreaterThan(refused, file.count * 4)
  }

  func testDamageUnderAValidChecksumIsRefusedOrGivesAWholePicture() throws {
    for image in [picture(7, 5, 3), picture(6, 4, 1)] {
      let file = try image.pngData()
      for (start, count) in chunks(of: file) {
        // Length and name stay; data changes, and the checksum with it.
        for bit in 0..<count * 8 {
          var damaged = file
          damaged[start + 8 + bit / 8] ^= 1 << UInt8(bit % 8)
          let checksum = ReferencePNG.crc32(Array(damaged[start + 4..<start + 8 + count]))
          damaged.replaceSubrange(
            start + 8 + count..<start + 12 + count, with: ReferencePNG.bigEndian(checksum))
          do {
            let read = try PixelImage(png: damaged)
            XCTAssertEqual(read.pixels.count, read.width * read.height * read.channels)
          } catch {
            XCTAssertTrue(error is PixelImageError, "byte \(start + 8 + bit / 8): \(error)")
          }
        }
      }
    }
  }

  /// Where each chunk starts, and how many bytes of data it has.
  private func chunks(of file: [UInt8]) -> [(start: Int, count: Int)] {
    var chunks: [(start: Int, count: Int)] = []
    var start = ReferencePNG.signature.count
    while start < file.count {
      let count = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      chunks.append((start, count))
      start += count + 12
    }
    return chunks
  }

  func testMissingRowsAreRefused() {
    assertRefused(
      ReferencePNG(width: 2, height: 3, colorType: 0, rows: [0, 1, 2, 0, 3, 4]).bytes)
  }

  func testAPaletteThatIsMissingIsRefused() {
    assertRefused(ReferencePNG(width: 1, height: 1, colorType: 3, rows: [0, 0]).bytes)
  }

  func testASizeBeyondTheLimitIsRefusedBeforeItsMemoryIsTaken() {
    assertRefused(
      ReferencePNG(width: 0x7fff_ffff, height: 0x7fff_ffff, colorType: 6, rows: [0]).bytes,
      "2147483647 x 2147483647 pixels are outside the limits: "
        + "1 to 32768 a side and at most 268435456 bytes in all (picture_bytes)")
    assertRefused(
      ReferencePNG(width: 32768, height: 8193, colorType: 0, rows: [0]).bytes,
      "32768 x 8193 pixels are outside the limits: "
        + "1 to 32768 a side and at most 268435456 bytes in all (picture_bytes)")
  }

  func testASizeThatTheFileCannotHoldIsRefusedBeforeItsMemoryIsTaken() {
    let file = ReferencePNG(width: 32768, height: 8192, colorType: 0, rows: [0]).bytes
    assertRefused(
      file, "32768 x 8192 pixels are declared, more than \(file.count) bytes can hold")
  }
}
