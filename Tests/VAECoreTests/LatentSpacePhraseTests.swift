import Tensors
import VAECore
import XCTest

/// Further answers of spaces.
final class LatentSpacePhraseTests: XCTestCase {
  func testEveryKindOfSpaceIsCalledWhatItIs() {
    let map = LatentMap(height: 2, width: 3, channels: 4)
    let grid = CodeGrid(height: 2, width: 3, codeCount: 9, vectorSize: 4)
    for (space, phrase) in [
      (.none, "no latents"), (.units(7), "one layer of 7 units"),
      (.map(map), "a map of 2×3 places with 4 latent units each"),
      (.codes(grid), "a grid of 2×3 discrete codes"),
      (.hierarchy([[3], [5]]), "a hierarchy of 2 layers of units"),
      (.hierarchy([[5], [4, 4, 2], [3]]), "a hierarchy of 3 layers of maps"),
    ] as [(LatentSpace, String)] {
      XCTAssertEqual(space.phrase, phrase)
    }
    XCTAssertEqual(LatentSpace.none.rowPhrase, "none")
    XCTAssertEqual(grid.count, 6)
  }

  func testAMapIsALayerOfUnitsButNoVector() {
    let space = LatentSpace.map(LatentMap(height: 2, width: 3, channels: 4))
    XCTAssertEqual(space.units, 24)
    XCTAssertEqual(space.unitCount, 24)
    XCTAssertNil(space.vectorUnits)
    XCTAssertEqual(space.map?.shape, [2, 3, 4])
    XCTAssertEqual(space.layerShapes, [[24]])
    XCTAssertEqual(space.rowShape, [24])
    XCTAssertEqual(space.decoderInputShape, [24])
    XCTAssertTrue(space.hasOwnMoments)
    XCTAssertNil(space.codeRowShape)
    XCTAssertEqual(LatentSpace.units(7).vectorUnits, 7)
  }

  func testAHierarchyHasTheUnitsOfAllLayersAndCodesHaveNone() {
    let ladder = LatentSpace.hierarchy([[3], [5]])
    XCTAssertEqual(ladder.unitCount, 8)
    XCTAssertEqual(ladder.decoderInputShape, [3])
    XCTAssertNil(ladder.units)
    XCTAssertNil(ladder.vectorUnits)
    let codes = LatentSpace.codes(CodeGrid(height: 2, width: 3, codeCount: 9, vectorSize: 4))
    XCTAssertEqual(codes.unitCount, 0)
    XCTAssertEqual(codes.decoderInputShape, [2, 3, 4])
    XCTAssertFalse(codes.hasOwnMoments)
    XCTAssertNil(codes.vectorUnits)
  }
}
