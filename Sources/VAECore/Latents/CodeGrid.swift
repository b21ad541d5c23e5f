/// The sizes of a grid of discrete codes, each of which is one of K and stands for a vector of D numbers
/// (van den Oord et al. 2017).
public struct CodeGrid: Hashable, Sendable {
  /// Codes from top to bottom.
  public let height: Int
  /// Codes from left to right.
  public let width: Int
  /// The number of different codes, K.
  public let codeCount: Int
  /// The numbers in the vector that a code stands for, D.
  public let vectorSize: Int

  /// A grid of `height` × `width` codes, each one of `codeCount`.
  public init(height: Int, width: Int, codeCount: Int, vectorSize: Int) {
    self.height = height
    self.width = width
    self.codeCount = codeCount
    self.vectorSize = vectorSize
  }

  /// The number of codes of an example.
  public var count: Int { height * width }
}
