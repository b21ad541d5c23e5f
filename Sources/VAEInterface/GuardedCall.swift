import CGuardedCalls

/// Calls of functions that somebody else wrote, perhaps in C++, which may throw. An exception that
/// went on through Swift's frames would end the process, or leave what they hold as it was in the
/// middle of the call.
public enum GuardedCall {
  /// A C++ exception that was thrown out of a call.
  public struct Exception: Error {
    /// Its words, `what()`.
    public let text: String
  }

  /// Calls a C function that calls the foreign one.
  ///
  /// - Parameters:
  ///   - call: the arguments and room for the result.
  ///   - body: makes the call. It is left in the middle where that throws, and so must hold nothing
  ///     that is to be released.
  /// - Throws: `Exception` where a C++ exception comes out.
  public static func run<Call>(
    _ call: inout Call, _ body: @convention(c) (UnsafeMutableRawPointer?) -> Void
  ) throws(Exception) {
    // Nothing is prepared for the words before there are any: progress is told after every update.
    var words: UnsafeMutablePointer<CChar>?
    let hasThrown = withUnsafeMutablePointer(to: &call) { call in
      gc_call(body, UnsafeMutableRawPointer(call), &words) != 0
    }
    guard hasThrown else { return }
    defer { gc_free(words) }
    throw Exception(text: words.map { String(cString: $0) } ?? "there is no memory for its words")
  }
}
