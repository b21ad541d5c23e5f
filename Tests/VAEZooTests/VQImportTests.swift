import Foundation
import VAEZoo
import XCTest

/// Autoencoders with codes under the names of diffusers and of taming.
final class VQImportTests: XCTestCase {
  private let registry = Registry.builtIn

  private func reference(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Reference/\(name)").path
  }

  private func imported(_ path: String) throws -> WeightImport {
    let isCheckpoint = path.contains("checkpoint")
    return try WeightImport(
      ForeignWeights.open(path), size: 8,
      settings: isCheckpoint ? [(key: "norm_groups", value: "2")] : [], registry: registry)
  }

  private func expected(_ name: String) throws -> Tensor {
    let path = reference("vq.safetensors")
    let file = try Safetensors(parsing: DurableFiles.read(path), path: path)
    return try file.tensor(name, shape: Shape(XCTUnwrap(file.entry(name), name).shape))
  }

  private func assertEqual(_ found: Tensor, _ expected: Tensor, _ what: String) throws {
    XCTAssertEqual(found.shape, expected.shape, what)
    let distance = zip(found.floats, expected.floats).map { abs($0 - $1) }.max()
    XCTAssertLessThan(try XCTUnwrap(distance), 2e-5, what)
  }

  func testLatentsAndPicturesAreThoseOfDiffusers() throws {
    for (folder, name) in [("vq-plain", "plain"), ("vq-checkpoint", "attending")] {
      let found = try imported(reference(folder))
      XCTAssertEqual(found.title, "VQModel with 6 codes of 3 numbers")
      let coder = try PictureCoder(found.model)
      try assertEqual(
        coder.encode(expected("\(name).image")), expected("\(name).latents"), "\(name) latents")
      try assertEqual(
        coder.decode(expected("\(name).latents")), expected("\(name).decoded"), "\(name) picture")
      // The recipe's own way to the codes is the same.
      let image = try expected("\(name).image")
      let encoding = try coder.encoding(of: image)
      XCTAssertNil(encoding.variance)
      try assertEqual(
        coder.decode(encoding.samples[0]), expected("\(name).decoded"), "\(name) quantised")
    }
  }

  func testPointsBecomeTheSameCodesWhateverThePrecision() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    let trained = try imported(reference("vq-plain")).model
    let coder = try PictureCoder(trained, PictureComputation(precision: .bfloat16))
    let prior = try XCTUnwrap(trained.model.prior as? any CodePrior)
    let points = try RandomSource(seed: 1).stream("points").normal(
      expected("plain.latents").shape)
    let vectors = withoutTape { prior.vectors(of: prior.nearestCodes(to: points)) }
    XCTAssertEqual(try coder.decode(points).floats, try coder.decode(vectors).floats)
  }

  func testWhatIsExportedComesBackWithTheSameWeights() throws {
    let model = try imported(reference("vq-plain")).model
    let folder = try makeTemporaryFolder()
    for (form, name) in [("diffusers", "vq"), ("ldm", "vq-checkpoint.safetensors")] {
      let files = try WeightExport(model, form: form, registry: registry)
      try files.write(to: "\(folder)/\(name)")
      XCTAssertEqual(files.left, ["prior.codebook.counts", "likelihood.variance"])
      let again = try imported("\(folder)/\(name)").model
      for (old, new) in zip(model.model.weights, again.model.weights) {
        XCTAssertEqual(old.values.floats, new.values.floats, "\(form) \(old.name)")
      }
    }
  }

  func testCodesHaveNoScalingFactor() throws {
    let found = try imported(reference("vq-plain"))
    XCTAssertTrue(found.notices.contains { "\($0)".contains("scaling_factor") })
    let coder = try PictureCoder(found.model)
    XCTAssertThrowsError(try coder.encoding(of: expected("plain.image"), isScaled: true))
  }
}
