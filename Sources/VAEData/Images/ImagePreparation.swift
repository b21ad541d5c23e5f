import Messages

/// What becomes of each image of a folder, or of CIFAR's, before a model sees it.
public struct ImagePreparation: Hashable, Sendable {
  /// The pixels of both sides, nil to leave sizes as they are.
  public var size: Int?
  /// Whether the largest square in the middle is cut out first, so that proportions stay.
  public var crops: Bool
  /// Whether colours become grey.
  public var isGrey: Bool

  /// The sizes that may be asked for.
  public static let sizes = 1...4096

  /// By default images stay as they are.
  public init(size: Int? = nil, crops: Bool = false, isGrey: Bool = false) {
    self.size = size
    self.crops = crops
    self.isGrey = isGrey
  }

  /// The preparation in words that a recipe stores, such as `size=64 crop grey`; nil for none.
  public var text: String? {
    let words = [size.map { "size=\($0)" }, crops ? "crop" : nil, isGrey ? "grey" : nil]
      .compactMap { $0 }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// The preparation of such words.
  ///
  /// - Throws: `DataError` of kind `unusable` for others.
  public init(parsing text: String) throws(DataError) {
    self.init()
    for word in text.split(separator: " ") {
      switch word {
      case "crop": crops = true
      case "grey": isGrey = true
      default:
        guard word.hasPrefix("size="), let size = Int(word.dropFirst(5)),
          Self.sizes.contains(size)
        else {
          throw DataError(
            .unusable,
            "\(PlainText.quoted(text)) is no preparation of images, such as size=64 crop grey"
          )
        }
        self.size = size
      }
    }
  }
}
