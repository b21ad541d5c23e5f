import Foundation
import VAEZoo
import XCTest

/// Classifiers: that they learn, that their file computes what they compute, and what they refuse.
final class ClassifierTests: XCTestCase {
  /// Noisy images of 12×10 with a bright bar: class 0 upright, class 1 lying, class 2 both.
  private struct Bars: ExampleStore {
    let count: Int
    let shape = ImageShape(height: 12, width: 10, channels: 2)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        var noise = RandomSource(seed: UInt64(index)).stream("noise").generator()
        let (y, x) = (Int.random(in: 2..<10, using: &noise), Int.random(in: 2..<8, using: &noise))
        for place in 0..<shape.count {
          let (pixel, channel) = (place / 2, place % 2)
          let isLying = index % 3 > 0 && pixel / 10 == y
          let isUpright = index % 3 != 1 && pixel % 10 == x
          let bar: Float = (isLying || isUpright) && channel == 0 ? 0.6 : 0
          destination[row * shape.count + place] = bar + Float.random(in: 0...0.3, using: &noise)
        }
      }
    }
  }

  private func data(
    _ count: Int = 240, labels: ((Int) -> Int32)? = { Int32($0 % 3) }, test: Bool = true
  ) -> DataSource {
    func split(_ name: String, _ count: Int) -> DataSplit {
      DataSplit(
        name: name, store: Bars(count: count), labels: labels.map { (0..<count).map($0) },
        classes: ["upright", "lying", "cross"])
    }
    return DataSource(
      name: "bars", valueRange: .unit, rule: "floats", isDiscrete: false,
      train: split("train", count), test: test ? split("test", 60) : nil)
  }

  private func options(_ epochs: Int = 6) -> ClassifierOptions {
    var options = ClassifierOptions()
    (options.epochs, options.batchSize, options.width, options.features) = (epochs, 24, 6, 8)
    options.learningRate = 0.01
    return options
  }

  func testItFindsTheClassOfImagesThatItHasNotSeenAndItsFileComputesTheSame() throws {
    let data = data()
    var epochs: [ClassifierEpoch] = []
    let trained = try XCTUnwrap(
      try Classifier.train(on: data, options()) { event in
        if case .epoch(let epoch) = event { epochs.append(epoch) }
      })
    XCTAssertEqual(epochs.map(\.epoch), Array(1...6))
    XCTAssertGreaterThan(trained.accuracy, 0.9)
    XCTAssertEqual(trained.accuracy, epochs.last?.accuracy)
    XCTAssertLessThan(try XCTUnwrap(epochs.last).loss, 0.5 * epochs[0].loss)

    let path = try makeTemporaryFolder() + "/bars.safetensors"
    try trained.save(to: path)
    let opened = try Classifier.open(path)
    XCTAssertEqual(opened.record, trained.record)
    XCTAssertEqual(opened.classes.names, ["upright", "lying", "cross"])
    let test = try XCTUnwrap(data.test)
    // Normalisations are folded into the convolutions, so that this is not the sum as it was trained.
    XCTAssertEqual(
      try opened.accuracy(on: test, range: .unit), trained.accuracy, accuracy: 1 / 60 + 1e-9)
    let images = test.batch(Array(0..<60))
    let found = opened.probabilities(of: images)
    XCTAssertEqual(found.floats, trained.probabilities(of: images).floats)
    XCTAssertTrue(found.sum(axis: 1).floats.allSatisfy { abs($0 - 1) < 1e-5 })

    XCTAssertEqual(try opened.probabilities(of: test).floats, found.floats)

    let file = try FrozenNetworkFile(asItIs: path, imageShape: [12, 10, 2], range: .unit)
    try file.open()
    XCTAssertEqual(file.layers, ["features"])
    XCTAssertEqual(file.features(of: images)[0].shape, [60, 8])
    XCTAssertEqual(file.logits(of: images)?.softmax().floats, found.floats)
  }

  func testWithoutAHeldOutSplitATenthIsKeptAndTheSeedDecidesEverything() throws {
    let data = data(60, test: false)
    func weights() throws -> [UInt8] {
      try XCTUnwrap(try Classifier.train(on: data, options(1))).encoded()
    }
    let trained = try XCTUnwrap(try Classifier.train(on: data, options(1)))
    XCTAssertEqual(trained.record?.trainingExamples, 54)
    XCTAssertEqual(trained.record?.heldOutExamples, 6)
    XCTAssertEqual(try weights(), try weights())
    // These are the examples that a training of a model sets apart, too, whatever the seed.
    let uneven = self.data(67, test: false)
    let apart = try XCTUnwrap(try uneven.settingApart(0.1).validation)
    var other = options(4)
    other.seed = 9
    let tried = try XCTUnwrap(try Classifier.train(on: uneven, other))
    XCTAssertEqual(tried.record?.heldOutExamples, apart.count)
    XCTAssertEqual(try tried.accuracy(on: apart, range: .unit), tried.accuracy, accuracy: 1e-9)
    let token = CancelToken()
    token.cancel()
    XCTAssertNil(try Classifier.train(on: data, options(1), cancel: token))
  }

  func testDataOfWhichNothingCanBeLearntAreRefusedByName() throws {
    func refusal(_ data: DataSource, _ words: String) {
      XCTAssertThrowsError(try Classifier.train(on: data, options(1))) { error in
        XCTAssertTrue("\(error)".contains(words), "\(error)")
      }
    }
    refusal(data(labels: nil), "bars has no labels")
    refusal(data(labels: { _ in 1 }), "all labels of bars are of the class lying")
    refusal(data(9, test: false), "bars has 9 examples and no labelled split")
    let small = SmallImages()
    refusal(
      DataSource(
        name: "small", valueRange: .unit, rule: "floats", isDiscrete: false,
        train: DataSplit(name: "train", store: small, labels: (0..<20).map { Int32($0 % 2) })),
      "small has images of 3 by 9 pixels, but a classifier takes images of at least 4 by 4")
    XCTAssertThrowsError(try ClassifierOptions([(key: "epoch", value: "3")], of: "a classifier")) {
      XCTAssertTrue("\($0)".contains("no setting epoch; did you mean epochs?"), "\($0)")
    }
  }

  private struct SmallImages: ExampleStore {
    let count = 20
    let shape = ImageShape(height: 3, width: 9, channels: 1)
    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      destination.update(repeating: 0.5)
    }
  }

  func testAFileThatIsNoClassifierIsRefused() throws {
    let path = try makeTemporaryFolder() + "/other.safetensors"
    var file = Safetensors()
    [1].withUnsafeBufferPointer { file.add("c.weight", shape: [1, 1, 1, 1], floats: $0) }
    func refusal(_ classes: String, _ words: String) throws {
      file.metadata[FrozenNetwork.metadataName] =
        #"{"input": {"channels": 1}, "layers": [{"type": "conv", "name": "c"}]\#(classes)}"#
      try DurableFiles.replace(path, with: file.encoded())
      XCTAssertThrowsError(try Classifier.open(path)) { error in
        XCTAssertTrue("\(error)".contains(words), "\(error)")
      }
    }
    try refusal("", "it is no classifier")
    try refusal(#", "classes": ["a", "b"]"#, "its last layer is no dense one")
    try refusal(
      #", "classes": ["a", "a"]"#, "classes of vae_zoo_network is not a list of different names")
    try refusal(#", "features": "d""#, "it has no layer \"d\"")
  }
}
