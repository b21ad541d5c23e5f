/// A sentence for people that keeps what it advises as values, so that each front end says that in
/// words of its own.
///
/// It is written as a string literal is: `"it exists; use \(.resume) to continue it"`. What it quotes may
/// come from anywhere: whatever a message says is one line without hidden characters (`PlainText`), and
/// a value in it is shortened where it is very long.
public struct Message: Hashable, Sendable, CustomStringConvertible {
  fileprivate enum Part: Hashable, Sendable {
    case text(String)
    case remedy(Remedy)
  }

  /// No two texts stand side by side.
  private var parts: [Part]

  /// The sentence with each remedy in some front end's words, and names as `ForeignByte` shows them.
  public func text(_ words: (Remedy) -> String) -> String {
    parts.map { part in
      switch part {
      case .text(let text): PlainText.line(text)
      case .remedy(let remedy): PlainText.line(words(remedy))
      }
    }.joined()
  }

  /// The sentence with remedies in the words of recipes.
  public var description: String { text(\.description) }

  /// One sentence after the other.
  public static func + (first: Message, second: Message) -> Message {
    var both = StringInterpolation(literalCapacity: 0, interpolationCount: 0)
    both.appendInterpolation(first)
    both.appendInterpolation(second)
    return Message(stringInterpolation: both)
  }
}

extension Message {
  /// A sentence that is made elsewhere, and advises nothing.
  public init(_ text: String) { parts = [.text(text)] }
}

extension Message: ExpressibleByStringInterpolation {
  /// A sentence that advises nothing.
  public init(stringLiteral value: String) { parts = [.text(value)] }

  /// What a literal with interpolations has put together.
  public init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

  /// A literal as it is read.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var parts: [Part] = []

    /// Nothing yet.
    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds text as it stands.
    public mutating func appendLiteral(_ literal: String) {
      guard case .text(let text)? = parts.last else { return parts.append(.text(literal)) }
      parts[parts.count - 1] = .text(text + literal)
    }

    /// Adds what may be done.
    public mutating func appendInterpolation(_ remedy: Remedy) { parts.append(.remedy(remedy)) }

    /// Adds a sentence with its remedies.
    public mutating func appendInterpolation(_ message: Message) {
      for part in message.parts {
        switch part {
        case .text(let text): appendLiteral(text)
        case .remedy: parts.append(part)
        }
      }
    }

    /// Adds a value as text, which is shortened where it is very long; of an error that has a message,
    /// that with its remedies.
    public mutating func appendInterpolation<Value>(_ value: Value) {
      guard let error = value as? any MessageError else {
        return appendLiteral(PlainText.line("\(value)", limit: PlainText.longestValue))
      }
      appendInterpolation(error.message)
    }
  }
}
