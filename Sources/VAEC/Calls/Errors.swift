// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Communication
import Messages
import Tensors
import VAEFiles
import VAEZoo

/// What a call failed with: a status and one line.
struct CallError: Error {
  let status: vae_status
  let message: String

  init(_ status: vae_status, _ message: String) {
    self.status = status
    self.message = message
  }

  /// What other callers hear in the same words, those of recipes: Python shows them as they are.
  init(_ status: vae_status, _ message: Message) {
    self.init(status, message.description)
  }
}

extension CallError {
  /// The status of an error from the layers below, with its message in the words of C.
  init(_ error: any Error) {
    switch error {
    case let error as CallError:
      self = error
    case let error as RecipeError:
      let status: vae_status =
        switch error.kind {
        case .invalid, .needsPlugIn: VAE_ERR_RECIPE
        case .malformed: VAE_ERR_FORMAT
        case .unsuitableData: VAE_ERR_DATA
        }
      self.init(status, error.message)
    case let error as DataError:
      let status: vae_status =
        switch error.kind {
        case .missing: VAE_ERR_NOT_FOUND
        case .malformed: VAE_ERR_FORMAT
        case .unusable: VAE_ERR_DATA
        case .tooLarge: VAE_ERR_OUT_OF_MEMORY
        case .unwritable, .exhausted: VAE_ERR_IO
        case .cancelled: VAE_ERR_CANCELLED
        }
      self.init(status, error.message)
    case let error as MetricError:
      let status: vae_status =
        switch error.kind {
        case .unknown: VAE_ERR_NOT_FOUND
        case .missingOption: VAE_ERR_INVALID_ARGUMENT
        case .unsuitable: VAE_ERR_DATA
        }
      self.init(status, error.message)
    case let error as MemoryError:
      let status: vae_status =
        switch error.lack {
        case .memory, .file: VAE_ERR_OUT_OF_MEMORY
        case .threads: VAE_ERR_THREADS
        }
      self.init(status, error.description)
    case let error as TrainingError:
      let status = error.kind == .diverged ? VAE_ERR_DIVERGED : VAE_ERR_DATA
      self.init(status, error.message)
    case let error as CommunicationError:
      self.init(VAE_ERR_COMMUNICATION, error.message)
    case let error as PluginError:
      let status: vae_status =
        switch error.kind {
        case .missing: VAE_ERR_NOT_FOUND
        case .unusable, .failed: VAE_ERR_PLUGIN
        case .exhausted: VAE_ERR_IO
        }
      self.init(status, error.message)
    case let error as LimitError:
      self.init(VAE_ERR_INVALID_ARGUMENT, error.message)
    case let error as SafetensorsError:
      self.init(VAE_ERR_FORMAT, error.message)
    case let error as JSONError:
      self.init(VAE_ERR_FORMAT, error.message)
    case let error as FileError:
      let status: vae_status =
        switch error.kind {
        case .missing: VAE_ERR_NOT_FOUND
        case .exists: VAE_ERR_EXISTS
        case .malformed: VAE_ERR_FORMAT
        case .unreadable, .unwritable, .exhausted: VAE_ERR_IO
        }
      self.init(status, error.message)
    default:
      self.init(VAE_ERR_INTERNAL, "\(error)")
    }
  }
}

/// An error as C holds it.
final class ErrorObject: HandleObject {
  static let kind = HandleKind.error

  let status: vae_status
  /// UTF-8 on one line, with its NUL.
  let message: UnsafeMutablePointer<CChar>

  init(_ error: CallError) {
    status = error.status
    message = copyOfText(PlainText.line(error.message, limit: Self.longest))
  }

  deinit { message.deallocate() }

  /// The most characters of a message, which may quote a caller.
  private static let longest = 2000
}

/// Runs the body of a function of the interface and turns what it throws into a status and, where
/// the caller wants it, an error.
func call(
  _ error: UnsafeMutablePointer<OpaquePointer?>?, _ body: () throws -> Void
) -> vae_status {
  error?.pointee = nil
  do {
    try withMemoryErrors(body)
    return VAE_OK
  } catch let thrown {
    let failure = CallError(thrown)
    error?.pointee = Handles.make(error: ErrorObject(failure))
    return failure.status
  }
}

/// `pointer` where it is not NULL.
func required<Pointer>(_ pointer: Pointer?, _ name: String) throws(CallError) -> Pointer {
  guard let pointer else { throw CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is NULL") }
  return pointer
}

/// A result of a function: set to NULL at once, and to a handle when there is one.
func result(
  _ pointer: UnsafeMutablePointer<OpaquePointer?>?, _ name: String
) throws(CallError) -> UnsafeMutablePointer<OpaquePointer?> {
  let pointer = try required(pointer, name)
  pointer.pointee = nil
  return pointer
}

// MARK: - Functions

@c @implementation
public func vae_error_status(_ error: OpaquePointer?) -> vae_status {
  Handles.object(ifValid: error, ErrorObject.self)?.status ?? VAE_OK
}

@c @implementation
public func vae_error_message(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let error = Handles.object(ifValid: error, ErrorObject.self) else {
    return staticText("")
  }
  return UnsafePointer(error.message)
}

@c @implementation
public func vae_error_free(_ error: OpaquePointer?) {
  Handles.release(error, ErrorObject.self)
}

@c @implementation
public func vae_status_name(_ status: vae_status) -> UnsafePointer<CChar>? {
  switch status {
  case VAE_OK: staticText("VAE_OK")
  case VAE_ERR_INVALID_ARGUMENT: staticText("VAE_ERR_INVALID_ARGUMENT")
  case VAE_ERR_RECIPE: staticText("VAE_ERR_RECIPE")
  case VAE_ERR_DATA: staticText("VAE_ERR_DATA")
  case VAE_ERR_NOT_FOUND: staticText("VAE_ERR_NOT_FOUND")
  case VAE_ERR_EXISTS: staticText("VAE_ERR_EXISTS")
  case VAE_ERR_IO: staticText("VAE_ERR_IO")
  case VAE_ERR_FORMAT: staticText("VAE_ERR_FORMAT")
  case VAE_ERR_UNSUPPORTED: staticText("VAE_ERR_UNSUPPORTED")
  case VAE_ERR_DIVERGED: staticText("VAE_ERR_DIVERGED")
  case VAE_ERR_CANCELLED: staticText("VAE_ERR_CANCELLED")
  case VAE_ERR_BUSY: staticText("VAE_ERR_BUSY")
  case VAE_ERR_OUT_OF_MEMORY: staticText("VAE_ERR_OUT_OF_MEMORY")
  case VAE_ERR_PLUGIN: staticText("VAE_ERR_PLUGIN")
  case VAE_ERR_INTERNAL: staticText("VAE_ERR_INTERNAL")
  case VAE_ERR_CALLBACK: staticText("VAE_ERR_CALLBACK")
  case VAE_ERR_THREADS: staticText("VAE_ERR_THREADS")
  case VAE_ERR_COMMUNICATION: staticText("VAE_ERR_COMMUNICATION")
  default: staticText("unknown status")
  }
}
