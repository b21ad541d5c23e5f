import FoundationEssentials

/// Finds what decoders of JSON pass over in silence: two members of an object with one name, of
/// which any may win.
enum RepeatedName {
  /// The first name that its object has had before, nil where there is none.
  ///
  /// - Parameter text: JSON that a decoder has found to be valid.
  static func first(in text: ArraySlice<UInt8>) -> String? {
    /// Of every object and array around the place, the names so far; nil for an array.
    var open: [Set<String>?] = []
    var expectsName = false
    var place = text.startIndex
    while place < text.endIndex {
      switch text[place] {
      case UInt8(ascii: "{"):
        open.append([])
        expectsName = true
      case UInt8(ascii: "["):
        open.append(nil as Set<String>?)
        expectsName = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        expectsName = false
      case UInt8(ascii: ","):
        expectsName = open.last.flatMap(\.self) != nil
      case UInt8(ascii: "\""):
        let end = endOfString(in: text, from: place)
        if expectsName, let name = string(text[place...end]),
          open[open.count - 1]?.insert(name).inserted == false
        {
          return name
        }
        expectsName = false
        place = end
      default: break
      }
      place += 1
    }
    return nil
  }

  /// The place of the quotation mark that ends a string.
  private static func endOfString(in text: ArraySlice<UInt8>, from start: Int) -> Int {
    var place = start + 1
    while place < text.endIndex - 1 && text[place] != UInt8(ascii: "\"") {
      place += text[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(place, text.endIndex - 1)
  }

  /// What a string with its quotation marks stands for.
  private static func string(_ literal: ArraySlice<UInt8>) -> String? {
    guard literal.contains(UInt8(ascii: "\\")) else {
      return String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
    }
    return try? JSONDecoder().decode(String.self, from: Data(literal))
  }
}
