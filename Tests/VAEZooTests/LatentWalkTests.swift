import Foundation
import VAEZoo
import XCTest

/// Ways through latent space, held to what decoding their points one by one gives.
final class LatentWalkTests: XCTestCase {
  private var ladder: TrainedModel {
    get throws {
      try TrainedModel.small(
        "ladder-vae", [(key: "latent", value: "5,3"), (key: "hidden", value: "16,8")])
    }
  }

  /// With a codebook that begins at what the encoder says about some images.
  private var codes: TrainedModel {
    get throws {
      let model = try TrainedModel.small(
        "vq-vae",
        [
          (key: "codes", value: "6"), (key: "code_size", value: "3"), (key: "channels", value: "6"),
          (key: "likelihood", value: "bernoulli"),
        ])
      let images = RandomSource(seed: 3).stream("images").uniform([32, 8, 8, 1])
      try model.model.prepare(
        firstBatches: [images],
        context: Context(
          mode: .training, random: RandomSource(seed: 2), examples: (0..<32).map(UInt64.init)))
      return model
    }
  }

  private func split(for model: TrainedModel, count: Int = 12) throws -> DataSplit {
    let images = RandomSource(seed: 1).stream("images").uniform([count, 8, 8, 1]).isAbove(0.5)
    let path = try write(images, "images.npy", in: try makeTemporaryFolder())
    return try model.data(path).train
  }

  private func assertEqual(
    _ a: [Float], _ b: [Float], accuracy: Float = 1e-5, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertEqual(a.count, b.count, file: file, line: line)
    for (a, b) in zip(a, b) {
      XCTAssertEqual(a, b, accuracy: accuracy, file: file, line: line)
    }
  }

  private func step(_ walk: LatentWalk, _ number: Int) -> [Float] {
    walk.images.rows(number..<number + 1).floats
  }

  // MARK: Paths

  func testASphericalPathKeepsTheLengthWhereAStraightOneLosesIt() {
    let (a, b) = (Tensor([3, 0, 0], shape: [1, 3]), Tensor([0, 3, 0], shape: [1, 3]))
    let thirds = [0, 1.0 / 3, 2.0 / 3, 1]
    let circle = LatentPath.spherical.points(from: a, to: b, shares: thirds)
    XCTAssertEqual(circle.shape, [4, 3])
    let (half, root) = (Float(1.5), Float(1.5 * 3.0.squareRoot()))
    assertEqual(circle.floats, [3, 0, 0, root, half, 0, half, root, 0, 0, 3, 0])
    let line = LatentPath.linear.points(from: a, to: b, shares: thirds)
    assertEqual(line.floats, [3, 0, 0, 2, 1, 0, 1, 2, 0, 0, 3, 0])
  }

  func testPointsWithoutAnAngleAreJoinedStraight() {
    let zero = Tensor([0, 0], shape: [1, 2])
    let (a, b) = (Tensor([2, 2], shape: [1, 2]), Tensor([5, 5], shape: [1, 2]))
    for (from, to) in [(zero, a), (a, zero), (a, a), (a, b), (zero, zero)] {
      let shares = [0, 0.25, 1]
      assertEqual(
        LatentPath.spherical.points(from: from, to: to, shares: shares).floats,
        LatentPath.linear.points(from: from, to: to, shares: shares).floats)
    }
  }

  /// Ends of given lengths and of a given angle between them, in three dimensions.
  private func ends(_ lengths: (Double, Double), angle: Double) -> (Tensor, Tensor) {
    // Two orthogonal unit vectors along no axis.
    let (first, second) = ([2.0 / 3, 2.0 / 3, 1.0 / 3], [1.0 / 3, -2.0 / 3, 2.0 / 3])
    let a = first.map { Float($0 * lengths.0) }
    let b = zip(first, second).map { Float(($0 * cos(angle) + $1 * sin(angle)) * lengths.1) }
    return (Tensor(a, shape: [1, 3]), Tensor(b, shape: [1, 3]))
  }

  private func length(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  func testASphericalPathTurnsAndLengthensEvenlyWhateverTheLengthsOfItsEnds() {
    let shares = [0, 0.2, 0.5, 0.9, 1]
    for lengths in [(1.0, 1.0), (0.01, 3), (4, 1e-3), (2, 2000)] {
      for angle in [1e-3, 0.7, .pi / 2, 2.5, 3.1, .pi - 1e-3] {
        let (a, b) = ends(lengths, angle: angle)
        let points = LatentPath.spherical.points(from: a, to: b, shares: shares)
        for (number, share) in shares.enumerated() {
          let point = points.rows(number..<number + 1).floats.map(Double.init)
          let wanted = (1 - share) * lengths.0 + share * lengths.1
          XCTAssertEqual(
            length(point) / wanted, 1, accuracy: 1e-5, "\(lengths) \(angle) \(share)")
          let along = zip(point, a.floats).reduce(0) { $0 + $1.0 * Double($1.1) }
          let cosine = along / lengths.0 / wanted
          XCTAssertEqual(
            acos(max(-1, min(1, cosine))), share * angle, accuracy: 2e-3,
            "\(lengths) \(angle) \(share)")
        }
        assertEqual(points.rows(0..<1).floats, a.floats, accuracy: Float(lengths.0) * 1e-6)
        assertEqual(points.rows(4..<5).floats, b.floats, accuracy: Float(lengths.1) * 1e-6)
      }
    }
  }

  func testAPathBetweenOppositeEndsGoesAroundTheOrigin() {
    for angle in [Double.pi, .pi - 1e-12, .pi - 1e-7, .pi - 1e-5] {
      let (a, b) = ends((0.5, 3), angle: angle)
      let points = LatentPath.spherical.points(from: a, to: b, shares: [0, 0.25, 0.5, 1])
      for (number, wanted) in [0.5, 1.125, 1.75, 3].enumerated() {
        let point = points.rows(number..<number + 1).floats.map(Double.init)
        XCTAssertEqual(length(point), wanted, accuracy: 1e-5, "\(angle)")
      }
      assertEqual(points.rows(3..<4).floats, b.floats)
    }
  }

  func testQuantilesAreThoseOfTables() {
    // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.1, and symmetry.
    for (probability, quantile) in [
      (0.5, 0), (0.975, 1.959964), (0.99, 2.326348), (0.999, 3.090232),
    ] {
      XCTAssertEqual(StandardNormal.quantile(probability), quantile, accuracy: 1e-6)
      XCTAssertEqual(StandardNormal.quantile(1 - probability), -quantile, accuracy: 1e-6)
    }
  }

  // MARK: Interpolation

  func testAWayBeginsAndEndsAtTheTwoImagesMeans() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let split = try split(for: model)
    let means = try model.latentTable(of: split, .means)
    let decoded = try model.decode([means])
    for path in [LatentPath.spherical, .linear] {
      let walks = try model.interpolate(split, pairs: [(2, 7), (5, 0)], path: path, steps: 5)
      XCTAssertEqual(walks.map(\.label), [["2", "to 7"], ["5", "to 0"]])
      XCTAssertEqual(walks[0].images.shape, [5, 8, 8, 1])
      assertEqual(step(walks[0], 0), decoded.rows(2..<3).floats)
      assertEqual(step(walks[0], 4), decoded.rows(7..<8).floats)
      assertEqual(step(walks[1], 4), decoded.rows(0..<1).floats)
    }
  }

  private let settings3: [(key: String, value: String)] = [(key: "latent", value: "3")]

  func testAWayThroughALadderBeginsAndEndsAtTheDrawsOfEveryLayer() throws {
    let model = try ladder
    let split = try split(for: model)
    let table = try model.latentTable(of: split, .draws)
    XCTAssertEqual(table.shape, [12, 8])
    let decoded = try model.decode(model.latents(from: table, name: "table"))
    for path in [LatentPath.spherical, .linear] {
      let walk = try model.interpolate(split, pairs: [(1, 3)], path: path, steps: 3)[0]
      assertEqual(step(walk, 0), decoded.rows(1..<2).floats, accuracy: 1e-4)
      assertEqual(step(walk, 2), decoded.rows(3..<4).floats, accuracy: 1e-4)
      XCTAssertNotEqual(step(walk, 0), step(walk, 1))
    }
  }

  func testCodesAreReplacedUntilAllAreTheOthers() throws {
    let model = try codes
    let split = try split(for: model)
    let table = try model.latentTable(of: split, model.latentContent)
    let decoded = try model.decode(model.latents(from: table, name: "table"))
    for path in [LatentPath.spherical, .linear] {
      let walk = try model.interpolate(split, pairs: [(0, 4)], path: path, steps: 4)[0]
      assertEqual(step(walk, 0), decoded.rows(0..<1).floats)
      assertEqual(step(walk, 3), decoded.rows(4..<5).floats)
    }
  }

  func testRandomPairsAreOfDifferentImagesChosenByTheSeed() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let split = try split(for: model)
    let pairs = model.randomPairs(split, count: 5, seed: 1)
    XCTAssertEqual(Set(pairs.flatMap { [$0.from, $0.to] }).count, 10)
    XCTAssertEqual(pairs.map(\.from), model.randomPairs(split, count: 5, seed: 1).map(\.from))
    XCTAssertNotEqual(pairs.map(\.from), model.randomPairs(split, count: 5, seed: 2).map(\.from))
    XCTAssertEqual(model.randomPairs(split, count: 100, seed: 1).count, 6)
  }

  // MARK: Traversal

  func testATraversalSweepsOneUnitOverQuantilesFromTheLargestRateDown() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let walks = try model.traverse(
      from: .prior, units: 2, steps: 3, order: .rates([0.5, 0.125, 2.006]))
    XCTAssertEqual(walks.map(\.label), [["unit 2", "2.01 nats"], ["unit 0", "0.50 nats"]])
    let quantile = Float(2.326348)
    let expected = try model.decode([
      Tensor([0, 0, -quantile, 0, 0, 0, 0, 0, quantile], shape: [3, 3])
    ])
    assertEqual(walks[0].images.floats, expected.floats)
  }

  func testATraversalFromAnImageLeavesTheOtherUnitsAtItsMeans() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let split = try split(for: model)
    let mean = try model.latentTable(of: split, .means).rows(4..<5).floats
    let walk = try model.traverse(
      from: .example(4, of: split), units: 1, steps: 3, order: .rates([0, 1, 0]))[0]
    let expected = try model.decode([Tensor([mean[0], 0, mean[2]], shape: [1, 3])])
    assertEqual(step(walk, 1), expected.floats)
  }

  func testALaddersLayersAreSweptFromTheTopAndOnlyTheUnitChanges() throws {
    let model = try ladder
    let rates: [Double] = [1, 5, 2, 3, 4, 7, 9, 8]
    let walks = try model.traverse(from: .prior, units: 2, steps: 3, order: .rates(rates))
    XCTAssertEqual(
      walks.map { $0.label.prefix(2).joined(separator: " ") },
      ["level 1 unit 1", "level 1 unit 2", "level 0 unit 1", "level 0 unit 4"])
    // In the middle of a sweep the unit is where it is in all others of its layer.
    assertEqual(step(walks[0], 1), step(walks[1], 1))
    assertEqual(step(walks[2], 1), step(walks[3], 1))
    XCTAssertNotEqual(step(walks[0], 0), step(walks[0], 2))
    XCTAssertNotEqual(step(walks[0], 1), step(walks[2], 1), "the layer below is drawn anew")
    let other = try model.traverse(from: .prior, units: 2, steps: 3, order: .rates(rates), seed: 1)
    XCTAssertNotEqual(step(walks[0], 1), step(other[0], 1))
    assertEqual(step(walks[2], 1), step(other[2], 1))
  }

  func testATraversalOfCodesPutsOthersInOnePlace() throws {
    let model = try codes
    let split = try split(for: model)
    let walks = try model.traverse(from: .example(2, of: split), units: 100, steps: 3)
    XCTAssertEqual(walks.count, 4, "a grid of 2×2")
    XCTAssertEqual(Set(walks.map(\.label)).count, 4)
    for walk in walks { assertEqual(step(walk, 0), step(walks[0], 0)) }
    let changes = walks.map { walk in
      (0..<walk.images.shape[0]).flatMap { zip(step(walk, 0), step(walk, $0)) }
        .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    XCTAssertEqual(changes, changes.sorted(by: >))
    XCTAssertGreaterThan(changes[0], 0)
  }

  func testAModelWithoutLatentsHasNothingToWalk() throws {
    let model = try TrainedModel.small("pixelcnn", [(key: "channels", value: "4")])
    let split = try split(for: model)
    XCTAssertThrowsError(try model.traverse(from: .prior, units: 2, steps: 3)) {
      XCTAssertTrue("\($0)".contains("no latents"), "\($0)")
    }
    XCTAssertThrowsError(
      try model.interpolate(split, pairs: [(0, 1)], path: .linear, steps: 3))
    XCTAssertThrowsError(try model.latentTable(of: split, .draws))
    XCTAssertThrowsError(try model.latents(from: Tensor([1], shape: [1, 1]), name: "file"))
  }

  func testRatesAreMeasuredOrOnRecordOrRefused() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let split = try split(for: model)
    guard case .rates(let measured) = try model.unitOrder(measuredOn: split) else {
      return XCTFail("there are no rates")
    }
    XCTAssertEqual(
      measured,
      try XCTUnwrap(model.evaluate(split)?.metrics[RatePerUnitMetric.self]).flatMap(\.self))
    XCTAssertThrowsError(try model.unitOrder(measuredOn: nil)) {
      XCTAssertTrue("\($0)".contains("give data"), "\($0)")
    }
  }

  func testUnitsWithoutRatesComeByTheVarianceOfWhereExamplesLieOrByNumber() throws {
    // A flow has a prior with quantiles and no rate of a unit; a mixture has neither.
    for variant in ["flow-vae", "mixture-prior-vae"] {
      let model = try TrainedModel.small(
        variant, [(key: "hidden", value: "8"), (key: "latent", value: "3")])
      let split = try split(for: model)
      guard case .numbers = try model.unitOrder(measuredOn: nil) else {
        return XCTFail("\(variant) knows an order without data")
      }
      XCTAssertEqual(
        try model.traverse(from: .prior, units: 3, steps: 3).map(\.label),
        [["unit 0"], ["unit 1"], ["unit 2"]])
      let order = try model.unitOrder(measuredOn: split)
      guard case .variances(let variances) = order, variances.count == 3 else {
        return XCTFail("\(variant) gives \(order)")
      }
      let points = try model.pointsOf(split, Array(0..<split.count), seed: 0)[0].floats
      for unit in 0..<3 {
        let values = stride(from: unit, to: points.count, by: 3).map { Double(points[$0]) }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        XCTAssertEqual(variances[unit], variance, accuracy: 1e-4 * max(1, variance))
      }
      let walks = try model.traverse(
        from: .example(1, of: split), units: 3, steps: 5, order: order)
      let wanted = (0..<3).sorted { (variances[$1], $0) < (variances[$0], $1) }
      XCTAssertEqual(walks.map { $0.label[0] }, wanted.map { "unit \($0)" })
      XCTAssertTrue(walks.allSatisfy { $0.label[1].hasPrefix("variance ") })
      XCTAssertTrue(walks.allSatisfy { $0.images.isFinite && $0.images.shape[0] == 5 })
    }
  }

  func testAUnitIsSweptOverQuantilesOfDrawsWhereThePriorHasNoneInClosedForm() {
    let draws = Tensor(
      (0..<101).flatMap { [Float($0), Float(-$0)] }, shape: [101, 2])
    let sweeps = Traversal(steps: 3).units(over: draws, middle: nil, units: 2, weights: [1, 2])
    XCTAssertEqual(sweeps.map(\.latent), [.unit(1, level: 0), .unit(0, level: 0)])
    XCTAssertEqual(sweeps[0].latents[0].floats, [50, -99, 50, -50, 50, -1])
    XCTAssertEqual(sweeps[1].latents[0].floats, [1, -50, 50, -50, 99, -50])
  }

  func testWithoutLatentsTheErrorSaysThatAndDoesNotAskForData() throws {
    let model = try TrainedModel.small("pixelcnn", [(key: "channels", value: "4")])
    let split = try split(for: model)
    for split in [nil, split] {
      XCTAssertThrowsError(try model.unitOrder(measuredOn: split)) {
        XCTAssertTrue("\($0)".contains("no latents"), "\($0)")
        XCTAssertFalse("\($0)".contains("--data"), "\($0)")
      }
    }
  }

  // MARK: Tables

  func testATableOfLatentsIsCheckedBeforeItIsDecoded() throws {
    let nan = Float.nan
    let cases: [(TrainedModel, Tensor, [String])] = [
      (
        try TrainedModel.small("gaussian-vae", settings3), Tensor([1, 2], shape: [1, 2]),
        ["[1, 2]", "[N, 3]"]
      ),
      (try TrainedModel.small("gaussian-vae", settings3), Tensor([1, 2, 3]), ["[3]", "[N, 3]"]),
      (
        try TrainedModel.small("gaussian-vae", settings3),
        Tensor(indices: [1, 2, 3], shape: [1, 3]),
        ["whole", "floating-point numbers [N, 3]"]
      ),
      (
        try TrainedModel.small("gaussian-vae", settings3),
        Tensor([1, 2, 3, 4, nan, 6], shape: [2, 3]),
        ["file.npy[1, 1] is nan"]
      ),
      (
        try ladder, Tensor([1, -.infinity] + [0, 0, 0, 0, 0, 0], shape: [1, 8]), ["[0, 1] is -inf"]
      ),
      (try ladder, .zeros([2, 5]), ["[2, 5]", "[N, 8]", "hierarchy"]),
      (try codes, Tensor(indices: [0, 5, 6, 0], shape: [1, 2, 2]), ["[0, 1, 0] is 6", "0..<6"]),
      (try codes, Tensor(indices: [0, 5], shape: [1, 2]), ["[N, 2, 2]", "[N, 2, 2, 3]"]),
      (try codes, .zeros([1, 2, 2]), ["[N, 2, 2, 3]"]),
    ]
    for (model, table, words) in cases {
      XCTAssertThrowsError(try model.latents(from: table, name: "file.npy")) { error in
        XCTAssertTrue(error is DataError)
        for word in words { XCTAssertTrue("\(error)".contains(word), "\(word): \(error)") }
      }
    }
    XCTAssertEqual(try codes.latents(from: .zeros([2, 2, 2, 3]), name: "vectors").count, 1)
  }

  func testVariancesBelongToTheMeans() throws {
    let model = try TrainedModel.small("gaussian-vae", settings3)
    let split = try split(for: model)
    let variances = try model.latentTable(of: split, .variances)
    XCTAssertEqual(variances.shape, [12, 3])
    XCTAssertTrue(variances.floats.allSatisfy { $0 > 0 })
    XCTAssertThrowsError(try model.latentTable(of: split, .codes)) {
      XCTAssertTrue("\($0)".contains("means"), "\($0)")
    }
  }
}
