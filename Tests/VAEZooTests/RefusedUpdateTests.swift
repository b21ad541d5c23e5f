import Tensors
import VAEZoo
import XCTest

/// An update that is refused leaves nothing behind, and a batch from which nothing can be learnt is
/// refused before the first one.
final class RefusedUpdateTests: XCTestCase {
  private static func data(_ count: Int, side: Int = 4) -> DataSource {
    DataSource(
      name: "noise", valueRange: .real, rule: "floats", isDiscrete: false,
      train: DataSplit(name: "train", store: Noise(count: count, side: side)), validation: nil,
      test: nil)
  }

  private struct Noise: ExampleStore {
    let count: Int
    let side: Int
    var shape: ImageShape { ImageShape(height: side, width: side, channels: 1) }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        let values = RandomSource(seed: UInt64(index)).stream("image").normal([shape.count]).floats
        for (column, value) in values.enumerated() {
          destination[row * shape.count + column] = value
        }
      }
    }
  }

  private func trainer(
    _ variant: String, _ settings: [(key: String, value: String)], _ data: DataSource
  ) throws -> Trainer {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: variant)
    recipe.data = try data.description(binarization: .none)
    try registry.apply(settings, to: &recipe)
    return try Trainer(
      model: try registry.model(recipe, seed: 1), data: data,
      options: TrainingOptions(recipe.training))
  }

  func testWhatEveryPartGathersInARefusedUpdateIsDropped() throws {
    let mlp: [(key: String, value: String)] = [
      ("likelihood", "gaussian"), ("training.batch_size", "8"), ("training.epochs", "2"),
    ]
    let gathering: [(name: String, variant: String, settings: [(key: String, value: String)])] = [
      (
        "a codebook's moving averages", "vq-vae",
        [
          ("architecture", "mlp"), ("encoder.hidden", "8"), ("decoder.hidden", "8"), ("codes", "4"),
          ("code_size", "2"), ("restart_threshold", "0.5"),
        ]
      ),
      (
        "how often the codes of a trained codebook are used", "vq-vae",
        [
          ("architecture", "mlp"), ("encoder.hidden", "8"), ("decoder.hidden", "8"), ("codes", "4"),
          ("code_size", "2"), ("update", "gradient"), ("restart_threshold", "0.5"),
        ]
      ),
      ("an optimal σ", "gaussian-vae", [("hidden", "8"), ("latent", "2"), ("sigma", "optimal")]),
      ("a learnt σ", "gaussian-vae", [("hidden", "8"), ("latent", "2"), ("sigma", "learnt")]),
      (
        "statistics of batches", "ladder-vae",
        [("hidden", "8,6"), ("latent", "3,2"), ("sigma", "optimal")]
      ),
      (
        "a rising capacity", "beta-vae",
        [
          ("hidden", "8"), ("latent", "2"), ("objective.name", "capacity"),
          ("objective.capacity_steps", "5"),
        ]
      ),
      (
        "averages of weights", "gaussian-vae",
        [("hidden", "8"), ("latent", "2"), ("training.average_decay", "0.9")]
      ),
    ]
    for (name, variant, settings) in gathering {
      func trained(afterRefusals: Bool) throws -> [[Float]] {
        let trainer = try trainer(variant, mlp + settings, Self.data(24))
        for _ in 0..<2 { _ = try trainer.advance() }
        if afterRefusals {
          let huge = Tensor(repeating: 1e25, shape: [8, 4, 4, 1])
          for _ in 0..<2 {
            XCTAssertThrowsError(try trainer.advance(on: huge), name) { error in
              XCTAssertEqual((error as? TrainingError)?.kind, .diverged, name)
            }
          }
        }
        _ = try trainer.train()
        trainer.adoptAveragedWeights()
        return trainer.model.weights.map(\.values.floats)
      }
      XCTAssertEqual(
        try trained(afterRefusals: true), try trained(afterRefusals: false), name)
    }
  }

  func testABatchOfWhichNormalisationLeavesNothingIsRefusedBeforeTheFirstUpdate() throws {
    let dense: [(key: String, value: String)] = [("hidden", "8,6"), ("latent", "3,2")]
    func make(
      _ variant: String, _ settings: [(key: String, value: String)], count: Int, batch: Int,
      side: Int = 4
    ) throws -> Trainer {
      try trainer(
        variant, settings + [("likelihood", "gaussian"), ("training.batch_size", "\(batch)")],
        Self.data(count, side: side))
    }
    func refuse(
      _ variant: String, _ settings: [(key: String, value: String)], count: Int, batch: Int,
      advice: String, line: UInt = #line
    ) {
      XCTAssertThrowsError(
        try make(variant, settings, count: count, batch: batch), line: line
      ) { error in
        XCTAssertEqual((error as? TrainingError)?.kind, .unsuitable, line: line)
        XCTAssertTrue("\(error)".contains("a batch of one example"), "\(error)", line: line)
        XCTAssertTrue(
          "\(error)".contains("; \(advice), or choose encoder.normalization=none"), "\(error)",
          line: line)
      }
    }
    let last = [(key: "training.drop_last", value: "false")]
    let larger = "choose a larger training.batch_size"
    refuse("ladder-vae", dense, count: 10, batch: 1, advice: larger)
    refuse(
      "ladder-vae", dense, count: 1, batch: 1, advice: "train on two examples or more")
    refuse(
      "ladder-vae", dense + last, count: 9, batch: 4,
      advice: "choose another training.batch_size, or training.drop_last=true")
    _ = try make("ladder-vae", dense + last, count: 10, batch: 4)
    _ = try make(
      "ladder-vae", dense + [("training.drop_last", "true")], count: 9, batch: 4)
    _ = try make(
      "ladder-vae",
      dense + [
        ("encoder.normalization", "none"), ("prior.normalization", "none"),
        ("decoder.normalization", "none"),
      ], count: 10, batch: 1)
    // Over the pixels of a map there is something to normalise; over the one pixel of the last there is not.
    let map: [(key: String, value: String)] = [("architecture", "conv"), ("latent", "2")]
    _ = try make("gaussian-vae", map + [("channels", "4")], count: 10, batch: 1)
    refuse("gaussian-vae", map + [("channels", "4,4")], count: 10, batch: 1, advice: larger)
    _ = try make(
      "gaussian-vae",
      map + [
        ("channels", "4,4"), ("encoder.normalization", "group"), ("decoder.normalization", "group"),
      ], count: 10, batch: 1)

    // A caller's own batch is one like any other.
    let whole = try make("ladder-vae", dense, count: 10, batch: 5)
    XCTAssertThrowsError(try whole.advance(on: .zeros([1, 4, 4, 1]))) { error in
      XCTAssertTrue(
        "\(error)".contains("the batch makes a batch of one example")
          && "\(error)".contains("give it two examples or more"),
        "\(error)")
    }
    XCTAssertEqual(whole.step, 0)
    _ = try whole.advance(on: .zeros([2, 4, 4, 1]))
  }
}
