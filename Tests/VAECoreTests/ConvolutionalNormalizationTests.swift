import VAEComponents
import XCTest

final class ConvolutionalNormalizationTests: XCTestCase {
  func testGroupsOfEightChannelsAtMostDivideEveryNumberOfChannelsAndNone() {
    XCTAssertEqual(ConvolutionalNormalization.groupCount(for: 0), 1)
    for (channels, groups) in [1: 1, 6: 1, 8: 1, 9: 3, 11: 11, 12: 2, 64: 8, 100: 20] {
      XCTAssertEqual(ConvolutionalNormalization.groupCount(for: channels), groups, "\(channels)")
    }
  }
}
