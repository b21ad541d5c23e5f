import VAEFiles

/// A reader of what somebody else may have made, as a fuzzer calls it: with any bytes, which it reads or
/// refuses. It ends the process where something else happens.
public struct FuzzTarget: Sendable {
  /// The name, and that of its folder in `Tests/Corpus`.
  public let name: String
  /// The most bytes that are worth trying.
  public let longest: Int
  private let body: @Sendable ([UInt8]) throws -> Void

  init(_ name: String, longest: Int = 4096, _ body: @escaping @Sendable ([UInt8]) throws -> Void) {
    self.name = name
    self.longest = longest
    self.body = body
  }

  /// Reads some bytes.
  ///
  /// - Returns: whether they were taken, and not refused.
  @discardableResult
  public func run(_ bytes: [UInt8]) -> Bool {
    // A picture that declares a hundred megabytes is no fault, but slow.
    let before = InputLimits.current.pictureBytes
    try? InputLimits.set("picture_bytes", to: 1 << 20)
    defer { try? InputLimits.set("picture_bytes", to: before) }
    do {
      try body(bytes)
      return true
    } catch {
      let message = "\(error)"
      check(!message.isEmpty && !message.contains("\n"), "an error is one line: \(message)")
      return false
    }
  }

  /// All targets.
  public static let all: [FuzzTarget] =
    dataFiles + [safetensors, json, recipe, run, model] + pictures
}

/// Ends the process where something does not hold, so that the fuzzer keeps the bytes that led there.
func check(_ holds: Bool, _ claim: @autoclosure () -> String) {
  if !holds { fatalError(claim()) }
}
