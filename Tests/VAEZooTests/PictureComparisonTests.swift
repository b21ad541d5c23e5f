import VAEZoo
import XCTest

/// How near pictures are to each other, against the definition and scikit-image.
final class PictureComparisonTests: XCTestCase {
  /// Value i is ((i · step) mod 256) / 255.
  private func picture(_ step: Int, _ height: Int, _ width: Int, _ channels: Int) -> Tensor {
    let values = (0..<height * width * channels).map { (place: Int) -> Float in
      Float(place * step % 256) / 255
    }
    return Tensor(values, shape: [1, height, width, channels])
  }

  func testThePeakSignalToNoiseRatioIsThatOfTheDefinition() {
    let a = Tensor([0, 0.5, 1, 0.25])
    XCTAssertEqual(PictureComparison.peakSignalToNoise(a, a + 0.1), 20, accuracy: 1e-4)
    XCTAssertEqual(PictureComparison.peakSignalToNoise(a, a), .infinity)
  }

  func testTheIndexOfBandsIsThatOfTheWholePicture() throws {
    let (a, b) = (picture(37, 40, 23, 3), picture(53, 40, 23, 3))
    let whole = try XCTUnwrap(PictureComparison.structuralSimilarity(a, b))
    for pixels in [1, 23 * 3 * 7, 23 * 3 * 29] {
      let found = try XCTUnwrap(
        PictureComparison.structuralSimilarity(a, b, bandPixels: pixels))
      XCTAssertEqual(found, whole, accuracy: 1e-6)
    }
  }

  /// By scikit-image 0.26.0: structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5,
  /// use_sample_covariance=False, channel_axis=2) of the pictures with the steps 37 and 53, and of the
  /// first and 0.75 of it plus 0.125.
  func testStructuralSimilarityIsThatOfScikitImage() throws {
    for (height, width, channels, other, paler) in [
      (13, 16, 3, 0.09233383078174401, 0.9601999590836129),
      (11, 11, 1, 0.25721926284669494, 0.9602037095850393),
      (20, 12, 3, 0.06657799742377564, 0.9602425197514335),
    ] {
      let a = picture(37, height, width, channels)
      func similarity(_ b: Tensor) throws -> Double {
        try XCTUnwrap(PictureComparison.structuralSimilarity(a, b))
      }
      XCTAssertEqual(try similarity(picture(53, height, width, channels)), other, accuracy: 1e-6)
      XCTAssertEqual(try similarity(a.scaled(by: 0.75, shift: 0.125)), paler, accuracy: 1e-6)
      XCTAssertEqual(try similarity(a), 1, accuracy: 1e-6)
    }
  }

  /// A picture that is smoothed in several pieces has the index of the same windows taken by themselves.
  func testALargePictureIsTheMeanOfItsWindows() throws {
    let (height, width) = (11, 260)
    let (a, b) = (picture(37, height, width, 1), picture(53, height, width, 1))
    let windows = try (0...width - 11).map { start in
      try XCTUnwrap(
        PictureComparison.structuralSimilarity(
          a.slice(axis: 2, start..<start + 11), b.slice(axis: 2, start..<start + 11)))
    }
    XCTAssertEqual(
      try XCTUnwrap(PictureComparison.structuralSimilarity(a, b)),
      windows.reduce(0, +) / Double(windows.count), accuracy: 1e-6)
  }

  func testPicturesSmallerThanAWindowHaveNoStructuralSimilarity() {
    for (height, width) in [(10, 11), (11, 10), (1, 1)] {
      let a = picture(37, height, width, 3)
      XCTAssertNil(PictureComparison.structuralSimilarity(a, a))
    }
  }
}
