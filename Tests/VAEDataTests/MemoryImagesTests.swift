import VAEData
import XCTest

/// Images in the memory of others, in every order that strides can give.
final class MemoryImagesTests: XCTestCase {
  /// Where the numbers of 3 images of 4×5 pixels and 2 channels lie.
  private let arrangements: [(name: String, strides: [Int])] = [
    ("dense", [40, 10, 2, 1]),
    ("every second image", [80, 10, 2, 1]),
    ("cut out of wider rows", [56, 14, 2, 1]),
    ("channels first", [40, 5, 1, 20]),
    ("one image three times", [0, 10, 2, 1]),
  ]
  private let shape = ImageShape(height: 4, width: 5, channels: 2)
  private let order = [2, 0, 2, 1]

  /// What a byte at a place is.
  private func byte(_ place: Int) -> UInt8 { UInt8(truncatingIfNeeded: place * 89 + 3) }

  private func places(_ strides: [Int]) -> [Int] {
    order.flatMap { image in
      (0..<4).flatMap { row in
        (0..<5).flatMap { column in
          (0..<2).map {
            image * strides[0] + row * strides[1] + column * strides[2] + $0 * strides[3]
          }
        }
      }
    }
  }

  /// The images of the order, out of memory that holds `numbers` from an address on that is
  /// `shift` bytes beyond an aligned one.
  private func drawn<Number: BitwiseCopyable>(
    _ numbers: [Number], _ element: MemoryImages.Element, _ strides: [Int], shift: Int = 0,
    divisor: Float = 255
  ) -> [Float] {
    let bytes = numbers.count * MemoryLayout<Number>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes + shift, alignment: 64)
    defer { memory.deallocate() }
    numbers.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(start: memory + shift, count: bytes).copyMemory(from: source)
    }
    var images = MemoryImages(
      at: memory + shift, count: 3, shape: shape, strides: strides, element: element)
    images.divisor = divisor
    var drawn = [Float](repeating: .nan, count: order.count * shape.count)
    drawn.withUnsafeMutableBufferPointer { images.write(order, into: $0) }
    return drawn
  }

  func testEveryArrangementGivesTheNumbersThatItsStridesName() {
    for (name, strides) in arrangements {
      let bytes = (0..<240).map(byte)
      let places = places(strides)
      let floats = bytes.map { Float($0) * 0.37 }
      XCTAssertEqual(drawn(floats, .float32, strides), places.map { floats[$0] }, name)
      XCTAssertEqual(
        drawn(floats.map(Double.init), .float64, strides), places.map { floats[$0] }, name)
      for divisor in [1, 255] as [Float] {
        XCTAssertEqual(
          drawn(bytes, .uint8, strides, divisor: divisor),
          places.map { Float(bytes[$0]) / divisor }, name)
      }
    }
  }

  func testMemoryNeedNotBeAligned() {
    for (name, strides) in arrangements {
      let floats = (0..<240).map { Float(byte($0)) * 0.37 }
      for shift in 1...3 {
        XCTAssertEqual(
          drawn(floats, .float32, strides, shift: shift), places(strides).map { floats[$0] }, name)
      }
    }
  }

  func testTheFirstFloatOffTheGridOfBytesIsNamedInEveryArrangement() throws {
    for (name, strides) in arrangements {
      for element in [MemoryImages.Element.float32, .float64] {
        let size = element == .float32 ? 4 : 8
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 240 * size, alignment: 64)
        defer { memory.deallocate() }
        for place in 0..<240 {
          let value = Double(byte(place)) / 255
          if element == .float32 {
            memory.storeBytes(of: Float(value), toByteOffset: place * 4, as: Float.self)
          } else {
            memory.storeBytes(of: value, toByteOffset: place * 8, as: Double.self)
          }
        }
        let images = MemoryImages(
          at: memory, count: 3, shape: shape, strides: strides, element: element)
        XCTAssertNil(try images.values(name: "X", rule: nil).unquantized, name)
        // Row 2, column 1, channel 1 of the second image.
        let place = strides[0] + 2 * strides[1] + strides[2] + strides[3]
        if element == .float32 {
          memory.storeBytes(of: 0.5, toByteOffset: place * 4, as: Float.self)
        } else {
          memory.storeBytes(of: 0.5, toByteOffset: place * 8, as: Double.self)
        }
        let image = strides[0] == 0 ? 0 : 1
        XCTAssertEqual(
          try images.values(name: "X", rule: nil).unquantized, "X[\(image), 2, 1, 1] is 0.5", name)
      }
    }
  }

  func testBytesThatTheRuleOfAModelMakesNearlyBlackAreSaidToBe() throws {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    for (bytes, rule, isSaid) in [
      ([0, 1, 1, 0], "bytes/255", true), ([0, 1, 255, 0], "bytes/255", false),
      ([0, 0, 0, 0], "bytes/255", false), ([0, 1, 1, 0], nil, false),
    ] as [([UInt8], String?, Bool)] {
      let notices = try bytes.withUnsafeBytes { memory in
        let images = MemoryImages(
          at: try XCTUnwrap(memory.baseAddress), count: 1, shape: shape, strides: [4, 2, 1, 1],
          element: .uint8)
        return try DataSource.inMemory(
          train: images, test: nil, range: nil, rule: rule
        ).notices
      }
      XCTAssertEqual(
        notices.contains { "\($0)".contains("divided by 255") }, isSaid, "\(bytes)")
    }
  }

  func testOnlyDenseAlignedFloatsAreSeenInPlace() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 64)
    defer { memory.deallocate() }
    func isSeen(_ strides: [Int], shift: Int = 0, _ element: MemoryImages.Element = .float32)
      -> Bool
    {
      MemoryImages(at: memory + shift, count: 3, shape: shape, strides: strides, element: element)
        .isDenseFloat32
    }
    for (name, strides) in arrangements { XCTAssertEqual(isSeen(strides), name == "dense", name) }
    XCTAssertFalse(isSeen([40, 10, 2, 1], shift: 2))
    XCTAssertFalse(isSeen([40, 10, 2, 1], .uint8))
  }
}
