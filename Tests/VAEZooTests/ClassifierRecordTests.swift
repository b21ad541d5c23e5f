import Foundation
import VAEZoo
import XCTest

/// What a classifier is made of, and what it says of its training.
final class ClassifierRecordTests: XCTestCase {
  /// Images whose first channel is light for odd numbers, and whose second one is dark.
  private struct Shades: ExampleStore {
    let count: Int
    var shape = ImageShape(height: 12, width: 8, channels: 2)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for place in 0..<shape.count {
          let noise = Float((place * 7 + index * 13) % 32) / 100
          let light: Float = index % 2 == 1 && place % shape.channels == 0 ? 0.5 : 0
          destination[row * shape.count + place] =
            place % shape.channels == 1 ? noise / 4 : noise + light
        }
      }
    }
  }

  private func split(
    _ name: String, _ count: Int, isLabelled: Bool = true, _ shape: ImageShape? = nil
  ) -> DataSplit {
    let store = shape.map { Shades(count: count, shape: $0) } ?? Shades(count: count)
    return DataSplit(
      name: name, store: store, labels: isLabelled ? (0..<count).map { Int32($0 % 2) } : nil,
      classes: ["dark", "light"])
  }

  private func data(
    _ train: DataSplit, valid: DataSplit? = nil, test: DataSplit? = nil
  ) -> DataSource {
    DataSource(
      name: "shades", valueRange: .unit, rule: "floats", isDiscrete: false, train: train,
      validation: valid, test: test)
  }

  private func options(epochs: Int = 1, batchSize: Int = 5) -> ClassifierOptions {
    var options = ClassifierOptions()
    (options.epochs, options.batchSize, options.width, options.features) = (epochs, batchSize, 3, 4)
    return options
  }

  func testEveryUpdateIsReportedAndAnEpochHasTheMeanOfItsLosses() throws {
    var steps: [[Int]] = []
    var losses: [Double] = []
    var epochs: [ClassifierEpoch] = []
    let data = data(split("train", 13), test: split("test", 6))
    let found = try XCTUnwrap(
      try Classifier.train(on: data, options(epochs: 3)) { event in
        switch event {
        case .step(let step, let total, let epoch, let loss):
          steps.append([step, total, epoch])
          losses.append(loss)
        case .epoch(let epoch): epochs.append(epoch)
        }
      })
    // Two batches of five an epoch, of thirteen examples.
    XCTAssertEqual(steps, [[1, 6, 1], [2, 6, 1], [3, 6, 2], [4, 6, 2], [5, 6, 3], [6, 6, 3]])
    XCTAssertEqual(epochs.map(\.epoch), [1, 2, 3])
    for (number, epoch) in epochs.enumerated() {
      XCTAssertEqual(epoch.loss, (losses[2 * number] + losses[2 * number + 1]) / 2, accuracy: 1e-12)
    }
    let json = try XCTUnwrap(epochs[1].json.object)
    XCTAssertEqual(json.members.map(\.name), ["epoch", "loss", "accuracy", "seconds"])
    XCTAssertEqual(json["epoch"]?.integer, 2)
    XCTAssertEqual(json["loss"]?.double, epochs[1].loss)
    XCTAssertEqual(json["accuracy"]?.double, epochs[1].accuracy)
    // Six examples have shares of sixths.
    XCTAssertEqual((found.accuracy * 6).rounded(), found.accuracy * 6, accuracy: 1e-9)
  }

  func testItIsTriedOnTheFirstLabelledSplitThatIsHeldOut() throws {
    let train = split("train", 20)
    for (valid, test, name, trained, tried) in [
      (split("valid", 4), split("test", 6), "valid", 20, 4),
      (split("valid", 4, isLabelled: false), split("test", 6), "test", 20, 6),
      (nil, split("test", 6), "test", 20, 6), (nil, nil, "a tenth of train", 18, 2),
    ] as [(DataSplit?, DataSplit?, String, Int, Int)] {
      let found = try XCTUnwrap(
        try Classifier.train(on: data(train, valid: valid, test: test), options()))
      let record = try XCTUnwrap(found.record)
      XCTAssertEqual([record.data, record.rule, record.heldOut], ["shades", "floats", name])
      XCTAssertEqual([record.trainingExamples, record.heldOutExamples], [trained, tried], name)
      let object = try XCTUnwrap(record.json.object)
      XCTAssertEqual(object["training_examples"]?.integer, trained)
      XCTAssertEqual(object["held_out_examples"]?.integer, tried)
      XCTAssertEqual(object["held_out"]?.text, name)
      XCTAssertEqual(object["accuracy"]?.double, record.accuracy)
      XCTAssertEqual(object["options"]?.object?["features"]?.integer, 4)
      XCTAssertEqual(found.accuracy, record.accuracy)
    }
  }

  func testItsInputIsStandardizedByTheTrainingImagesChannelByChannel() throws {
    let train = split("train", 14)
    let found = try XCTUnwrap(
      try Classifier.train(on: data(train, test: split("test", 6)), options()))
    let values = train.batch(Array(0..<14)).floats.map(Double.init)
    for channel in 0..<2 {
      let own = stride(from: channel, to: values.count, by: 2).map { values[$0] }
      let mean = own.reduce(0, +) / Double(own.count)
      let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)
      XCTAssertEqual(Double(found.network.input.mean[channel]), mean, accuracy: 1e-6)
      XCTAssertEqual(
        Double(found.network.input.deviation[channel]), variance.squareRoot(), accuracy: 1e-6)
    }
    XCTAssertEqual(found.network.input.range, .unit)
    XCTAssertEqual(found.network.input.leastSize, 4)
  }

  func testImagesAreHalvedUntilTheShorterSideHasFewerThanSixPixels() throws {
    for (height, width, convolutions, inputs) in [
      (28, 24, [[3, 2], [6, 3], [6, 6], [12, 6], [12, 12]], 3 * 3 * 12),
      (12, 16, [[3, 2], [6, 3], [6, 6]], 3 * 4 * 6), (11, 40, [[3, 2]], 5 * 20 * 3),
      (12, 10, [[3, 2]], 6 * 5 * 3), (4, 9, [[3, 2]], 2 * 4 * 3),
    ] {
      let shape = ImageShape(height: height, width: width, channels: 2)
      let found = try XCTUnwrap(
        try Classifier.train(
          on: data(split("train", 4, shape), test: split("test", 2, shape)),
          options(batchSize: 4)))
      let file = try Safetensors(parsing: found.encoded(), path: "memory")
      let names = (1...3).flatMap { stage in
        (1...(stage == 1 ? 1 : 2)).map { "conv\(stage)_\($0)" }
      }
      for (number, name) in names.enumerated() {
        let wanted = number < convolutions.count ? convolutions[number] + [3, 3] : nil
        XCTAssertEqual(file.entry("\(name).weight")?.shape, wanted, "\(height)×\(width) \(name)")
      }
      XCTAssertEqual(file.entry("dense.weight")?.shape, [4, inputs], "\(height)×\(width)")
      XCTAssertEqual(file.entry("logits.weight")?.shape, [2, 4])
      XCTAssertEqual(found.network.featureLayer, "features")
      XCTAssertEqual(found.network.classes, ["dark", "light"])
    }
  }

  func testTheDefaultsAreThoseOfTheManual() {
    let options = ClassifierOptions()
    XCTAssertEqual([options.epochs, options.batchSize, options.seed], [10, 128, 0])
    XCTAssertEqual([options.width, options.features], [32, 128])
    XCTAssertEqual([options.learningRate, options.weightDecay, options.shift], [2e-3, 0.05, 0.1])
    XCTAssertFalse(options.mirror)
    XCTAssertEqual(options.precision, .float32)
  }

  func testAccuracyIsTheShareOfExamplesWhoseClassHasTheLargestProbability() throws {
    let found = try XCTUnwrap(
      try Classifier.train(
        on: data(split("train", 12), test: split("test", 6)), options(epochs: 2)))
    let (train, shades) = (split("train", 12), split("more", 7))
    let probabilities = try found.probabilities(of: shades)
    XCTAssertEqual(probabilities.shape, [7, 2])
    let rows = probabilities.floats
    let right = (0..<7).count { (rows[2 * $0 + 1] > rows[2 * $0]) == ($0 % 2 == 1) }
    XCTAssertEqual(
      try found.accuracy(on: shades, range: .unit), Double(right) / 7, accuracy: 1e-12)
    // Labels that have the names of the classes in another order.
    let swapped = DataSplit(
      name: "swapped", store: Shades(count: 7), labels: (0..<7).map { Int32(1 - $0 % 2) },
      classes: ["light", "dark"])
    XCTAssertEqual(
      try found.accuracy(on: swapped, range: .unit), Double(right) / 7, accuracy: 1e-12)
    XCTAssertThrowsError(try found.accuracy(on: train, range: .real))
  }
}
