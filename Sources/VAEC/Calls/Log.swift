// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import Tensors

/// Where sentences for the user go.
enum Log {
  private struct Sink {
    var callback: vae_log_callback?
    /// The caller's pointer, as a number: it is handed back and never looked at.
    var userData: UInt = 0
  }

  private static let sink = Lock(Sink())

  static func set(_ callback: vae_log_callback?, _ userData: UnsafeMutableRawPointer?) {
    sink.withLock { $0 = Sink(callback: callback, userData: UInt(bitPattern: userData)) }
  }

  /// Tells the user a sentence, on this thread.
  ///
  /// - Throws: `CallError` where the callback throws.
  static func say(_ sentence: String) throws(CallError) {
    // The callback may set another one.
    let sink = sink.withLock { $0 }
    guard let callback = sink.callback else { return }
    try Callback.tell(
      callback, PlainText.line(sentence), UnsafeMutableRawPointer(bitPattern: sink.userData))
  }
}

@c @implementation
public func vae_set_log_callback(
  _ callback: vae_log_callback?, _ user_data: UnsafeMutableRawPointer?
) {
  Log.set(callback, user_data)
}
