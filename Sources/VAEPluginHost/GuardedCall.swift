import CGuardedCalls

/// Calls into a plug-in where it may be C++ that throws: its entry and its factories. An exception
/// that went on through Swift's frames would end the process.
enum GuardedCall {
  /// Calls a C function that calls the plug-in.
  ///
  /// - Parameters:
  ///   - title: what is called, for the error.
  ///   - call: the arguments and room for the result.
  ///   - body: makes the call. It is left in the middle where the plug-in throws, and so must hold
  ///     nothing that is to be released.
  /// - Throws: `Misfit` with the words of a C++ exception.
  static func run<Call>(
    _ title: @autoclosure () -> String, _ call: inout Call,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> Void
  ) throws(Misfit) {
    var words = [CChar](repeating: 0, count: 512)
    let hasThrown = withUnsafeMutablePointer(to: &call) { call in
      gc_call(body, UnsafeMutableRawPointer(call), &words, words.count) != 0
    }
    guard hasThrown else { return }
    let text = String(
      decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw Misfit(
      "\(title()) threw a C++ exception, which no function of a plug-in may let out: \(text)")
  }
}
