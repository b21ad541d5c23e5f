import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAERecipes
import VAETraining
import XCTest

/// Small binary images held in memory: stripes whose phase and direction vary.
struct StripeStore: ExampleStore {
  let count: Int
  let shape = ImageShape(height: 6, width: 5, channels: 1)

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let along = index % 2 == 0 ? x : y
          let isSet = (along + index / 2) % 3 == 0 || (x * 7 + y * 3 + index) % 11 == 0
          destination[row * shape.count + y * shape.width + x] = isSet ? 1 : 0
        }
      }
    }
  }
}

enum TrainingSupport {
  /// A source with 70 training and 20 test images of 6×5.
  static func stripes(train: Int = 70, test: Int = 20) -> DataSource {
    DataSource(
      name: "stripes", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "train", store: StripeStore(count: train)),
      validation: nil,
      test: DataSplit(name: "test", store: StripeStore(count: test)))
  }

  static func model(
    seed: UInt64 = 3, objective: any Objective = EvidenceLowerBound(), convolutional: Bool = false
  ) -> Model {
    let random = RandomSource(seed: seed)
    let encoder: any Encoder =
      convolutional
      ? ConvolutionalEncoder(
        height: 6, width: 5, inputChannels: 1, channels: [4, 6], latent: 3,
        random: random.child("encoder"))
      : MLPEncoder(inputs: 30, hidden: [16], latent: 3, random: random.child("encoder"))
    let decoder: any Decoder =
      convolutional
      ? ConvolutionalDecoder(
        latent: 3, channels: [6, 4], outputShape: [6, 5, 1], random: random.child("decoder"))
      : MLPDecoder(
        latent: 3, hidden: [16], outputShape: [6, 5, 1], random: random.child("decoder"))
    return Model(
      encoder: encoder, prior: StandardNormalPrior(units: 3), decoder: decoder,
      likelihood: BernoulliLikelihood(), objective: objective)
  }

  static func options(epochs: Int = 3, batchSize: Int = 16) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = epochs
    options.batchSize = batchSize
    options.learningRate = 0.01
    options.seed = 5
    return options
  }

  /// A folder that is gone after the test.
  static func temporaryFolder(_ test: XCTestCase) -> String {
    let path = NSTemporaryDirectory() + "vae-training-" + UUID().uuidString
    test.addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    return path
  }

  static func weights(_ model: Model) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: model.weights.map { ($0.name, $0.values.floats) })
  }
}

/// Counts operations and says when the one to crash at has come.
final class Counter: @unchecked Sendable {
  private(set) var count = 0
  private(set) var hasCrashed = false
  private var crashAt = 0

  func restart(crashAt: Int) {
    (count, hasCrashed, self.crashAt) = (0, false, crashAt)
  }

  func isDue() -> Bool {
    defer { count += 1 }
    // After a crash nothing more happens.
    hasCrashed = hasCrashed || count == crashAt
    return hasCrashed
  }
}
