import Messages
import NeuralNetworks

/// How the two sides of a game stand, from what an epoch has logged.
public enum AdversarialBalance {
  /// A discriminator that pays less than this share of what one pays that says nothing has told all of an
  /// epoch's images apart.
  private static let wonShare = 0.02

  /// What to say where a discriminator has won: its loss is next to nothing over a whole epoch, so that it learns no
  /// more, and what it pulls the decoder by says no more which of two reconstructions is the better.
  ///
  /// - Parameters:
  ///   - terms: the means over an epoch, of which `discriminator_loss` and `generator_loss` are looked at.
  ///   - loss: of the game; the discriminator's is half of the sum of its two kinds.
  ///   - changes: what may be changed, each as a noun.
  /// - Returns: nil where it has not won, or has not taken part.
  public static func concern(
    about terms: [(name: String, value: Double)], loss: AdversarialLoss, changes: [Message]
  ) -> Message? {
    func term(_ name: String) -> Double? { terms.first { $0.name == name }?.value }
    guard let discriminator = term("discriminator_loss"), let generator = term("generator_loss"),
      discriminator < wonShare * Double(loss.ofIgnorance)
    else { return nil }
    func short(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
    let list = changes.dropFirst().enumerated().reduce(changes.first ?? "") { text, next in
      text + (next.offset == changes.count - 2 ? " or " : ", ") + next.element
    }
    return
      "the discriminator has won: over the last epoch its loss is \(short(discriminator)), where one that knows nothing pays "
      + "\(short(Double(loss.ofIgnorance))), and the generator's is \(short(generator)), so that neither learns from the "
      + "other; try \(list)"
  }
}
