import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAERecipes
import VAETraining
import XCTest

/// What is said of data that lie far outside of what a model begins with.
final class BeginningNoticeTests: XCTestCase {
  /// Images of ones.
  private struct Ones: ExampleStore {
    let count: Int
    let shape = ImageShape(height: 6, width: 5, channels: 1)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for place in 0..<indices.count * shape.count { destination[place] = 1 }
    }
  }

  /// What is said at the first update, and at another, of a model whose means are one number and whose logits lie about another.
  private func notices(
    mean: Float = 0, logit: Float = 0, stage: Stage = .whole
  ) throws -> (first: [String], second: [String]) {
    let data = DataSource(
      name: "ones", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "train", store: Ones(count: 32)))
    var options = TrainingSupport.options(epochs: 3)
    options.optimizer = .sgd
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: data, options: options, stage: stage)
    for (path, parameter) in trainer.model.parameters {
      let count = parameter.shape.count
      parameter.value =
        switch path {
        case "encoder.head.bias":
          Tensor((0..<count).map { $0 < 3 ? mean : 0 }, shape: parameter.shape)
        // Sixteen hidden units of one; the bias of the head becomes that of a mean of 0.999.
        case "decoder.head.weights": Tensor(repeating: logit / 16, shape: parameter.shape)
        case _ where path.hasPrefix("decoder.layers") && path.hasSuffix("bias"):
          .ones(parameter.shape)
        default: .zeros(parameter.shape)
        }
    }
    trainer.reduceGradients = { gradients in
      for (_, other) in trainer.model.parameters { gradients[other] = .zeros(other.shape) }
    }
    func advance() throws -> [String] {
      var found: [String] = []
      _ = try trainer.advance {
        if case .notice(let notice) = $0 { found.append("\(notice)") }
      }
      return found.filter { $0.hasPrefix("before the first update") }
    }
    return (try advance(), try advance())
  }

  func testFiftyNatsAUnitAndFiveHundredAValueAreFar() throws {
    // Half of the square of the mean, and the number less log(999).
    for (mean, logit) in [(0, 0), (9.9, 0), (-9.9, 0), (0, -506), (0, 600)] as [(Float, Float)] {
      XCTAssertEqual(try notices(mean: mean, logit: logit).first, [], "\(mean) \(logit)")
    }
    for (mean, logit, figures) in [
      (10.1, 0, "a distortion of 0.03 and a rate of 153."),
      (0, -508, "a distortion of 15,000 and a rate of 0.0 nats per example"),
    ] as [(Float, Float, String)] {
      let found = try notices(mean: mean, logit: logit)
      XCTAssertEqual(found.first.count, 1, "\(mean) \(logit)")
      XCTAssertTrue(found.first.first?.contains("these data cost \(figures)") == true, "\(found)")
      XCTAssertEqual(found.second, [], "said once")
    }
  }

  func testAStageOfAModelIsNotJudged() throws {
    let stage = Stage(name: "decoder", trains: ["decoder."])
    XCTAssertEqual(try notices(logit: -512, stage: stage).first, [])
  }
}
