import Tensors
import VAEComponents
import XCTest

/// Pyramids of images and what enlarges and shrinks them.
final class PyramidTests: XCTestCase {
  func testEachLevelHasHalfTheSizeRoundedUp() {
    let pyramid = Pyramid(height: 7, width: 10, levels: 3)
    XCTAssertEqual(pyramid.sizes.map(\.height), [7, 4, 2, 1])
    XCTAssertEqual(pyramid.sizes.map(\.width), [10, 5, 3, 2])
    XCTAssertEqual([pyramid.top.height, pyramid.top.width], [1, 2])
    XCTAssertEqual((0..<3).map { pyramid.outputPadding(to: $0).y }, [0, 1, 1])
    XCTAssertEqual((0..<3).map { pyramid.outputPadding(to: $0).x }, [1, 0, 0])
  }

  func testAnImageIsAveragedOverBlocksThatItsEdgesComplete() {
    let image = Tensor((1...12).map { Float($0) }, shape: [1, 3, 4, 1])
    let half = image.averaged(to: (height: 2, width: 2))
    XCTAssertEqual(half.shape, [1, 2, 2, 1])
    XCTAssertEqual(half.floats, [3.5, 5.5, 9.5, 11.5])
    let row = Tensor([1, 2, 3, 4], shape: [1, 1, 4, 1])
    XCTAssertEqual(row.averaged(to: (height: 1, width: 2)).floats, [1.5, 3.5])
    XCTAssertEqual(row.averaged(to: (height: 1, width: 4)).floats, [1, 2, 3, 4])
  }

  func testAnImageIsRepeatedToASizeThatIsNoMultiple() {
    let image = Tensor([1, 2, 3, 4], shape: [1, 2, 2, 1])
    let large = image.repeated(to: (height: 3, width: 4))
    XCTAssertEqual(large.shape, [1, 3, 4, 1])
    XCTAssertEqual(large.floats, [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4])
    XCTAssertEqual(image.repeated(to: (height: 2, width: 3)).floats, [1, 1, 2, 3, 3, 4])
    XCTAssertEqual(image.repeated(to: (height: 2, width: 2)).floats, [1, 2, 3, 4])
  }
}
