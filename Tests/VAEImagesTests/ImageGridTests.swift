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

  func testAGridOfPicturesThatAreNotSquareStepsByBothOfTheirSides() {
    let images = (0..<4).map { number in
      PixelImage(
        width: 3, height: 2, channels: 1, pixels: (0..<6).map { UInt8(10 * number + $0) })
    }
    let grid = ImageGrid.grid(of: images, columns: 2, padding: 1, background: 99)
    XCTAssertEqual([grid.width, grid.height], [9, 7])
    XCTAssertEqual(
      (0..<7).map { Array(grid.pixels[9 * $0..<9 * $0 + 9]) },
      [
        [99, 99, 99, 99, 99, 99, 99, 99, 99],
        [99, 0, 1, 2, 99, 10, 11, 12, 99],
        [99, 3, 4, 5, 99, 13, 14, 15, 99],
        [99, 99, 99, 99, 99, 99, 99, 99, 99],
        [99, 20, 21, 22, 99, 30, 31, 32, 99],
        [99, 23, 24, 25, 99, 33, 34, 35, 99],
        [99, 99, 99, 99, 99, 99, 99, 99, 99],
      ])
    let one = ImageGrid.grid(of: [images[0]], columns: 5)
    XCTAssertEqual([one.width, one.height], [7, 6])
    XCTAssertEqual(one.pixels[0], 128)
    let pair = ImageGrid.pairedGrid(
      originals: [images[0]], reconstructions: [images[1]], columns: 1, scale: 2)
    XCTAssertEqual([pair.width, pair.height], [10, 14])
    XCTAssertEqual(
      [pair.pixels[0], pair.pixels[10 * 2 + 7], pair.pixels[10 * 11 + 7]], [128, 2, 15])
  }

  func testColumnsDivideTheCountWhereThatLeavesTheGridNearlySquare() {
    for (count, columns) in [
      (1, 1), (2, 2), (3, 3), (4, 2), (6, 3), (8, 4), (10, 5), (12, 4), (16, 4), (24, 6), (32, 8),
      (48, 8), (64, 8), (100, 10),
    ] {
      XCTAssertEqual(ImageGrid.columns(for: count), columns, "\(count)")
    }
    // As wide as three times the height, and not more.
    for (count, columns) in [(14, 4), (15, 5), (20, 5), (21, 7), (22, 5), (27, 9), (28, 7)] {
      XCTAssertEqual(ImageGrid.columns(for: count), columns, "\(count)")
    }
    // Primes leave places empty, but no row.
    for count in [5, 7, 11, 13, 97] {
      let columns = ImageGrid.columns(for: count)
      XCTAssertTrue(columns * columns >= count && columns * columns < count + 2 * columns)
    }
  }
}
