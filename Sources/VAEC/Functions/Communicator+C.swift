// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Communication
import Glibc
import Messages
import VAEZoo

@c @implementation
public func vae_communicator_mpi(
  _ communicator: UnsafeMutablePointer<vae_communicator>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(communicator, "communicator")
    var table = vae_communicator()
    table.struct_size = UInt32(MemoryLayout<vae_communicator>.size)
    let started = try LauncherProcesses.communicator()
    (table.rank, table.size) = (Int32(started.rank), Int32(started.size))
    table.all_to_all = { _, send, receive, length in
      LauncherProcesses.exchange(send, receive, blocks: true, length) {
        try $0.allToAll($1, into: $2)
      }
    }
    table.all_gather = { _, send, receive, length in
      LauncherProcesses.exchange(send, receive, blocks: false, length) {
        try $0.allGather($1, into: $2)
      }
    }
    table.broadcast = { _, buffer, count, root in
      guard let count = Int(exactly: count), buffer != nil || count == 0 else { return 1 }
      return LauncherProcesses.status {
        guard (0..<$0.size).contains(Int(root)) else {
          throw CommunicationError(.failed, "rank \(root) is no rank of the group")
        }
        try $0.broadcast(
          UnsafeMutableRawBufferPointer(start: buffer, count: count), from: Int(root))
      }
    }
    table.abort = { _, reason in
      let text = reason.map { String(cString: $0) } ?? ""
      _ = LauncherProcesses.status { $0.abort(text) }
    }
    result.give(table)
  }
}

/// The processes that a launcher has started with this one, found once.
private enum LauncherProcesses {
  private static let found = Lock<(any Communicator)?>(nil)

  static func communicator() throws -> any Communicator {
    try found.withLock { found -> any Communicator in
      if let found { return found }
      let started = try MPICommunicator.started()
      // A process that ends for an error of its own must not wait for the others, which may be in a training: the
      // launcher ends them where one leaves without a farewell.
      if started != nil {
        on_exit({ status, _ in if status == 0 { LauncherProcesses.finish() } }, nil)
      }
      let new: any Communicator = started ?? SoloCommunicator()
      found = new
      return new
    }
  }

  private static func finish() {
    let known = found.withLock { found -> (any Communicator)? in found }
    (known as? MPICommunicator)?.finish()
  }

  /// Zero where a call succeeds.
  static func status(_ body: (any Communicator) throws -> Void) -> Int32 {
    do {
      try body(try communicator())
      return 0
    } catch {
      return 1
    }
  }

  static func exchange(
    _ send: UnsafeRawPointer?, _ receive: UnsafeMutableRawPointer?, blocks: Bool, _ length: UInt64,
    _ body: (any Communicator, UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) throws -> Void
  ) -> Int32 {
    status { communicator in
      guard let own = Int(exactly: length) else {
        throw CommunicationError(.failed, "\(length) bytes are more than there can be")
      }
      let (all, overflows) = own.multipliedReportingOverflow(by: communicator.size)
      guard !overflows, own == 0 || (send != nil && receive != nil) else {
        throw CommunicationError(.failed, "\(length) bytes for each rank lie nowhere")
      }
      try body(
        communicator, UnsafeRawBufferPointer(start: send, count: blocks ? all : own),
        UnsafeMutableRawBufferPointer(start: receive, count: all))
    }
  }
}
