import VAEInterface

extension GuardedCall {
  /// Calls into a plug-in where it may be C++ that throws: its entry and its factories.
  ///
  /// - Parameters:
  ///   - title: what is called, for the error.
  ///   - call: the arguments and room for the result.
  ///   - body: makes the call; see `run`.
  /// - Throws: `Misfit` with the words of a C++ exception.
  static func run<Call>(
    _ title: @autoclosure () -> String, plugin call: inout Call,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> Void
  ) throws(Misfit) {
    do throws(Exception) {
      try run(&call, body)
    } catch {
      throw Misfit(
        "\(title()) threw a C++ exception, which no function of a plug-in may let out: \(error.text)"
      )
    }
  }
}
