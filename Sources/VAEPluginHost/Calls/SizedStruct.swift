import Glibc
import Messages
import VAEInterface

extension GrowingStruct {
  /// A copy of a plug-in's struct.
  ///
  /// - Parameters:
  ///   - name: what it is, for errors.
  ///   - size: what it must be, as of the first element of an array; nil for any.
  /// - Throws: `Misfit` where it is cut short, has no size, or sets fields that this version does
  ///   not know.
  init(
    reading pointer: UnsafePointer<Self>, _ name: String, size wanted: Int? = nil
  ) throws(Misfit) {
    let source = UnsafeRawPointer(pointer)
    do throws(StructFault) {
      let size = try Self.size(at: source, least: Self.firstSize)
      guard wanted == nil || wanted == size else { throw .size(size) }
      try self.init(reading: source, least: Self.firstSize)
    } catch {
      throw Self.misfit(error, name, wanted: wanted)
    }
  }

  /// What is wrong, in the words of a plug-in's author.
  private static func misfit(_ fault: StructFault, _ name: String, wanted: Int?) -> Misfit {
    switch fault {
    case .size(let size):
      if let wanted, wanted != size {
        return Misfit(
          "\(name) has the struct_size \(size), but the elements before it \(wanted)")
      }
      return Misfit(
        "\(name) has the struct_size \(size), but \(Self.self) has \(MemoryLayout<Self>.size) bytes; "
          + "set it to sizeof")
    case .cut(let size):
      return Misfit(
        "\(name) has the struct_size \(size), which ends inside a field of \(Self.self); set it to "
          + "sizeof")
    case .unknownField(let offset):
      return Misfit(
        "\(name) sets a field at byte \(offset), which this version does not know; build it with an "
          + "older vae_plugin.h, or use a newer host")
    }
  }

  /// The elements of a plug-in's array of structs.
  ///
  /// - Throws: `Misfit` where the count is over the limit, the array is NULL, or an element is
  ///   refused.
  static func array(
    _ pointer: UnsafePointer<Self>?, _ count: UInt64, _ name: String, limit: UInt64
  ) throws(Misfit) -> [Self] {
    guard count > 0 else { return [] }
    guard count <= limit else {
      throw Misfit("\(count) \(name)s are more than the limit of \(limit)")
    }
    guard let pointer else { throw Misfit("\(count) \(name)s stand at NULL") }
    let size = Int(UnsafeRawPointer(pointer).loadUnaligned(as: UInt32.self))
    var elements: [Self] = []
    for index in 0..<Int(count) {
      // A size that cannot be is found with the first element.
      let place = UnsafeRawPointer(pointer) + (index == 0 ? 0 : index * size)
      elements.append(
        try Self(
          reading: place.assumingMemoryBound(to: Self.self), "\(name) \(index)", size: size))
    }
    return elements
  }

  /// Writes this struct where a plug-in asked for it, as far as the plug-in's version of it goes.
  ///
  /// - Throws: `Misfit` where the place is NULL or has no size.
  func write(to target: UnsafeMutablePointer<Self>?, _ name: String) throws(Misfit) {
    guard let target = target.map({ UnsafeMutableRawPointer($0) }) else {
      throw Misfit("\(name) is NULL")
    }
    do throws(StructFault) {
      write(to: target, size: try Self.size(at: target))
    } catch {
      throw Self.misfit(error, name, wanted: nil)
    }
  }
}

/// A text of a plug-in.
///
/// - Throws: `Misfit` where it is NULL, too long, empty where it must not be, not UTF-8, or has
///   control characters.
func pluginText(
  _ pointer: UnsafePointer<CChar>?, _ name: String, mayBeEmpty: Bool = false, limit: Int = 4096
) throws(Misfit) -> String {
  guard let pointer else {
    if mayBeEmpty { return "" }
    throw Misfit("\(name) is NULL")
  }
  guard strnlen(pointer, limit + 1) <= limit else {
    throw Misfit("\(name) is longer than \(limit) bytes, or does not end")
  }
  guard let text = String(validatingCString: pointer) else {
    throw Misfit("\(name) is not valid UTF-8")
  }
  guard mayBeEmpty || !text.isEmpty else { throw Misfit("\(name) is empty") }
  guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
    throw Misfit("\(name) has control characters")
  }
  return text
}

/// A name of a plug-in: a lower-case letter, then lower-case letters, digits and one kind of
/// separator.
func pluginName(
  _ pointer: UnsafePointer<CChar>?, _ name: String, separator: Character
) throws(Misfit) -> String {
  let text = try pluginText(pointer, name, limit: 64)
  let letters: ClosedRange<Character> = "a"..."z"
  let digits: ClosedRange<Character> = "0"..."9"
  let isName =
    text.first.map(letters.contains) == true
    && text.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == separator }
  guard isName else {
    throw Misfit(
      "\(name) is \(text), but must be a lower-case letter, then lower-case letters, digits and "
        + "'\(separator)'")
  }
  return text
}
