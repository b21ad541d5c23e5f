import VAEImages
import XCTest

/// Text beside rows of pictures.
final class LabelTests: XCTestCase {
  private func rows(_ labels: [[String]], side: Int = 8) -> PixelImage {
    let image = PixelImage(
      width: side, height: side, channels: 1, pixels: [UInt8](repeating: 255, count: side * side))
    return ImageGrid.labelledRows(
      labels.map { (label: $0, images: [image, image]) }, padding: 2, background: 192)
  }

  /// The dark pixels left of the pictures, as lines of # and spaces, without empty margins.
  private func text(_ picture: PixelImage) -> [String] {
    let lines = (0..<picture.height).map { y in
      String((0..<picture.width).map { picture.pixels[y * picture.width + $0] == 0 ? "#" : " " })
    }.filter { $0.contains("#") }
    let margin = lines.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return lines.map { line in
      let cut = line.dropFirst(margin)
      return String(cut[...(cut.lastIndex(of: "#") ?? cut.startIndex)])
    }
  }

  func testALabelIsReadable() {
    XCTAssertEqual(
      text(rows([["u7"]], side: 12)),
      [
        "      #####",
        "          #",
        "#   #    #",
        "#   #   #",
        "#   #  #",
        "#  ##  #",
        " ## #  #",
      ])
  }

  func testTextIsTwiceAsLargeBesideLargePictures() {
    let (small, large) = (text(rows([["7"]], side: 16)), text(rows([["7"]], side: 64)))
    XCTAssertEqual(small.count, 7)
    XCTAssertEqual(large.count, 14)
    XCTAssertEqual(large[0].count, 2 * small[0].count)
  }

  func testEveryLabelHasItsRowAndPicturesStayWhole() {
    let picture = rows([["a"], ["bcd"]], side: 10)
    XCTAssertEqual(picture.height, 2 * 12 + 2)
    XCTAssertEqual(picture.width, 3 + 3 * 6 + 2 * 12 + 2)
    XCTAssertEqual(picture.pixels.filter { $0 == 255 }.count, 4 * 100)
  }

  /// The columns that are black in a row of pixels.
  private func black(_ picture: PixelImage, row: Int) -> [Int] {
    (0..<picture.width).filter { column in
      (0..<picture.channels).allSatisfy {
        picture.pixels[(row * picture.width + column) * picture.channels + $0] == 0
      }
    }
  }

  func testALabelStandsInTheMiddleBesideItsPictures() {
    // Rows of 16 and 2 pixels, of which nine are the text's: three are left above it.
    let picture = rows([["7"], ["1"]], side: 16)
    XCTAssertEqual(picture.width, 3 + 6 + 2 * 18 + 2)
    XCTAssertEqual(black(picture, row: 4), [])
    XCTAssertEqual(black(picture, row: 5), Array(3...7))
    XCTAssertEqual(black(picture, row: 6), [7])
    XCTAssertEqual(black(picture, row: 22), [])
    XCTAssertEqual(black(picture, row: 23), [5])
    XCTAssertEqual(black(picture, row: 29), [4, 5, 6])
    // The second line stands nine pixels below the first.
    let lines = rows([["7", "-1"]], side: 20)
    XCTAssertEqual(black(lines, row: 3), Array(3...7))
    XCTAssertEqual(black(lines, row: 12), [11])
    XCTAssertEqual(black(lines, row: 15), [3, 4, 5, 6, 7, 11])
    // Letters twice as large have twice the margin.
    let large = rows([["7"]], side: 64)
    XCTAssertEqual(large.width, 6 + 12 + 2 * 66 + 2)
    XCTAssertEqual(black(large, row: 24), [])
    for row in [25, 26] { XCTAssertEqual(black(large, row: row), Array(6...15)) }
  }

  func testTextIsTwiceAsLargeFrom56PixelsARowOn() {
    XCTAssertEqual(text(rows([["7"]], side: 53)).count, 7)
    XCTAssertEqual(text(rows([["7"]], side: 54)).count, 14)
  }

  func testColouredRowsHaveBlackTextOnLightGreyAndPicturesOfTheScale() {
    let pixels: [UInt8] = [10, 20, 30, 40, 50, 60]
    let image = PixelImage(width: 2, height: 1, channels: 3, pixels: pixels)
    let picture = ImageGrid.labelledRows([(label: ["-"], images: [image, image])], scale: 8)
    XCTAssertEqual([picture.width, picture.height], [3 + 6 + 2 * 18 + 2, 2 + 8 + 2])
    XCTAssertEqual(Array(picture.pixels.prefix(3)), [192, 192, 192])
    func color(_ x: Int, _ y: Int) -> [UInt8] {
      Array(picture.pixels[(y * picture.width + x) * 3..<(y * picture.width + x + 1) * 3])
    }
    for (x, part) in [(11, 0), (18, 0), (19, 1), (26, 1), (29, 0), (36, 0), (37, 1), (44, 1)] {
      for y in [2, 9] { XCTAssertEqual(color(x, y), Array(pixels[3 * part..<3 * part + 3])) }
    }
    for (x, y) in [(10, 2), (27, 5), (28, 5), (45, 9), (20, 1), (20, 10)] {
      XCTAssertEqual(color(x, y), [192, 192, 192], "\(x), \(y)")
    }
    XCTAssertEqual(black(picture, row: 5), Array(3...7))
  }

  func testNoLabelTakesNoRoom() {
    XCTAssertEqual(rows([[]]).width, 22)
  }

  func testCharactersWithoutALetterAreBoxes() {
    XCTAssertEqual(text(rows([["é"]], side: 12)).first, "#####")
  }
}
