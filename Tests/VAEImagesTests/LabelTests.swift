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

  func testNoLabelTakesNoRoom() {
    XCTAssertEqual(rows([[]]).width, 22)
  }

  func testCharactersWithoutALetterAreBoxes() {
    XCTAssertEqual(text(rows([["é"]], side: 12)).first, "#####")
  }
}
