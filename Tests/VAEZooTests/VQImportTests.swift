import Foundation
import VAEZoo
import XCTest

/// Autoencoders with codes under the names of diffusers and of taming.
final class VQImportTests: XCTestCase {
  private let registry = Registry.builtIn

  private func imported(_ path: String) throws -> WeightImport {
    let isCheckpoint = path.contains("checkpoint")
    return try WeightImport(
      ForeignWeights.open(path), size: 8,
      settings: isCheckpoint ? [(key: "norm_groups", value: "2")] : [], registry: registry)
  }

  func testLatentsAndPicturesAreThoseOfDiffusers() throws {
    for (folder, name) in [("vq-plain", "plain"), ("vq-checkpoint", "attending")] {
      let found = try imported(ForeignReference.path(folder))
      XCTAssertEqual(found.title, "VQModel with 6 codes of 3 numbers")
      let coder = try PictureCoder(found.model)
      try ForeignReference.assertEqual(
        coder.encode(ForeignReference.tensor("\(name).image", in: "vq")),
        ForeignReference.tensor("\(name).latents", in: "vq"), "\(name) latents")
      try ForeignReference.assertEqual(
        coder.decode(ForeignReference.tensor("\(name).latents", in: "vq")),
        ForeignReference.tensor("\(name).decoded", in: "vq"), "\(name) picture")
      // The recipe's own way to the codes is the same.
      let image = try ForeignReference.tensor("\(name).image", in: "vq")
      let encoding = try coder.encoding(of: image)
      XCTAssertNil(encoding.variance)
      try ForeignReference.assertEqual(
        coder.decode(encoding.samples[0]), ForeignReference.tensor("\(name).decoded", in: "vq"),
        "\(name) quantised")
    }
  }

  func testPointsBecomeTheSameCodesWhateverThePrecision() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    let trained = try imported(ForeignReference.path("vq-plain")).model
    let coder = try PictureCoder(trained, PictureComputation(precision: .bfloat16))
    let prior = try XCTUnwrap(trained.model.prior as? any CodePrior)
    let points = try RandomSource(seed: 1).stream("points").normal(
      ForeignReference.tensor("plain.latents", in: "vq").shape)
    let vectors = withoutTape { prior.vectors(of: prior.nearestCodes(to: points)) }
    XCTAssertEqual(try coder.decode(points).floats, try coder.decode(vectors).floats)
  }

  func testWhatIsExportedComesBackWithTheSameWeights() throws {
    let model = try imported(ForeignReference.path("vq-plain")).model
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
    let found = try imported(ForeignReference.path("vq-plain"))
    XCTAssertTrue(found.notices.contains { "\($0)".contains("scaling_factor") })
    let coder = try PictureCoder(found.model)
    XCTAssertThrowsError(
      try coder.encoding(of: ForeignReference.tensor("plain.image", in: "vq"), isScaled: true))
  }
}
