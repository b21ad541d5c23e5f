import VAEImages
import XCTest

final class PixelImageTests: XCTestCase {
  func testIntensitiesAreRoundedToTheNearestByte() {
    // 127.4 / 255 is nearer to 127, 127.6 / 255 to 128.
    let image = PixelImage(
      width: 5, height: 1, channels: 1, values: [0, 1, 127.4 / 255, 127.6 / 255, 0.001])
    XCTAssertEqual(image.pixels, [0, 255, 127, 128, 0])
  }

  func testEveryByteComesBackFromItsIntensity() {
    let image = PixelImage(
      width: 256, height: 1, channels: 1, values: (0..<256).map { Float($0) / 255 })
    XCTAssertEqual(image.pixels, Array(0...255))
  }

  func testIntensitiesOutsideTheUnitIntervalAreClampedAndNaNIsBlack() {
    let image = PixelImage(
      width: 2, height: 3, channels: 1,
      values: [-0.5, 1.5, .nan, .infinity, -.infinity, .greatestFiniteMagnitude])
    XCTAssertEqual(image.pixels, [0, 255, 0, 255, 0, 255])
  }
}
