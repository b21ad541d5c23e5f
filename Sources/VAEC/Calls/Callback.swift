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
    try withUnsafePointer(to: progress) { progress throws(CallError) in
      try answer(to: .progress(callback, progress), userData) == 0
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
    try answer(to: .work(callback, fraction), userData) == 0
  }

  /// Tells a caller a sentence.
  ///
  /// - Throws: `CallError` of status `VAE_ERR_CALLBACK`.
  static func tell(
    _ callback: @escaping vae_log_callback, _ sentence: String,
    _ userData: UnsafeMutableRawPointer?
  ) throws(CallError) {
    try sentence.utf8CString.withUnsafeBufferPointer { bytes throws(CallError) in
      guard let start = bytes.baseAddress else { return }
      _ = try answer(to: .log(callback, start), userData)
    }
  }

  /// What is said, by which function. Pointers and numbers alone: an exception passes over whatever
  /// Swift would have to release.
  private enum Telling {
    case progress(vae_progress_callback, UnsafePointer<vae_progress>)
    case work(vae_work_callback, Double)
    case log(vae_log_callback, UnsafePointer<CChar>)

    var name: String {
      switch self {
      case .progress, .work: "progress"
      case .log: "log"
      }
    }
  }

  private struct Call {
    let telling: Telling
    let userData: UnsafeMutableRawPointer?
    var answer: Int32 = 0
  }

  /// What a caller's function gives back; zero where it gives nothing.
  private static func answer(
    to telling: Telling, _ userData: UnsafeMutableRawPointer?
  ) throws(CallError) -> Int32 {
    var call = Call(telling: telling, userData: userData)
    do {
      try GuardedCall.run(&call) {
        guard let call = $0?.assumingMemoryBound(to: Call.self) else { return }
        let userData = call.pointee.userData
        switch call.pointee.telling {
        case .progress(let callback, let progress):
          call.pointee.answer = callback(progress, userData)
        case .work(let callback, let fraction):
          call.pointee.answer = callback(fraction, userData)
        case .log(let callback, let sentence): callback(sentence, userData)
        }
      }
    } catch {
      throw CallError(
        VAE_ERR_CALLBACK, "the \(telling.name) callback threw a C++ exception: \(error.text)")
    }
    return call.answer
  }
}
