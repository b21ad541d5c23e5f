import VAECore
import VAEData
import XCTest

/// Arrays in memory as data: by which rule they are read, and what is refused.
final class MemorySourceTests: XCTestCase {
  private var memory: [UnsafeMutableRawPointer] = []

  override func tearDown() {
    for place in memory { place.deallocate() }
    memory = []
  }

  /// Images of three rows, two columns and one channel where nothing else is said.
  private func images<Number: BitwiseCopyable>(
    _ numbers: [Number], _ element: MemoryImages.Element,
    _ shape: ImageShape = ImageShape(height: 3, width: 2, channels: 1), rowStride: Int? = nil
  ) -> MemoryImages {
    let place = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, numbers.count * MemoryLayout<Number>.stride), alignment: 64)
    memory.append(place)
    numbers.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: place, count: $0.count).copyMemory(from: $0)
    }
    let row = rowStride ?? shape.width * shape.channels
    return MemoryImages(
      at: place, count: numbers.count / (row * shape.height), shape: shape,
      strides: [row * shape.height, row, shape.channels, 1], element: element)
  }

  private func refusal(
    _ train: MemoryImages, _ test: MemoryImages? = nil, range: ValueRange? = nil,
    rule: String? = nil
  ) -> String {
    do {
      _ = try DataSource.inMemory(train: train, test: test, range: range, rule: rule)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  func testTheSplitThatIsNotWithinTheAnnouncedRangeIsNamed() {
    let unit = images([0, 0.5, 1, 0, 1, 0.25] as [Float], .float32)
    let real = images([0, 0.5, 1, 0, 2, 0.25] as [Float], .float32)
    XCTAssertEqual(
      refusal(unit, real, range: .unit), "test holds real values, but unit ones were announced")
    XCTAssertEqual(
      refusal(real, unit, range: .unit), "train holds real values, but unit ones were announced")
    XCTAssertEqual(
      refusal(real, real, range: .unit), "train holds real values, but unit ones were announced")
    XCTAssertEqual(
      refusal(unit, range: .binary), "train holds unit values, but binary ones were announced")
  }

  func testAnAnnouncedRangeHoldsThoughValuesDoNotFillIt() throws {
    let binary = images([0, 1, 1, 0, 1, 0] as [Float], .float32)
    for (range, rule) in [(ValueRange.unit, "bytes/255"), (.real, "floats"), (.binary, "binary")] {
      let source = try DataSource.inMemory(train: binary, test: nil, range: range)
      XCTAssertEqual(source.valueRange, range)
      XCTAssertEqual(source.rule, rule)
      XCTAssertEqual(source.train.batch([0]).floats, [0, 1, 1, 0, 1, 0])
    }
  }

  func testFloatsThatWereAnnouncedAsBytesMustBeMultiplesOfALevel() {
    let floats = images([0, 1, 0.2, 0, 0, 0, 1, 1, 0, 0.5, 0.3, 0] as [Float], .float32)
    XCTAssertEqual(
      refusal(floats, rule: "bytes/255"),
      "train[1, 1, 1, 0] is 0.5, which is no multiple of 1/255, but bytes were announced")
  }

  func testSplitsOfOtherSizesOrTypesThanTrainingAreRefused() {
    let bytes = images([0, 1, 2, 3, 4, 5] as [UInt8], .uint8)
    let floats = images([0, 1, 2, 3, 4, 5] as [Float], .float32)
    let wide = images(
      [0, 1, 2, 3, 4, 5] as [UInt8], .uint8, ImageShape(height: 2, width: 3, channels: 1))
    XCTAssertEqual(
      refusal(bytes, floats), "train and test are not both bytes, or both floating point")
    XCTAssertEqual(refusal(bytes, wide), "test has images of 2x3x1, but train has images of 3x2x1")
  }

  func testTheFirstByteThatABinaryModelCannotTakeIsNamedInDenseAndOtherMemory() {
    var bytes = [UInt8](repeating: 1, count: 18)
    (bytes[9], bytes[14]) = (17, 30)
    XCTAssertTrue(
      refusal(images(bytes, .uint8), rule: "binary").hasPrefix("train[1, 1, 1, 0] is 17, but"))
    // The last of each three bytes belongs to no image.
    bytes = [UInt8](repeating: 1, count: 27)
    (bytes[2], bytes[13]) = (99, 17)
    XCTAssertTrue(
      refusal(images(bytes, .uint8, rowStride: 3), rule: "binary").hasPrefix(
        "train[1, 1, 1, 0] is 17, but"))
    // Beyond what is looked at at once.
    bytes = [UInt8](repeating: 0, count: 2 * 80 * 80)
    bytes[80 * 80 + 5000] = 2
    let large = images(bytes, .uint8, ImageShape(height: 80, width: 80, channels: 1))
    XCTAssertTrue(refusal(large, rule: "binary").hasPrefix("train[1, 62, 40, 0] is 2, but"))
    XCTAssertTrue(refusal(large, rule: "binary/255").hasPrefix("train[1, 62, 40, 0] is 2, but"))
  }

  func testBytesOfBothSplitsAreDividedByTheRuleOfTheTrainingOnes() throws {
    let dark = images([0, 1, 1, 0, 1, 0] as [UInt8], .uint8)
    let grey = images([0, 51, 255, 0, 1, 0] as [UInt8], .uint8)
    let white = images([0, 255, 255, 0, 0, 0] as [UInt8], .uint8)
    for (train, test, rule, found) in [
      (dark, dark, "binary", [0, 1, 1, 0, 1, 0]),
      (grey, dark, "bytes/255", [0, 1 / 255, 1 / 255, 0, 1 / 255, 0]),
      (white, white, "binary/255", [0, 1, 1, 0, 0, 0]),
      (white, grey, "bytes/255", [0, 0.2, 1, 0, 1 / 255, 0]),
    ] as [(MemoryImages, MemoryImages, String, [Float])] {
      let source = try DataSource.inMemory(train: train, test: test, range: nil)
      XCTAssertEqual(source.rule, rule)
      XCTAssertEqual(source.test?.batch([0]).floats, found, rule)
      XCTAssertTrue(source.isInMemory)
    }
  }

  func testTheRangeOfBytesForAModelIsThatOfItsRule() throws {
    let zeros = images([0, 0, 0, 0, 0, 0] as [UInt8], .uint8)
    let ones = images([0, 1, 1, 0, 1, 0] as [UInt8], .uint8)
    let white = images([0, 255, 255, 0, 0, 0] as [UInt8], .uint8)
    for (images, rule, range) in [
      (zeros, nil, .binary), (ones, nil, .unit), (white, nil, .binary),
      (zeros, "binary", .binary), (ones, "binary", .binary), (white, "binary", .real),
      (ones, "bytes/255", .unit), (white, "bytes/255", .binary),
    ] as [(MemoryImages, String?, ValueRange)] {
      XCTAssertEqual(try images.values(name: "X", rule: rule).range, range, "\(rule ?? "none")")
    }
    let floats = images([0, 1, .nan, 0.5, 1, 0] as [Float], .float32)
    let found = try floats.values(name: "X", rule: nil)
    XCTAssertEqual(found.range, .unit)
    XCTAssertEqual(found.missing, "X[0, 1, 0, 0] is nan")
    XCTAssertEqual(found.unquantized, "X[0, 1, 1, 0] is 0.5")
  }
}
