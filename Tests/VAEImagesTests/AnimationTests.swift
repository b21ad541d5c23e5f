import Foundation
import VAEImages
import XCTest

/// Animations, read back by readers that share nothing with their writers.
final class AnimationTests: XCTestCase {
  private func picture(
    _ width: Int, _ height: Int, channels: Int, seed: UInt64, levels: Int = 256
  ) -> PixelImage {
    var state = seed
    let pixels = (0..<width * height * channels).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: Int(state >> 40) % levels * (256 / levels))
    }
    return PixelImage(width: width, height: height, channels: channels, pixels: pixels)
  }

  // MARK: GIF

  func testGreyFramesComeBackExactly() throws {
    // Noise of all levels fills the table of codes several times over; few levels make long codes.
    for (width, height, levels) in [(1, 1, 256), (3, 5, 2), (97, 83, 256), (200, 150, 4)] {
      let frames = (1...3).map {
        picture(width, height, channels: 1, seed: $0, levels: levels)
      }
      let file = try Animation(frames: frames, milliseconds: [20, 100, 1000]).gifData()
      let gif = try GIFFile(file)
      XCTAssertEqual(gif.width, width)
      XCTAssertEqual(gif.height, height)
      XCTAssertEqual(gif.delays, [2, 10, 100])
      XCTAssertTrue(gif.loops)
      for (frame, found) in zip(frames, gif.frames) {
        XCTAssertEqual(found, frame.pixels.flatMap { [$0, $0, $0] }, "\(width)x\(height)")
      }
      XCTAssertEqual(gif.frames.count, 3)
    }
  }

  func testAsManyColoursAsAPaletteHoldsComeBackExactly() throws {
    let pixels = (0..<256).flatMap { (level: Int) -> [UInt8] in
      [UInt8(level), UInt8(255 - level), UInt8(level / 2)]
    }
    let frame = PixelImage(width: 16, height: 16, channels: 3, pixels: pixels)
    let gif = try GIFFile(try Animation(frames: [frame], milliseconds: [100]).gifData())
    XCTAssertEqual(gif.frames, [pixels])
  }

  func testMoreColoursComeBackNearly() throws {
    let pixels = (0..<64 * 64).flatMap { (place: Int) -> [UInt8] in
      let (x, y) = (place % 64, place / 64)
      return [UInt8(4 * x), UInt8(4 * y), UInt8(2 * (x + y))]
    }
    let frame = PixelImage(width: 64, height: 64, channels: 3, pixels: pixels)
    let gif = try GIFFile(try Animation(frames: [frame], milliseconds: [100]).gifData())
    let distances = zip(gif.frames[0], pixels).map { abs(Int($0) - Int($1)) }
    XCTAssertLessThan(distances.reduce(0, +), 8 * pixels.count, "on average")
    XCTAssertLessThan(distances.max() ?? 0, 40)
  }

  func testDelaysAreRoundedToHundredthsOfASecond() throws {
    let frames = (1...4).map { picture(2, 3, channels: 1, seed: $0) }
    let gif = try GIFFile(
      try Animation(frames: frames, milliseconds: [24, 25, 64, 65]).gifData())
    XCTAssertEqual(gif.delays, [2, 3, 6, 7])
  }

  func testColoursOfACellBecomeTheirRoundedMeanWhereThereAreTooMany() throws {
    // Reds of 256 levels, in cells of eight, and a green that has a cell of its own.
    let levels = (0..<256).map { UInt8($0) }
    let pixels: [UInt8] = levels.flatMap { [$0, 0, 0] } + [0, 255, 0]
    let frame = PixelImage(width: 257, height: 1, channels: 3, pixels: pixels)
    let gif = try GIFFile(try Animation(frames: [frame], milliseconds: [100]).gifData())
    let means: [UInt8] = levels.flatMap { [$0 / 8 * 8 + 4, 0, 0] } + [0, 255, 0]
    XCTAssertEqual(gif.frames[0], means)
  }

  func testTooManyColoursAreHalvedAtTheMedianOfTheLongestSide() throws {
    // 32 reds by 16 greens, each in a cell of its own: boxes end as pairs of neighbours, whose mean lies amid them.
    let pixels = (0..<512).flatMap { (place: Int) -> [UInt8] in
      [UInt8(place % 32 * 8), UInt8(place / 32 * 8), 16]
    }
    let frame = PixelImage(width: 32, height: 16, channels: 3, pixels: pixels)
    let gif = try GIFFile(try Animation(frames: [frame], milliseconds: [100]).gifData())
    let distances = zip(gif.frames[0], pixels).map { abs(Int($0) - Int($1)) }
    for start in stride(from: 0, to: 3 * 512, by: 3) {
      XCTAssertEqual(distances[start..<start + 3].sorted(), [0, 0, 4], "\(start / 3)")
    }
  }

  func testOfTooManyColoursThoseOfFewestPixelsAndLeastDistanceAreMixed() throws {
    // 255 colours of four pixels far from one another, and two of one pixel in neighbouring cells.
    let many = (1..<256).flatMap { (number: Int) -> [UInt8] in
      let color = [UInt8(number % 16 * 16), UInt8(number / 16 * 16), 0]
      return color + color + color + color
    }
    let (first, last, mixed): ([UInt8], [UInt8], [UInt8]) = ([0, 0, 0], [0, 0, 8], [0, 0, 4])
    let pixels = first + many + last
    let frame = PixelImage(width: 1022, height: 1, channels: 3, pixels: pixels)
    let gif = try GIFFile(try Animation(frames: [frame], milliseconds: [100]).gifData())
    XCTAssertEqual(gif.frames[0], mixed + many + mixed)
  }

  // MARK: APNG

  func testEveryFrameOfAnAnimatedPNGIsOneOfItsPictures() throws {
    for channels in [1, 3] {
      let frames = (1...3).map { picture(40, 30, channels: channels, seed: $0) }
      let file = try Animation(frames: frames, milliseconds: [20, 500, 65]).apngData()
      XCTAssertEqual(try PixelImage(png: file), frames[0], "what a plain reader shows")
      let chunks = try PNGChunk.all(file)
      XCTAssertEqual(chunks.first?.type, "IHDR")
      XCTAssertEqual(chunks.last?.type, "IEND")
      let control = try XCTUnwrap(chunks.first { $0.type == "acTL" })
      XCTAssertEqual(control.content, [0, 0, 0, 3, 0, 0, 0, 0])
      // Sequence numbers run through control and data of all frames.
      let numbered = chunks.filter { ["fcTL", "fdAT"].contains($0.type) }
      XCTAssertEqual(
        numbered.map { (chunk: PNGChunk) -> Int in
          chunk.content.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }, Array(numbered.indices))
      let controls = chunks.filter { $0.type == "fcTL" }
      XCTAssertEqual(
        controls.map { (chunk: PNGChunk) -> [Int] in chunk.content[20..<24].map { Int($0) } },
        [[0, 20, 3, 232], [1, 244, 3, 232], [0, 65, 3, 232]])
      for (number, frame) in frames.enumerated() {
        XCTAssertEqual(try PixelImage(png: PNGChunk.picture(number, of: chunks)), frame)
      }
    }
  }

  func testEveryFrameOfAnAnimatedPNGCoversAllAndReplacesTheOneBefore() throws {
    let frames = (1...2).map { picture(40, 30, channels: 1, seed: $0) }
    let chunks = try PNGChunk.all(
      Animation(frames: frames, milliseconds: [20, 60_000]).apngData())
    let controls = chunks.filter { $0.type == "fcTL" }
    XCTAssertEqual(controls.count, 2)
    for control in controls {
      // Width and height, the place of the upper left corner; at the end neither disposal nor blending.
      let zeros = [UInt8](repeating: 0, count: 8)
      XCTAssertEqual(Array(control.content[4..<20]), [0, 0, 0, 40, 0, 0, 0, 30] + zeros)
      XCTAssertEqual(Array(control.content[24...]), [0, 0])
    }
    XCTAssertEqual(Array(controls[1].content[20..<24]), [234, 96, 3, 232])
  }

  // MARK: Both

  func testBackAndForthShowsEachPictureTwiceButTheEnds() {
    let frames = (1...4).map { picture(2, 2, channels: 1, seed: $0) }
    let animation = Animation(backAndForth: frames, milliseconds: 50, atEnds: 400)
    XCTAssertEqual(
      animation.frames, [frames[0], frames[1], frames[2], frames[3], frames[2], frames[1]])
    XCTAssertEqual(animation.milliseconds, [400, 50, 50, 400, 50, 50])
    let single = Animation(backAndForth: [frames[0]])
    XCTAssertEqual(single.frames, [frames[0]])
    XCTAssertEqual(Animation(backAndForth: Array(frames.prefix(2))).frames.count, 2)
  }

  func testTheEndsAreShownHalfASecondAndWhatLiesBetween80Milliseconds() {
    let frames = (1...3).map { picture(2, 2, channels: 1, seed: $0) }
    XCTAssertEqual(Animation(backAndForth: frames).milliseconds, [500, 80, 500, 80])
    XCTAssertEqual(Animation(backAndForth: Array(frames.prefix(2))).milliseconds, [500, 500])
    XCTAssertEqual(Animation(backAndForth: Array(frames.prefix(1))).milliseconds, [500])
  }

  func testAWrittenFileIsOfItsFormat() throws {
    let path = NSTemporaryDirectory() + "animation-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let animation = Animation(
      frames: (1...2).map { picture(3, 2, channels: 1, seed: $0) }, milliseconds: [100, 40])
    try animation.writeGIF(to: path)
    XCTAssertEqual(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), try animation.gifData())
    try animation.writeAPNG(to: path)
    XCTAssertEqual(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), try animation.apngData())
  }

  func testAFileThatCannotBeWrittenLeavesNothing() throws {
    let folder = NSTemporaryDirectory() + "animation-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder + "/a.gif", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let animation = Animation(
      frames: [picture(2, 2, channels: 1, seed: 1)], milliseconds: [100])
    XCTAssertThrowsError(try animation.writeGIF(to: folder + "/a.gif")) {
      XCTAssertTrue("\($0)".contains(folder + "/a.gif"), "\($0)")
    }
    XCTAssertThrowsError(try animation.writeAPNG(to: folder + "/missing/a.apng"))
    try animation.writeAPNG(to: folder + "/b.apng")
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted(), ["a.gif", "b.apng"])
  }
}
