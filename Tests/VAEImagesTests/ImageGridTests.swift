import VAEImages
import XCTest

final class ImageGridTests: XCTestCase {
  private func gray(_ pixels: UInt8...) -> PixelImage {
    PixelImage(width: pixels.count, height: 1, channels: 1, pixels: pixels)
  }

  func testPicturesFillRowsAndAnEmptyPlaceIsBackground() {
    let grid = ImageGrid.grid(
      of: [gray(1, 2), gray(3, 4), gray(5, 6)], columns: 2, padding: 1, background: 9)
    XCTAssertEqual(
      grid,
      PixelImage(
        width: 7, height: 5, channels: 1,
        pixels: [
          9, 9, 9, 9, 9, 9, 9,
          9, 1, 2, 9, 3, 4, 9,
          9, 9, 9, 9, 9, 9, 9,
          9, 5, 6, 9, 9, 9, 9,
          9, 9, 9, 9, 9, 9, 9,
        ]))
  }

  func testPixelsAreRepeatedByTheScaleAndPaddingIsNot() {
    let grid = ImageGrid.grid(of: [gray(1, 2)], columns: 1, padding: 1, background: 0, scale: 2)
    XCTAssertEqual(
      grid,
      PixelImage(
        width: 6, height: 4, channels: 1,
        pixels: [
          0, 0, 0, 0, 0, 0,
          0, 1, 1, 2, 2, 0,
          0, 1, 1, 2, 2, 0,
          0, 0, 0, 0, 0, 0,
        ]))
  }

  func testAGridOfOnePictureWithoutPaddingIsThatPicture() {
    let color = PixelImage(
      width: 2, height: 2, channels: 3, pixels: (1...12).map { UInt8($0) })
    XCTAssertEqual(ImageGrid.grid(of: [color], columns: 8, padding: 0, background: 255), color)
  }

  func testColourChannelsStayTogether() {
    let red = PixelImage(width: 1, height: 1, channels: 3, pixels: [255, 0, 0])
    let blue = PixelImage(width: 1, height: 1, channels: 3, pixels: [0, 0, 255])
    let grid = ImageGrid.grid(of: [red, blue], columns: 2, padding: 0, background: 7)
    XCTAssertEqual(grid.pixels, [255, 0, 0, 0, 0, 255])
  }

  func testTwoPixelsOfPaddingAreTheDefault() {
    let grid = ImageGrid.grid(of: [gray(1), gray(2)], columns: 2, background: 0)
    XCTAssertEqual([grid.width, grid.height], [8, 5])
  }

  func testEachRowOfOriginalsStandsAboveItsReconstructions() {
    let grid = ImageGrid.pairedGrid(
      originals: [gray(1), gray(2), gray(3)],
      reconstructions: [gray(11), gray(12), gray(13)], columns: 2, padding: 0, background: 0)
    XCTAssertEqual(
      grid,
      PixelImage(
        width: 2, height: 4, channels: 1,
        pixels: [
          1, 2,
          11, 12,
          3, 0,
          13, 0,
        ]))
  }

  func testColumnsDivideTheCountWhereThatLeavesTheGridNearlySquare() {
    for (count, columns) in [
      (1, 1), (2, 2), (3, 3), (4, 2), (6, 3), (8, 4), (10, 5), (12, 4), (16, 4), (24, 6), (32, 8),
      (48, 8), (64, 8), (100, 10),
    ] {
      XCTAssertEqual(ImageGrid.columns(for: count), columns, "\(count)")
    }
    // Primes leave places empty, but no row.
    for count in [5, 7, 11, 13, 97] {
      let columns = ImageGrid.columns(for: count)
      XCTAssertTrue(columns * columns >= count && columns * columns < count + 2 * columns)
    }
  }
}
