import CVAE
import Communication
import VAEInterface
import VAEZoo

/// A communicator whose functions a caller handed over.
final class CallerCommunicator: Communicator {
  let rank: Int
  let size: Int
  private nonisolated(unsafe) let table: vae_communicator
  /// Why an exchange has failed, after which no other is begun: ranks that have gone would be waited for.
  private let finalError = Lock<CommunicationError?>(nil)
  private let hasAborted = Lock(false)
  /// What the calls belong to.
  private let place = Lock<String?>(nil)

  /// - Parameter name: of the table, for errors.
  /// - Throws: `CallError` where the table cannot be used.
  init(
    _ pointer: UnsafePointer<vae_communicator>, _ name: String = "options->communicator"
  ) throws(CallError) {
    table = try value(of: pointer, name)
    (rank, size) = (Int(table.rank), Int(table.size))
    guard size > 0, size <= 1 << 20, (0..<size).contains(rank) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) has rank \(rank) of \(size), which is no rank of a group "
          + "of up to 1,048,576"
      )
    }
    guard table.reserved == 0 else {
      throw CallError(VAE_ERR_UNSUPPORTED, "\(name)->reserved must be zero")
    }
    let hasFunctions =
      table.all_to_all != nil && table.all_gather != nil && table.broadcast != nil
    guard hasFunctions || size == 1 else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "\(name) needs the functions all_to_all, all_gather and broadcast"
      )
    }
  }

  func allToAll(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws
  {
    guard let function = table.all_to_all else { return receive.copyMemory(from: send) }
    let length = UInt64(receive.count / size)
    try exchange(
      .exchange(function, send.baseAddress, receive.baseAddress, length), name: "all_to_all")
  }

  func allGather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws
  {
    guard let function = table.all_gather else { return receive.copyMemory(from: send) }
    let length = UInt64(receive.count / size)
    try exchange(
      .exchange(function, send.baseAddress, receive.baseAddress, length), name: "all_gather")
  }

  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    guard let function = table.broadcast else { return }
    try exchange(
      .broadcast(function, buffer.baseAddress, UInt64(buffer.count), Int32(root)),
      name: "broadcast")
  }

  func enter(_ place: String?) { self.place.withLock { $0 = place } }

  func abort(_ reason: String) {
    let isFirst = hasAborted.withLock { hasAborted in
      defer { hasAborted = true }
      return !hasAborted
    }
    guard isFirst, let function = table.abort else { return }
    // What it throws is no news any more.
    reason.withCString { try? call(.abort(function, $0), name: "abort") }
  }

  private typealias Exchange =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?, UInt64
    ) -> Int32
  private typealias Broadcast =
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UInt64, Int32) -> Int32
  private typealias Abort = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void

  /// A call, of pointers and numbers alone: an exception passes over whatever Swift would have to release.
  private enum Request {
    case exchange(Exchange, UnsafeRawPointer?, UnsafeMutableRawPointer?, UInt64)
    case broadcast(Broadcast, UnsafeMutableRawPointer?, UInt64, Int32)
    case abort(Abort, UnsafePointer<CChar>)
  }

  private struct Call {
    let request: Request
    let userData: UnsafeMutableRawPointer?
    var answer: Int32 = 0
  }

  /// Makes a call of all ranks, unless one has failed.
  private func exchange(_ request: Request, name: String) throws(CommunicationError) {
    if let error = finalError.withLock({ $0 }) { throw error }
    do {
      try call(request, name: name)
    } catch {
      finalError.withLock { $0 = error }
      throw error
    }
  }

  private func call(_ request: Request, name: String) throws(CommunicationError) {
    var call = Call(request: request, userData: table.user_data)
    do {
      try GuardedCall.run(&call) {
        guard let call = $0?.assumingMemoryBound(to: Call.self) else { return }
        let userData = call.pointee.userData
        switch call.pointee.request {
        case .exchange(let function, let send, let receive, let length):
          call.pointee.answer = function(userData, send, receive, length)
        case .broadcast(let function, let buffer, let count, let root):
          call.pointee.answer = function(userData, buffer, count, root)
        case .abort(let function, let reason): function(userData, reason)
        }
      }
    } catch {
      throw failure(
        "\(name) of the communicator threw a C++ exception (\(error.text))",
        in: place.withLock { $0 })
    }
    guard call.answer == 0 else {
      throw failure(
        "\(name) of the communicator failed with status \(call.answer)", in: place.withLock { $0 })
    }
  }
}
