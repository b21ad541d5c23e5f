import Tensors
import VAEComponents
import XCTest

/// Points that are gathered by their codes.
final class ClustersTests: XCTestCase {
  func testEachCodeHasTheNumberAndTheSumOfItsPoints() {
    let points = Tensor([1, 10, 2, 20, 4, 40, 8, 80], shape: [4, 2])
    let clusters = Clusters(of: points, codes: [2, 0, 2, 2], count: 4)
    XCTAssertEqual(clusters.counts.floats, [1, 0, 3, 0])
    XCTAssertEqual(clusters.sums.shape, [4, 2])
    XCTAssertEqual(clusters.sums.floats, [2, 20, 0, 0, 13, 130, 0, 0])
  }
}
