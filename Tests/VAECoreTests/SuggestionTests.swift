import VAERecipes
import XCTest

/// What may be meant by a word that there is not.
final class SuggestionTests: XCTestCase {
  private let names = [
    "training.batch_size", "prior.latent", "encoder.hidden", "free_bits", "--learning-rate", "elbo",
  ]

  func testTheNearestNameIsMeantWhereItIsNear() {
    for (wrong, meant) in [
      ("batch_size", "training.batch_size"), ("batchsize", "training.batch_size"),
      ("prior.latnet", "prior.latent"), ("latnet", "prior.latent"), ("hid", "encoder.hidden"),
      ("fb", "free_bits"), ("--lr", "--learning-rate"), ("learning-rat", "--learning-rate"),
      ("elob", "elbo"), ("leboo", nil), ("x", nil), ("", nil), ("--", nil), ("hi", nil),
      ("elxx", nil), ("momentum", nil),
    ] as [(String, String?)] {
      XCTAssertEqual(Suggestion.nearest(to: wrong, in: names), meant, wrong)
    }
  }

  /// One letter of three, two of six and three of nine; beyond, no more than three.
  func testLongerWordsMayDifferByMoreLetters() {
    XCTAssertEqual(Suggestion.nearest(to: "abX", in: ["abc"]), "abc")
    XCTAssertNil(Suggestion.nearest(to: "aXY", in: ["abc"]))
    XCTAssertEqual(Suggestion.nearest(to: "abcdXY", in: ["abcdef"]), "abcdef")
    XCTAssertNil(Suggestion.nearest(to: "abcXYZ", in: ["abcdef"]))
    XCTAssertEqual(Suggestion.nearest(to: "abcdefXYZ", in: ["abcdefghi"]), "abcdefghi")
    XCTAssertEqual(
      Suggestion.nearest(to: "abcdefghijkXYZ", in: ["abcdefghijklmn"]), "abcdefghijklmn")
    XCTAssertNil(Suggestion.nearest(to: "abcdefghijWXYZ", in: ["abcdefghijklmn"]))
    // Two letters in the wrong order are one mistake, and so are one too many and one too few.
    XCTAssertEqual(Suggestion.nearest(to: "bac", in: ["abc"]), "abc")
    XCTAssertEqual(Suggestion.nearest(to: "abbc", in: ["abc"]), "abc")
    XCTAssertEqual(Suggestion.nearest(to: "acd", in: ["abcd"]), "abcd")
    // Of two as near the first is taken, and the nearer of two.
    XCTAssertEqual(Suggestion.nearest(to: "abX", in: ["abd", "abc"]), "abd")
    XCTAssertEqual(Suggestion.nearest(to: "abcdeX", in: ["abcXeY", "abcdef"]), "abcdef")
  }
}
