import Communication
import VAEZoo

/// Members of a group that do something together: threads of this process.
enum Ranks {
  /// Runs a closure on a thread for each member, and gives what each came to.
  ///
  /// Nobody is told where a closure throws: what it calls must do that.
  ///
  /// - Parameters:
  ///   - count: of the members.
  ///   - members: in place of those of a new group.
  static func run<Value: Sendable>(
    _ count: Int, members: [any Communicator]? = nil,
    _ body: @Sendable @escaping (any Communicator) throws -> Value
  ) -> [Result<Value, any Error>] {
    let members = members ?? InProcessCommunicator.group(of: count)
    let results = Lock([Result<Value, any Error>?](repeating: nil, count: count))
    Workers.run(count) { rank in
      let result = Result { try body(members[rank]) }
      results.withLock { $0[rank] = result }
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  /// What a closure throws on each member; nil where it throws nothing.
  static func errors<Value: Sendable>(
    _ count: Int, members: [any Communicator]? = nil,
    _ body: @Sendable @escaping (any Communicator) throws -> Value
  ) -> [String?] {
    run(count, members: members, body).map { result in
      if case .failure(let error) = result { "\(error)" } else { nil }
    }
  }
}

/// Alters what is given to each rank by all.
final class AlteringCommunicator: Communicator {
  typealias Alteration =
    @Sendable (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
  private let inner: InProcessCommunicator
  private let alter: Alteration
  var rank: Int { inner.rank }
  var size: Int { inner.size }

  init(_ inner: InProcessCommunicator, _ alter: @escaping Alteration) {
    (self.inner, self.alter) = (inner, alter)
  }

  func allToAll(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws { try inner.allToAll(send, into: receive) }

  func allGather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try inner.allGather(send, into: receive)
    alter(send, receive)
  }

  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try inner.broadcast(buffer, from: root)
  }

  func abort(_ reason: String) { inner.abort(reason) }
}
