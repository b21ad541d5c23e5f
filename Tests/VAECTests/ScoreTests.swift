import CVAE
import XCTest

/// `vae_score`: its methods against likelihoods and bounds, and its options.
final class ScoreTests: CTestCase {
  private func options(
    _ method: String?, samples: Int32 = 0, seed: UInt64 = 2
  ) -> vae_score_options {
    var options = vae_score_options()
    options.struct_size = UInt32(MemoryLayout<vae_score_options>.size)
    (options.importance_samples, options.seed) = (samples, seed)
    if let text = method.map({ strdup($0) }) {
      atEnd { free(text) }
      options.method = text.map { UnsafePointer($0) }
    }
    return options
  }

  private func scores(
    _ model: OpaquePointer, _ images: CTensor, _ options: vae_score_options?
  ) throws -> [Double] {
    try contents(
      of: made(freedBy: vae_array_free) { slot, error in
        guard var options else { return vae_score(model, images.pointer, nil, nil, slot, error) }
        return vae_score(model, images.pointer, &options, nil, slot, error)
      }
    ).doubles
  }

  private func likelihoods(
    _ model: OpaquePointer, _ images: CTensor, _ samples: Int32, seed: UInt64 = 2
  ) throws -> [Double] {
    try contents(
      of: made(freedBy: vae_array_free) {
        vae_log_likelihood(model, images.pointer, samples, seed, nil, $0, $1)
      }
    ).doubles
  }

  func testScoresAreMinusLikelihoodsAndBounds() throws {
    let (model, batch) = (try makeModel(), images(7))
    XCTAssertEqual(
      try scores(model, batch, options("elbo")), try likelihoods(model, batch, 0).map { -$0 })
    for (asked, samples) in [(0, 16), (5, 5)] as [(Int32, Int32)] {
      XCTAssertEqual(
        try scores(model, batch, options("nll", samples: asked)),
        try likelihoods(model, batch, samples).map { -$0 })
    }
    XCTAssertNotEqual(
      try scores(model, batch, options("elbo", seed: 3)), try scores(model, batch, options("elbo")))
  }

  func testARatioIsTheScoreLessThatOfTheBackground() throws {
    let (model, batch) = (try makeModel(), images(7))
    let other = try makeModel("gaussian-vae", [("hidden", "5"), ("latent", "3")])
    let bias = CTensor((0..<16).map { Float($0) / 8 - 1 }, [16])
    try succeed { vae_model_set_tensor(other, "decoder.head.bias", bias.pointer, $0) }
    var wanted = options("ratio", samples: 4)
    wanted.background = other
    let found = try scores(model, batch, wanted)
    let (own, common) = (
      try likelihoods(model, batch, 4), try likelihoods(other, batch, 4)
    )
    for (index, score) in found.enumerated() {
      XCTAssertEqual(score, common[index] - own[index], accuracy: 1e-9)
    }
    XCTAssertGreaterThan(found.map { abs($0) }.max() ?? 0, 0.5)
    // A model is as likely as itself.
    wanted.background = model
    XCTAssertTrue(try scores(model, batch, wanted).allSatisfy { $0 == 0 })
  }

  func testNumbersThatNobodyGivesAreTheUsualOnes() throws {
    let (model, batch) = (try makeModel(), images(23))
    let usual = images(9, seed: 4)
    var typical = options("typicality", samples: 2)
    typical.reference = UnsafePointer(usual.pointer)
    let found = try scores(model, batch, typical)
    typical.group = 10
    XCTAssertEqual(try scores(model, batch, typical), found)
    XCTAssertEqual(Set(found).count, 3, "a score of each group")
    typical.group = 9
    XCTAssertNotEqual(try scores(model, batch, typical), found)
    let few = images(2)
    var regret = options("regret")
    let hundred = try scores(model, few, regret)
    regret.steps = 100
    XCTAssertEqual(try scores(model, few, regret), hundred)
    regret.steps = 99
    XCTAssertNotEqual(try scores(model, few, regret), hundred)
    XCTAssertTrue(hundred.allSatisfy { $0 >= 0 })
    // Options that say nothing are none.
    XCTAssertEqual(try scores(model, few, options(nil, seed: 0)), try scores(model, few, nil))
  }

  func testOptionsThatCannotBeAreRefusedByTheirNames() throws {
    let (model, batch) = (try makeModel(), images(4))
    let usual = images(3, seed: 2)
    func refusal(
      _ method: String, _ status: vae_status, _ words: String, line: UInt = #line,
      _ change: (inout vae_score_options) -> Void
    ) {
      var options = options(method)
      change(&options)
      refuse(status, words, #filePath, line) {
        var out: OpaquePointer?
        return vae_score(model, batch.pointer, &options, nil, &out, $0)
      }
    }
    let invalid = VAE_ERR_INVALID_ARGUMENT
    refusal("nll", VAE_ERR_UNSUPPORTED, "options->reserved is 1") { $0.reserved = 1 }
    refusal("nll", VAE_ERR_UNSUPPORTED, "options->reserved2 is 2") { $0.reserved2 = 2 }
    for samples in [-2, 10_000_001] as [Int32] {
      refusal("nll", invalid, "importance_samples is \(samples), but must be in -1...10000000") {
        $0.importance_samples = samples
      }
    }
    for steps in [-1, 100_001] as [Int32] {
      refusal("regret", invalid, "options->steps is \(steps), but must be in 0...100000") {
        $0.steps = steps
      }
    }
    refusal("typicality", invalid, "options->group is -1") { $0.group = -1 }
    refusal("nll", invalid, "reference_condition is given, but options->reference is NULL") {
      $0.reference_condition = UnsafePointer(usual.pointer)
    }
    refusal("likelihood", VAE_ERR_NOT_FOUND, "likelihood") { _ in }
    var out: OpaquePointer?
    refuse(invalid, "images is NULL") { vae_score(model, nil, nil, nil, &out, $0) }
  }
}
