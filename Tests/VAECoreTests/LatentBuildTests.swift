import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

/// What parts find in a build, and what is wrong with it.
final class LatentBuildTests: XCTestCase {
  private func build(_ latents: LatentSpace, height: Int = 9, width: Int = 6) -> BuildContext {
    var build = BuildContext(
      data: DataDescription(
        height: height, width: width, channels: 1, range: .unit, rule: "floats"),
      random: RandomSource(seed: 1))
    build.latents = latents
    build.part = "encoder mine"
    return build
  }

  private func refusal<Result>(_ body: () throws -> Result) -> String {
    do {
      _ = try body()
      return "none"
    } catch {
      return "\(error)"
    }
  }

  private func codes(_ height: Int, _ width: Int) -> LatentSpace {
    .codes(CodeGrid(height: height, width: width, codeCount: 8, vectorSize: 5))
  }

  func testAPosteriorHasTheHeadOfItsLatentsUnlessItsVariantHasAnother() throws {
    var build = build(.units(3))
    XCTAssertEqual(try build.headOfPosterior().shape, [6])
    build.posteriorHead = GaussianHead(units: 9)
    XCTAssertEqual(try build.headOfPosterior().shape, [18])
    XCTAssertEqual(try self.build(codes(2, 3)).headOfPosterior().shape, [2, 3, 5])
    XCTAssertEqual(
      refusal { try self.build(.hierarchy([[2], [3]])).headOfPosterior() },
      "encoder mine works with one layer of latent units or codes, but the prior has a hierarchy of 2 layers of units"
    )
  }

  func testADecoderTakesTheNumbersThatItsPriorHandsDown() throws {
    XCTAssertEqual(try build(.units(3)).decoderInputs(), 3)
    XCTAssertEqual(try build(codes(2, 3)).decoderInputs(), 30)
    XCTAssertEqual(
      try build(.hierarchy([[2], [3]], features: [2, 2, 4])).decoderInputs(), 16)
    XCTAssertEqual(try build(.hierarchy([[2], [3]])).decoderInputs(), 2)
    XCTAssertEqual(
      refusal { try self.build(.none).decoderInputs() },
      "encoder mine works with one layer of latent units or codes, but the prior has no latents")
    XCTAssertEqual(try build(.units(3)).singleLatentSize(), 3)
    XCTAssertEqual(
      refusal { try self.build(self.codes(2, 3)).singleLatentSize() },
      "this part works with one layer of latent units, but the prior has a grid of 2×3 discrete codes"
    )
  }

  func testAGridOfCodesIsReachedByHalvings() throws {
    let found = try build(codes(3, 2)).codeGrid(for: "a net")
    XCTAssertEqual(found.grid.vectorSize, 5)
    XCTAssertEqual(found.pyramid.sizes.map(\.height), [9, 5, 3])
    XCTAssertEqual(found.pyramid.sizes.map(\.width), [6, 3, 2])
    XCTAssertEqual(try build(codes(9, 6)).codeGrid(for: "a net").pyramid.sizes.count, 1)
    XCTAssertEqual(
      refusal { try self.build(self.codes(2, 3)).codeGrid(for: "a net") },
      "a net cannot reach 2×3 codes: halving images of 9×6 gives 9×6, 5×3, 3×2, 2×1, 1×1")
    XCTAssertTrue(
      refusal { try self.build(.units(3)).codeGrid(for: "a net") }.hasPrefix(
        "a net is made for a grid of codes, but the prior has one layer of 3 units; choose prior.name=uniform-codes"
      ))
  }

  func testAMapOfLatentsHasTheSizeThatItsNetworkComesTo() throws {
    let map = LatentMap(height: 3, width: 2, channels: 4)
    XCTAssertEqual(
      try build(.map(map)).latentMap(for: "a net", levels: 2, setting: "s"), map)
    XCTAssertEqual(
      try build(.map(map)).latentPlaces(for: "a net", levels: 2, setting: "s"), map)
    XCTAssertEqual(
      try build(codes(3, 2)).latentPlaces(for: "a net", levels: 2, setting: "s"),
      LatentMap(height: 3, width: 2, channels: 5))
    for levels in [1, 3] {
      let sizes = levels == 1 ? "1 time, to 5×3" : "3 times, to 2×1"
      XCTAssertEqual(
        refusal { try self.build(.map(map)).latentMap(for: "a net", levels: levels, setting: "s") },
        "a net halves images of 9×6 \(sizes), but the prior has a map of 3×2 places with 4 latent units each; let s have "
          + "one number more than prior.levels")
    }
    XCTAssertTrue(
      refusal { try self.build(.units(3)).latentMap(for: "a net", levels: 2, setting: "s") }
        .hasPrefix("a net is made for a map of latents, but the prior has one layer of 3 units"))
  }

  func testOneNumberStandsForAllLevelsAndElseEachHasItsOwn() throws {
    XCTAssertEqual(try [7].each(of: 3, named: "p"), [7, 7, 7])
    XCTAssertEqual(try [7, 8].each(of: 2, named: "p"), [7, 8])
    for list in [[7, 8], []] {
      XCTAssertEqual(
        refusal { try list.each(of: 3, named: "encoder.hidden") },
        "encoder.hidden has \(list.count) numbers but the hierarchy has 3 levels: give one number for all levels, or one "
          + "each, the one nearest to the data first")
    }
  }
}
