import CVAE
import Glibc
import VAECore
import VAEFiles

/// A text of the program itself, which lives as long as the process.
func staticText(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A copy of a text with its NUL, to be deallocated.
func copyOfText(_ text: String) -> UnsafeMutablePointer<CChar> {
  let bytes = text.utf8
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
  for (position, byte) in bytes.enumerated() { copy[position] = CChar(bitPattern: byte) }
  copy[bytes.count] = 0
  return copy
}

/// The text of an argument.
///
/// - Throws: `CallError` where it is NULL or not UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(CallError) -> String {
  guard let text = String(validatingCString: try required(pointer, name)) else {
    throw CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is not valid UTF-8")
  }
  return text
}

/// A path among the arguments: bytes, which need be no UTF-8.
///
/// - Throws: `CallError` where it is NULL.
func path(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(CallError) -> String {
  String(systemPath: try required(pointer, name))
}

/// The text of an argument that may be NULL.
func text(optional pointer: UnsafePointer<CChar>?, _ name: String) throws(CallError) -> String? {
  guard let pointer else { return nil }
  return try text(pointer, name)
}

/// Gives a text to the caller by the rule of two calls: the length always, the text where it fits.
struct TextResult {
  private let buffer: UnsafeMutablePointer<CChar>?
  private let capacity: UInt
  private let needed: UnsafeMutablePointer<Int>

  /// - Throws: `CallError` where `needed` is NULL.
  init(
    _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?
  ) throws(CallError) {
    self.needed = try required(needed, "needed")
    self.needed.pointee = 0
    self.buffer = buffer
    // A size_t, which Swift sees as Int.
    self.capacity = UInt(bitPattern: capacity)
  }

  func give(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      needed.pointee = bytes.count + 1
      guard let buffer, UInt(bytes.count + 1) <= capacity else { return }
      if let start = bytes.baseAddress { memcpy(buffer, start, bytes.count) }
      buffer[bytes.count] = 0
    }
  }

  func give(_ json: JSON) { give(json.line) }
}

/// Settings as after `--set`.
///
/// - Throws: `CallError` where a pointer is NULL, a text is not UTF-8, or the number is absurd.
func settings(
  _ pointer: UnsafePointer<vae_setting>?, _ count: UInt64
) throws(CallError) -> [(key: String, value: String)] {
  guard count > 0 else { return [] }
  let limit: UInt64 = 10_000
  guard count <= limit else {
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT, "setting_count is \(count), more than the limit of \(limit)")
  }
  let pointer = try required(pointer, "settings")
  var settings: [(key: String, value: String)] = []
  for index in 0..<Int(count) {
    settings.append(
      (
        key: try text(pointer[index].key, "settings[\(index)].key"),
        value: try text(pointer[index].value, "settings[\(index)].value")
      ))
  }
  return settings
}

/// The texts of a list.
///
/// - Parameters:
///   - name: of the argument of one of them, for errors.
///   - limit: how many there may be.
/// - Throws: `CallError` where there are more, or one is missing or not UTF-8.
func texts(
  _ pointer: UnsafePointer<UnsafePointer<CChar>?>?, _ count: UInt64, _ name: String, limit: Int
) throws(CallError) -> [String] {
  guard count > 0 else { return [] }
  guard count <= UInt64(limit) else {
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT, "\(name)_count is \(count), more than the limit of \(limit)")
  }
  let pointer = try required(pointer, "\(name)s")
  var found: [String] = []
  for index in 0..<Int(count) { found.append(try text(pointer[index], "\(name)s[\(index)]")) }
  return found
}
