import Foundation
import VAEData
import XCTest

/// The generated sets.
final class ShapesTests: DataTestCase {
  private static let names = ["shapes", "shapes:32", "shapes-color"]

  /// FNV-1a of 64 bits.
  private struct Hash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  private func hash(_ floats: [Float]) -> UInt64 {
    var hash = Hash()
    for value in floats { hash.add(UInt8(value * 255)) }
    return hash.value
  }

  /// A factor value as one number, the last factor fastest.
  private func combination(_ values: [Int32], _ sizes: [Int]) -> Int {
    zip(values, sizes).reduce(0) { $0 * $1.1 + Int($1.0) }
  }

  /// Where each combination of factors is found.
  private func places(_ source: DataSource) throws -> [(split: DataSplit, index: Int)] {
    let sizes = try XCTUnwrap(source.train.factors).sizes
    var places = [(split: DataSplit, index: Int)?](repeating: nil, count: sizes.reduce(1, *))
    for split in source.splits {
      let factors = try XCTUnwrap(split.factors)
      XCTAssertEqual(factors.count, split.count)
      for index in 0..<split.count {
        let place = combination(factors.values(at: index), sizes)
        XCTAssertNil(places[place], "combination \(place) is there twice")
        places[place] = (split, index)
      }
    }
    return try places.map { try XCTUnwrap($0) }
  }

  // MARK: Sets and splits

  func testTheSetsAreWhatTheyAreCalled() throws {
    let sources = try Self.names.map { try DataSource.open($0) }
    XCTAssertEqual(sources.map(\.name), Self.names)
    XCTAssertEqual(sources.map(\.shape.description), ["64x64x1", "32x32x1", "32x32x3"])
    XCTAssertEqual(sources.map(\.valueRange), [.binary, .binary, .unit])
    XCTAssertEqual(sources.map(\.rule), ["binary", "binary", "bytes/255"])
    XCTAssertEqual(sources.map(\.isDiscrete), [true, true, true])
    for source in sources {
      XCTAssertEqual(source.splits.map(\.name), ["train", "test"])
      XCTAssertNil(source.train.labels)
    }
  }

  func testTheRuleOfAModelIsKeptWhereItCanBe() throws {
    XCTAssertEqual(try DataSource.open("shapes:32", rule: "bytes/255").rule, "binary")
    XCTAssertEqual(try DataSource.open("shapes-color", rule: "floats").rule, "bytes/255")
    assertRefused("shapes-color", rule: "binary", kind: .unusable, naming: ["not binary"])
  }

  func testEveryCombinationIsInJustOneSplit() throws {
    let source = try DataSource.open("shapes")
    let factors = try XCTUnwrap(source.train.factors)
    XCTAssertEqual(factors.names, ["shape", "scale", "rotation", "x", "y"])
    XCTAssertEqual(factors.sizes, [3, 6, 16, 16, 16])
    XCTAssertEqual(try places(source).count, 73_728)

    let color = try DataSource.open("shapes-color")
    XCTAssertEqual(color.train.factors?.names, ["color"] + factors.names)
    XCTAssertEqual(color.train.factors?.sizes, [8] + factors.sizes)
    XCTAssertEqual(try places(color).count, 8 * 73_728)
  }

  func testTheSplitIsTheOneThatWasPublished() throws {
    let expected: [(String, Int, Int, UInt64)] = [
      ("shapes", 66_375, 7_353, 14_045_251_885_493_749_899),
      ("shapes:32", 66_375, 7_353, 14_045_251_885_493_749_899),
      ("shapes-color", 530_899, 58_925, 4_707_719_932_049_221_451),
    ]
    for (name, train, test, published) in expected {
      let source = try DataSource.open(name)
      let split = try source.split(named: "test")
      XCTAssertEqual(source.train.count, train)
      XCTAssertEqual(split.count, test)
      XCTAssertEqual(Double(test) / Double(train + test), 0.1, accuracy: 0.002)
      var hash = Hash()
      for index in 0..<split.count {
        for value in try XCTUnwrap(split.factors).values(at: index) { hash.add(UInt8(value)) }
      }
      XCTAssertEqual(hash.value, published, name)
    }
  }

  // MARK: Pictures

  func testThePicturesAreTheOnesThatWerePublished() throws {
    let expected: [(String, UInt64)] = [
      ("shapes", 9_806_863_148_807_032_268), ("shapes:32", 5_011_311_262_386_945_964),
      ("shapes-color", 12_862_997_316_121_687_458),
    ]
    for (name, published) in expected {
      let test = try DataSource.open(name).split(named: "test")
      let indices = Array(stride(from: 0, to: test.count, by: 97))
      XCTAssertEqual(hash(values(test, indices)), published, name)
      XCTAssertEqual(hash(values(test, indices)), published, "drawn again")
    }
  }

  func testEveryPictureIsNotEmptyAndInsideTheFrame() throws {
    for name in Self.names {
      let source = try DataSource.open(name)
      let (size, channels) = (source.shape.width, source.shape.channels)
      for split in source.splits {
        for index in stride(from: 0, to: split.count, by: name == "shapes-color" ? 7 : 1) {
          let image = values(split, [index])
          let lit = (0..<size * size).filter { pixel in
            (0..<channels).contains { image[pixel * channels + $0] > 0 }
          }
          XCTAssertGreaterThan(lit.count, size * size / 100, "\(name) \(split.name) \(index)")
          let touches = lit.contains {
            [0, size - 1].contains($0 / size) || [0, size - 1].contains($0 % size)
          }
          XCTAssertFalse(touches, "\(name) \(split.name) \(index)")
        }
      }
    }
  }

  /// How far a point is inside a figure: above zero inside, below zero outside, by the figure's
  /// definition and not by where lines cross it.
  private func depth(_ values: [Int32], x: Double, y: Double) -> Double {
    let scale = [0.5, 0.6, 0.7, 0.8, 0.9, 1][Int(values[1])]
    let period = [Double.pi / 2, .pi, 2 * .pi][Int(values[0])]
    let angle = period * Double(values[2]) / 16
    let (dx, dy) = (x - 14 - 2.41 * Double(values[3]), y - 14 - 2.41 * Double(values[4]))
    // The point as the figure sees it that has not been turned.
    let u = (dx * cos(angle) + dy * sin(angle)) / scale
    let v = (-dx * sin(angle) + dy * cos(angle)) / scale
    switch values[0] {
    case 0: return 8.35 - max(abs(u), abs(v))
    case 1: return 1 - hypot(u / 12, v / 7)
    default:
      let w = v - 2.6
      let square = 13 / 2.0.squareRoot() - abs(u) - abs(w)
      let offset = 13 / 8.0.squareRoot()
      return max(square, 6.5 - hypot(abs(u) - offset, w + offset))
    }
  }

  func testPixelsAreSetWhereTheirCentreIsInTheFigure() throws {
    for name in ["shapes", "shapes:32"] {
      let test = try DataSource.open(name).split(named: "test")
      let size = test.shape.width
      let pixel = 64 / Double(size)
      for index in stride(from: 0, to: test.count, by: 5) {
        let factors = try XCTUnwrap(test.factors).values(at: index)
        let image = values(test, [index])
        for row in 0..<size {
          for column in 0..<size {
            let depth = depth(
              factors, x: (Double(column) + 0.5) * pixel, y: (Double(row) + 0.5) * pixel)
            // A centre on the outline may fall to either side.
            guard abs(depth) > 1e-9 else { continue }
            XCTAssertEqual(
              image[row * size + column], depth > 0 ? 1 : 0, "\(name) \(factors) \(row) \(column)")
          }
        }
      }
    }
  }

  func testColorPicturesAreMeansOfFourPointsInTheirColor() throws {
    let large = try DataSource.open("shapes")
    let largePlaces = try places(large)
    let test = try DataSource.open("shapes-color").split(named: "test")
    let colors: [[Float]] = [
      [255, 0, 0], [255, 191, 0], [128, 255, 0], [0, 255, 64], [0, 255, 255], [0, 64, 255],
      [128, 0, 255], [255, 0, 191],
    ]
    for index in stride(from: 0, to: test.count, by: 211) {
      let factors = try XCTUnwrap(test.factors).values(at: index)
      let place = largePlaces[combination(Array(factors[1...]), [3, 6, 16, 16, 16])]
      let points = values(place.split, [place.index])
      let image = values(test, [index])
      for pixel in 0..<32 * 32 {
        let corner = pixel / 32 * 128 + pixel % 32 * 2
        let mean =
          (points[corner] + points[corner + 1] + points[corner + 64] + points[corner + 65]) / 4
        for channel in 0..<3 {
          let value = image[pixel * 3 + channel] * 255
          XCTAssertEqual(value, colors[Int(factors[0])][channel] * mean, accuracy: 0.5001)
          XCTAssertEqual(value, value.rounded(), accuracy: 1e-4, "a multiple of 1/255")
        }
      }
    }
  }

  func testEveryFactorChangesThePicture() throws {
    for name in Self.names {
      let source = try DataSource.open(name)
      let sizes = try XCTUnwrap(source.train.factors).sizes
      let places = try places(source)
      func picture(_ values: [Int32]) -> [Float] {
        let place = places[combination(values, sizes)]
        return self.values(place.split, [place.index])
      }
      // The largest scale, at which the coarsest picture shows every step.
      for shape in Int32(0)..<3 {
        let base: [Int32] = (sizes.count == 6 ? [2] : []) + [shape, 5, 3, 7, 11]
        for factor in sizes.indices {
          let pictures = (0..<Int32(sizes[factor])).map { value in
            var values = base
            values[factor] = value
            return picture(values)
          }
          XCTAssertEqual(
            Set(pictures).count, sizes[factor], "\(name) shape \(shape) factor \(factor)")
        }
      }
    }
  }

  func testNearlyAllPicturesDiffer() throws {
    let source = try DataSource.open("shapes")
    var pictures: Set<UInt64> = []
    for split in source.splits {
      for index in 0..<split.count { pictures.insert(hash(values(split, [index]))) }
    }
    XCTAssertEqual(pictures.count, 73_728 - 11)
  }
}
