// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import VAEFiles
import VAEZoo

/// Version, threads, and what stops work.

@c @implementation
public func vae_abi_version() -> UInt32 {
  UInt32(VAE_ABI_MAJOR) << 16 | UInt32(VAE_ABI_MINOR)
}

@c @implementation
public func vae_version() -> UnsafePointer<CChar>? {
  UnsafePointer(packageVersion)
}

/// The version as C reads it, made once.
nonisolated(unsafe) private let packageVersion = copyOfText(VAEZooVersion.text)

@c @implementation
public func vae_set_threads(
  _ count: Int32, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    guard (1...256).contains(count) else {
      throw CallError(VAE_ERR_INVALID_ARGUMENT, "count is \(count), but threads are 1 to 256")
    }
    try Engine.setThreads(Int(count))
  }
}

@c @implementation
public func vae_threads() -> Int32 {
  Int32(clamping: Engine.threads)
}

@c @implementation
public func vae_build_info_json(
  _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try TextResult(buffer, capacity, needed).give(
      .object([
        "version": .text(VAEZooVersion.text), "abi_version": .integer(Int(vae_abi_version())),
        "isa": .text(Engine.instructionSet), "onednn": .text(Engine.oneDNNVersion),
        "threads": .integer(Engine.threads),
      ]))
  }
}

// MARK: - Limits

@c @implementation
public func vae_set_limit(
  _ name: UnsafePointer<CChar>?, _ value: Int64, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) { try InputLimits.set(text(name, "name"), to: Int(value)) }
}

@c @implementation
public func vae_limits_json(
  _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) { try TextResult(buffer, capacity, needed).give(InputLimits.current.json) }
}

// MARK: - Cancel tokens

/// A token as C holds it.
final class CancelTokenObject: HandleObject, Sendable {
  static let kind = HandleKind.cancelToken

  let token = CancelToken()

  /// The token of an argument that may be NULL; one of its own then.
  static func token(_ handle: OpaquePointer?) throws(CallError) -> CancelToken {
    guard let handle else { return CancelToken() }
    return try Handles.object(handle, CancelTokenObject.self, "token").token
  }
}

extension CancelToken {
  /// Refuses to begin what was cancelled before.
  func check() throws(CallError) {
    guard !isCancelled else { throw .cancelled }
  }
}

extension CallError {
  static let cancelled = CallError(VAE_ERR_CANCELLED, "the call was asked to stop")
}

@c @implementation
public func vae_cancel_token_create(
  _ token: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try result(token, "token").pointee = try Handles.make(CancelTokenObject())
  }
}

// A signal handler may call this: it takes no lock and no memory.
@c @implementation
public func vae_cancel_token_cancel(_ token: OpaquePointer?) {
  Handles.object(ifValid: token, CancelTokenObject.self)?.token.cancel()
}

@c @implementation
public func vae_cancel_token_reset(_ token: OpaquePointer?) {
  Handles.object(ifValid: token, CancelTokenObject.self)?.token.reset()
}

@c @implementation
public func vae_cancel_token_free(_ token: OpaquePointer?) {
  Handles.release(token, CancelTokenObject.self)
}
