import CVAE
import VAEInterface

/// Calls of functions that a caller handed over. They may be C++: what they throw ends here, and
/// becomes the error of the call during which they ran.
enum Callback {
  /// Tells a caller how far a training is.
  ///
  /// - Returns: whether it is to go on.
  /// - Throws: `CallError` of status `VAE_ERR_CALLBACK`.
  static func tell(
    _ callback: @escaping vae_progress_callback, _ progress: vae_progress,
    _ userData: UnsafeMutableRawPointer?
  ) throws(CallError) -> Bool {
    struct Call {
      let callback: vae_progress_callback
      let progress: UnsafePointer<vae_progress>
      let userData: UnsafeMutableRawPointer?
      var answer: Int32 = 0
    }
    return try withUnsafePointer(to: progress) { progress throws(CallError) in
      var call = Call(callback: callback, progress: progress, userData: userData)
      try run("the progress callback", &call) {
        guard let call = $0?.assumingMemoryBound(to: Call.self) else { return }
        call.pointee.answer = call.pointee.callback(call.pointee.progress, call.pointee.userData)
      }
      return call.answer == 0
    }
  }

  /// Tells a caller how far a call is.
  ///
  /// - Returns: whether it is to go on.
  /// - Throws: `CallError` of status `VAE_ERR_CALLBACK`.
  static func tell(
    _ callback: @escaping vae_work_callback, _ fraction: Double,
    _ userData: UnsafeMutableRawPointer?
  ) throws(CallError) -> Bool {
    struct Call {
      let callback: vae_work_callback
      let fraction: Double
      let userData: UnsafeMutableRawPointer?
      var answer: Int32 = 0
    }
    var call = Call(callback: callback, fraction: fraction, userData: userData)
    try run("the progress callback", &call) {
      guard let call = $0?.assumingMemoryBound(to: Call.self) else { return }
      call.pointee.answer = call.pointee.callback(call.pointee.fraction, call.pointee.userData)
    }
    return call.answer == 0
  }

  /// Tells a caller a sentence.
  ///
  /// - Throws: `CallError` of status `VAE_ERR_CALLBACK`.
  static func tell(
    _ callback: @escaping vae_log_callback, _ sentence: String,
    _ userData: UnsafeMutableRawPointer?
  ) throws(CallError) {
    struct Call {
      let callback: vae_log_callback
      let sentence: UnsafePointer<CChar>
      let userData: UnsafeMutableRawPointer?
    }
    try sentence.utf8CString.withUnsafeBufferPointer { bytes throws(CallError) in
      guard let start = bytes.baseAddress else { return }
      var call = Call(callback: callback, sentence: start, userData: userData)
      try run("the log callback", &call) {
        guard let call = $0?.assumingMemoryBound(to: Call.self) else { return }
        call.pointee.callback(call.pointee.sentence, call.pointee.userData)
      }
    }
  }

  private static func run<Call>(
    _ name: StaticString, _ call: inout Call,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> Void
  ) throws(CallError) {
    do {
      try GuardedCall.run(&call, body)
    } catch {
      throw CallError(VAE_ERR_CALLBACK, "\(name) threw a C++ exception: \(error.text)")
    }
  }
}
