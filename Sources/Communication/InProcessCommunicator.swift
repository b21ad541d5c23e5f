/// A member of a group of threads of one process, each of which trains a model of its own.
///
/// ```swift
/// let members = InProcessCommunicator.group(of: 2)
/// print(members.map(\.rank), members[0].size)  // [0, 1] 2
/// ```
public final class InProcessCommunicator: Communicator {
  /// What the members share.
  private final class Group: @unchecked Sendable {
    let rendezvous: Rendezvous
    /// Where each member's bytes lie during a call: each place is written by that member alone, and read
    /// between two meetings.
    let sent: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>

    init(_ size: Int) {
      rendezvous = Rendezvous(size)
      sent = .allocate(capacity: size)
      sent.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    deinit { sent.deallocate() }
  }

  /// The number of this member, from zero.
  public let rank: Int
  /// The number of members.
  public let size: Int
  private let group: Group

  private init(rank: Int, size: Int, group: Group) {
    (self.rank, self.size, self.group) = (rank, size, group)
  }

  /// The members of a new group, one for each thread.
  ///
  /// - Parameter size: how many, at least one.
  public static func group(of size: Int) -> [InProcessCommunicator] {
    let size = max(1, size)
    let group = Group(size)
    return (0..<size).map { InProcessCommunicator(rank: $0, size: size, group: group) }
  }

  /// Sends a block of bytes to each member and receives one from each.
  public func allToAll(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    let length = receive.count / size
    try exchange(send) { from, sent in
      Self.copy(sent, rank * length, into: receive, from * length, length)
    }
  }

  /// Gives every member the bytes of all.
  public func allGather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    let length = receive.count / size
    try exchange(send) { from, sent in Self.copy(sent, 0, into: receive, from * length, length) }
  }

  /// Gives every member the bytes of one.
  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try exchange(UnsafeRawBufferPointer(buffer)) { from, sent in
      guard from == root, from != rank else { return }
      Self.copy(sent, 0, into: buffer, 0, buffer.count)
    }
  }

  /// Lets every call of every member fail.
  public func abort(_ reason: String) {
    group.rendezvous.close("rank \(rank) failed: \(reason)")
  }

  /// Lets all members read what each sends.
  private func exchange(
    _ send: UnsafeRawBufferPointer, _ read: (_ from: Int, _ sent: UnsafeRawBufferPointer) -> Void
  ) throws {
    group.sent[rank] = send
    try meet()
    if let other = group.sent.firstIndex(where: { $0.count != send.count }) {
      throw CommunicationError(
        .failed,
        text:
          "rank \(other) exchanges \(group.sent[other].count) bytes, and rank \(rank) \(send.count): all ranks must make the "
          + "same calls")
    }
    for from in 0..<size { read(from, group.sent[from]) }
    try meet()
  }

  private func meet() throws {
    if let reason = group.rendezvous.meet() {
      throw CommunicationError(.failed, text: reason)
    }
  }

  private static func copy(
    _ source: UnsafeRawBufferPointer, _ start: Int, into target: UnsafeMutableRawBufferPointer,
    _ place: Int, _ length: Int
  ) {
    guard length > 0 else { return }
    UnsafeMutableRawBufferPointer(rebasing: target[place..<place + length])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + length]))
  }
}
