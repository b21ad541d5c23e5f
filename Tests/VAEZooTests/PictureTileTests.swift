import VAEZoo
import XCTest

/// The rules of tiles: their sides, when a picture becomes several, and what waits beside them in memory.
final class PictureTileTests: XCTestCase {
  private let registry = Registry.builtIn

  private func memory(
    _ variant: String, _ height: Int, _ width: Int, tile: Int? = nil
  ) throws -> PictureMemory {
    try PictureMemory(
      of: registry.recipe(for: variant), height: height, width: width, tile: tile,
      registry: registry)
  }

  func testSidesOfTilesBeginAtPlacesAndTheNearestThatDoesIsNamed() throws {
    for (variant, side, words) in [
      (
        "autoencoder-kl", 48,
        "tiles of 48 pixels do not begin at places of the latents; choose a multiple of 32, such as tile=64"
      ),
      ("autoencoder-kl", 47, "choose a multiple of 32, such as tile=32"),
      ("autoencoder-kl", 1, "choose a multiple of 32, such as tile=32"),
      ("autoencoder-kl", 0, "choose a multiple of 32, such as tile=32"),
      ("autoencoder-kl", -64, "choose a multiple of 32, such as tile=32"),
      ("autoencoder-tiny", 64, "choose a multiple of 64 from 128 on, such as tile=128"),
      ("autoencoder-tiny", 160, "choose a multiple of 64 from 128 on, such as tile=192"),
      (
        "autoencoder-kl", 1 << 20 + 32,
        "tiles of 1,048,608 pixels are larger than any picture, 1,048,576 pixels; choose fewer, such as tile=512"
      ),
    ] {
      XCTAssertThrowsError(try memory(variant, 64, 64, tile: side), "\(side)") {
        XCTAssertEqual(($0 as? RecipeError)?.kind, .invalid)
        XCTAssertTrue("\($0)".hasSuffix(words), "\($0)")
      }
    }
    for (variant, side) in [
      ("autoencoder-kl", 32), ("autoencoder-tiny", 128), ("autoencoder-kl", 1 << 20),
    ] {
      XCTAssertEqual(try memory(variant, 64, 64, tile: side).tile, side)
    }
  }

  func testOneTileTakesWhatThePictureTakes() throws {
    for (variant, height, width) in [
      ("autoencoder-kl", 512, 512), ("autoencoder-kl", 64, 512), ("autoencoder-tiny", 448, 448),
      ("autoencoder-tiny", 448, 8),
    ] {
      let (whole, one) = (
        try memory(variant, height, width), try memory(variant, height, width, tile: 512)
      )
      XCTAssertEqual([one.encoding, one.decoding], [whole.encoding, whole.decoding], variant)
      XCTAssertNil(whole.tile)
    }
  }

  func testTilesOfTwoRowsAndThePictureWaitBesideTheTileAtHand() throws {
    for (variant, height, width, columns) in [
      // Tiles begin at multiples of 448 pixels.
      ("autoencoder-tiny", 512, 896, 2), ("autoencoder-tiny", 512, 904, 3),
      ("autoencoder-tiny", 1024, 768, 2),
      // And of 384.
      ("autoencoder-kl", 512, 768, 2), ("autoencoder-kl", 512, 776, 3),
      ("autoencoder-kl", 520, 1152, 3),
    ] {
      let (alone, tiled) = (
        try memory(variant, 512, 512), try memory(variant, height, width, tile: 512)
      )
      let (tile, area) = (512 * 512, height * width)
      let name = "\(variant) \(height)x\(width)"
      XCTAssertEqual(
        tiled.decoding - alone.decoding, 2 * 4 * columns * 3 * tile + 4 * 3 * area, name)
      // Of each of four channels of latents there are two numbers, and the picture twice.
      XCTAssertEqual(
        tiled.encoding - alone.encoding,
        2 * 4 * columns * 8 * tile / 64 + 4 * 8 * area / 64 + 2 * 4 * 3 * area, name)
      XCTAssertEqual(tiled.weights, alone.weights)
    }
  }

  func testMemoryThatCannotBeCountedIsTheMost() throws {
    let side = 1 << 40
    let most = try memory("autoencoder-tiny", side, side, tile: 512)
    XCTAssertEqual([most.encoding, most.decoding, most.total], [.max, .max, .max])
    let small = try memory("autoencoder-tiny", 8, 8)
    XCTAssertEqual(small.opening, 2 * small.weights)
    XCTAssertEqual(
      small.total, max(small.opening, small.weights + max(small.encoding, small.decoding)))
  }
}
