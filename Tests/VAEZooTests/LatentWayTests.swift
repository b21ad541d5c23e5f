import Foundation
import VAEZoo
import XCTest

/// What lies between the ends of ways through latent space, and what many examples come to.
final class LatentWayTests: XCTestCase {
  private var gaussian: TrainedModel {
    get throws {
      try TrainedModel.small(
        "gaussian-vae", [(key: "latent", value: "3"), (key: "hidden", value: "12")])
    }
  }

  /// Four codes of 32 an example, of a codebook that begins at what the encoder says about some images.
  private var codes: TrainedModel {
    get throws {
      let model = try TrainedModel.small(
        "vq-vae",
        [
          (key: "codes", value: "32"), (key: "code_size", value: "3"),
          (key: "channels", value: "6"), (key: "likelihood", value: "bernoulli"),
        ])
      let images = RandomSource(seed: 3).stream("images").uniform([32, 8, 8, 1]).isAbove(0.5)
      try model.model.prepare(
        firstBatches: [images],
        context: Context(
          mode: .training, random: RandomSource(seed: 2), examples: (0..<32).map(UInt64.init)))
      return model
    }
  }

  private func split(for model: TrainedModel, count: Int) throws -> DataSplit {
    let images = RandomSource(seed: 1).stream("images").uniform([count, 8, 8, 1]).isAbove(0.5)
    let path = try write(images, "images.npy", in: try makeTemporaryFolder())
    return try model.data(path).train
  }

  private func step(_ walk: LatentWalk, _ number: Int) -> [Float] {
    walk.images.rows(number..<number + 1).floats
  }

  private func assertEqual(_ found: [Float], _ expected: [Float], line: UInt = #line) {
    XCTAssertEqual(found.count, expected.count, line: line)
    for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: 1e-5, line: line) }
  }

  private func isNear(_ a: [Float], _ b: [Float]) -> Bool {
    zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  func testEveryImageOnAWayIsThatOfThePointOfItsPath() throws {
    let model = try gaussian
    let split = try split(for: model, count: 9)
    let means = try model.latentTable(of: split, .means)
    for path in [LatentPath.spherical, .linear] {
      let walks = try model.interpolate(split, pairs: [(2, 7), (5, 0)], path: path, steps: 5)
      for (walk, pair) in zip(walks, [(2, 7), (5, 0)]) {
        let points = path.points(
          from: means.rows(pair.0..<pair.0 + 1), to: means.rows(pair.1..<pair.1 + 1),
          shares: [0, 0.25, 0.5, 0.75, 1])
        assertEqual(walk.images.floats, try model.decode([points]).floats)
      }
    }
  }

  func testCodesBecomeThoseOfTheOtherEndOneByOne() throws {
    let model = try codes
    let split = try split(for: model, count: 40)
    let all = try XCTUnwrap(model.encode(split).codes).indices
    func own(_ example: Int) -> [Int32] { Array(all[4 * example..<4 * example + 4]) }
    // Two examples of which most codes differ.
    func differing(_ pair: (Int, Int)) -> Int {
      zip(own(pair.0), own(pair.1)).count { $0 != $1 }
    }
    let pairs = (0..<40 * 40).map { ($0 / 40, $0 % 40) }
    let (from, to) = try XCTUnwrap(pairs.max { differing($0) < differing($1) })
    XCTAssertGreaterThan(differing((from, to)), 0)
    let walk = try model.interpolate(split, pairs: [(from, to)], path: .spherical, steps: 6)[0]
    // One image for each choice of places that have changed.
    let mixed = (0..<16).map { mask in
      (0..<4).map { mask >> $0 & 1 == 1 ? own(to)[$0] : own(from)[$0] }
    }
    let images = try model.decode([Tensor(indices: mixed.flatMap { $0 }, shape: [16, 2, 2])])
    var before = [0]
    // Shares of 0, 0.2, …, 1 of four places; what has changed stays so.
    for (number, changed) in [0, 1, 2, 2, 3, 4].enumerated() {
      before = (0..<16).filter { mask in
        mask.nonzeroBitCount == changed && before.contains { mask & $0 == $0 }
          && isNear(images.rows(mask..<mask + 1).floats, step(walk, number))
      }
      XCTAssertFalse(before.isEmpty, "\(number)")
    }
  }

  func testOnALinePathTheVectorsOfCodesAreMixed() throws {
    let model = try codes
    let split = try split(for: model, count: 12)
    let prior = try XCTUnwrap(model.model.prior as? any CodePrior)
    let vectors = withoutTape {
      (try? model.encode(split).codes).flatMap { $0 }.map { prior.vectors(of: $0) }
    }
    let all = try XCTUnwrap(vectors)
    let walk = try model.interpolate(split, pairs: [(3, 8)], path: .linear, steps: 4)[0]
    let points = LatentPath.linear.points(
      from: all.rows(3..<4), to: all.rows(8..<9), shares: [0, 1 / 3.0, 2 / 3.0, 1])
    assertEqual(walk.images.floats, try model.decode([points]).floats)
  }

  func testAPlaceOfAGridTakesTheMostFrequentCodesInTurn() throws {
    let model = try codes
    let split = try split(for: model, count: 15)
    let all = try XCTUnwrap(model.encode(split).codes).indices
    let base = Array(all[8..<12])
    var counts: [Int32: Int] = [:]
    for code in base + all { counts[code, default: 0] += 1 }
    let frequent = counts.keys.sorted {
      let (a, b) = (counts[$0] ?? 0, counts[$1] ?? 0)
      return a == b ? $0 < $1 : a > b
    }
    let walks = try model.traverse(from: .example(2, of: split), units: 4, steps: 3)
    XCTAssertEqual(walks.count, 4)
    for walk in walks {
      let numbers = walk.label.map { Int($0.split(separator: " ")[1]) ?? -1 }
      let place = 2 * numbers[0] + numbers[1]
      XCTAssertEqual(walk.label, ["row \(place / 2)", "column \(place % 2)"])
      let others = frequent.filter { $0 != base[place] }.prefix(2)
      let grids = ([base[place]] + others).flatMap { code in
        var changed = base
        changed[place] = code
        return changed
      }
      let expected = try model.decode([Tensor(indices: grids, shape: [grids.count / 4, 2, 2])])
      assertEqual(walk.images.floats, expected.floats)
    }
    XCTAssertEqual(
      try model.traverse(from: .example(2, of: split), units: 2, steps: 3).map(\.label),
      walks.prefix(2).map(\.label))
  }

  // MARK: More than one part

  func testExamplesOfTheSecondPartAreTheirOwn() throws {
    let model = try gaussian
    let split = try split(for: model, count: 260)
    let chosen = [0, 249, 250, 259]
    let whole = try model.encode(split)
    let some = try model.encode(split, examples: chosen)
    let (means, few) = (try XCTUnwrap(whole.mean), try XCTUnwrap(some.mean))
    XCTAssertEqual(means.shape, [260, 3])
    let images = try model.reconstruct(split)
    let decoded = try model.decode([means])
    for (place, row) in chosen.enumerated() {
      assertEqual(means.rows(row..<row + 1).floats, few.rows(place..<place + 1).floats)
      assertEqual(
        whole.samples[0].rows(row..<row + 1).floats,
        some.samples[0].rows(place..<place + 1).floats)
      assertEqual(
        decoded.rows(row..<row + 1).floats,
        try model.decode([means.rows(row..<row + 1)]).floats)
    }
    XCTAssertEqual(images.shape, [260, 8, 8, 1])
    XCTAssertFalse(isNear(images.rows(250..<251).floats, images.rows(0..<1).floats))
  }

  func testPartsOfSamplesAndTheirProgressAreTheirOwn() throws {
    let model = try gaussian
    var fractions: [Double] = []
    let samples = try model.sample(count: 260, seed: 3) { fractions.append($0) }
    XCTAssertEqual(fractions, [0, 250 / 260.0])
    let few = try model.sample(count: 10, seed: 3)
    assertEqual(samples.rows(0..<10).floats, few.floats)
    XCTAssertFalse(isNear(samples.rows(250..<260).floats, few.floats))
    // The draws of a row follow from its number, with whatever part it comes.
    let latents = RandomSource(seed: 9).stream("z").normal([2, 3])
    assertEqual(
      try model.decode([latents], numbers: [7, 7]).floats, try model.decode([latents]).floats)
  }
}
