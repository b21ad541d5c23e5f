import Tensors
import VAEZoo
import XCTest

/// What is asked about an image is answered by what the image is: not by its place, its company, or the
/// parts in which many images pass through a model.
final class SameAnswerTests: XCTestCase {
  /// Images of 4×4 pixels whose order can be changed, some of them equal.
  private struct Store: ExampleStore {
    let order: [Int]
    let shape = ImageShape(height: 4, width: 4, channels: 1)
    var count: Int { order.count }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        let values = RandomSource(seed: UInt64(order[index])).stream("image").uniform([16]).floats
        for (column, value) in values.enumerated() {
          destination[row * 16 + column] = (value * 255).rounded() / 255
        }
      }
    }
  }

  private func split(_ order: [Int]) -> DataSplit {
    DataSplit(name: "given", store: Store(order: order))
  }

  private func model(
    _ variant: String, _ settings: [(key: String, value: String)] = []
  ) throws -> TrainedModel {
    let data = DataDescription(
      height: 4, width: 4, channels: 1, range: .unit, rule: "bytes/255")
    return try .small(variant, settings, data: data, seed: 1)
  }

  private func models() throws -> [(name: String, model: TrainedModel)] {
    [
      ("units", try model("gaussian-vae", [("hidden", "8"), ("latent", "2")])),
      (
        "drawn values",
        try model(
          "gaussian-vae",
          [
            ("hidden", "8"), ("latent", "2"), ("likelihood", "gaussian"),
            ("training.dequantize", "uniform"),
          ])
      ),
      ("levels", try model("ladder-vae", [("hidden", "8,6"), ("latent", "3,2")])),
      (
        "pixels one by one",
        try model(
          "pixelcnn-vae",
          [
            ("architecture", "mlp"), ("encoder.hidden", "8"), ("latent", "2"), ("layers", "1"),
            ("decoder.channels", "16"),
          ])
      ),
    ]
  }

  /// Rows of everything that a model answers about images.
  private func answers(_ model: TrainedModel, _ order: [Int]) throws -> [(String, [[Float]])] {
    let split = split(order)
    let encoding = try model.encode(split, seed: 3)
    func rows(_ tensor: Tensor) -> [[Float]] {
      let size = tensor.count / order.count
      return order.indices.map { Array(tensor.floats[$0 * size..<($0 + 1) * size]) }
    }
    func scores(_ samples: Int) throws -> [[Float]] {
      try XCTUnwrap(model.logLikelihoods(split, samples: samples, seed: 3)).map { [Float($0)] }
    }
    return [
      ("the bound", try scores(0)), ("log-likelihoods", try scores(5)),
      ("reconstructions", rows(try model.reconstruct(split, seed: 3))),
    ] + encoding.samples.enumerated().map { ("draws of layer \($0)", rows($1)) }
  }

  func testAnImageHasTheSameAnswerWhereverAndBesideWhateverItStands() throws {
    let order = [4, 0, 2, 0, 1, 3, 4]
    for (name, model) in try models() {
      let whole = try answers(model, order)
      let alone = try order.map { try answers(model, [$0]) }
      for (kind, (what, found)) in whole.enumerated() {
        for (row, values) in found.enumerated() {
          for (a, b) in zip(values, alone[row][kind].1[0]) {
            XCTAssertEqual(a, b, accuracy: 2e-5 * max(1, abs(a)), "\(name): \(what) of row \(row)")
          }
        }
        XCTAssertEqual(found[1], found[3], "\(name): \(what) of equal images")
        XCTAssertEqual(found[0], found[6], "\(name): \(what) of equal images")
        XCTAssertNotEqual(found[0], found[1], "\(name): \(what) of different images")
      }
    }
  }

  func testTheSeedChoosesTheDraws() throws {
    for (name, model) in try models() {
      let (a, b) = try (
        model.encode(split([0, 1]), seed: 3), model.encode(split([0, 1]), seed: 4)
      )
      XCTAssertNotEqual(a.samples[0].floats, b.samples[0].floats, name)
    }
  }

  func testAnEvaluationDrawsForEqualImagesAnew() throws {
    let model = try model("gaussian-vae", [("hidden", "8"), ("latent", "2")])
    let result = try XCTUnwrap(model.evaluate(split([Int](repeating: 0, count: 50))))
    XCTAssertGreaterThan(try XCTUnwrap(result.elbo.standardError), 0)
  }

  func testRowHashesFollowFromTheValuesAlone() {
    let rows: [[Float]] = [[1, 2], [2, 1], [0, 2], [-0.0, 2], [.nan, 2], [1, 2]]
    let hashes = Tensor(rows.flatMap { $0 }, shape: [6, 2]).rowHashes
    XCTAssertEqual(hashes[0], hashes[5])
    XCTAssertEqual(hashes[2], hashes[3], "zeros of both signs are the same value")
    XCTAssertEqual(Set(hashes).count, 4)
    XCTAssertEqual(Tensor([1, 2], shape: [1, 2]).rowHashes, [hashes[0]])
    // Images that differ in one pixel by one level differ.
    let base = [Float](repeating: 0.5, count: 784)
    let near = (0..<784).map { place in
      var image = base
      image[place] += 1 / 255
      return image
    }
    XCTAssertEqual(
      Set(Tensor(near.flatMap { $0 }, shape: [784, 784]).rowHashes).count, 784)
  }
}
