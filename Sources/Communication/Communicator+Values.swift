import Glibc
import Messages

/// Exchanges of numbers, in terms of bytes.
extension Communicator {
  /// The numbers of all ranks, rank after rank.
  ///
  /// - Parameter values: those of this rank, as many as those of each other.
  /// - Throws: `CommunicationError`.
  package func gathered<Number: BitwiseCopyable>(_ values: [Number], filling zero: Number) throws
    -> [Number]
  {
    guard size > 1 else { return values }
    var all = [Number](repeating: zero, count: values.count * size)
    try all.withUnsafeMutableBytes { receive in
      try values.withUnsafeBytes { send in
        try allGather(send, into: receive)
        guard let own = send.baseAddress, let start = receive.baseAddress else { return }
        guard memcmp(start + rank * send.count, own, send.count) == 0 else {
          throw CommunicationError(
            .failed,
            "the communicator gives rank \(rank) other bytes than it has sent in their place; every rank must be given "
              + "the bytes of all, in the order of the ranks")
        }
      }
    }
    return all
  }

  /// Says what the calls that follow belong to, in words that are made only where there are others to wait for.
  package func enterIfShared(_ place: @autoclosure () -> String) {
    if size > 1 { enter(place()) }
  }

  /// The text of the lowest rank that has one, nil where none has.
  ///
  /// All ranks ask at the same time. The texts themselves, as far as 1,000 bytes, only travel where there is one.
  ///
  /// - Parameter text: that of this rank.
  /// - Throws: `CommunicationError`.
  package func firstText(_ text: String?) throws -> (rank: Int, text: String)? {
    let has = try gathered([text == nil ? UInt8(0) : 1], filling: 0)
    guard let rank = has.firstIndex(of: 1) else { return nil }
    let length = 1000
    var bytes = Array((text ?? "").utf8.prefix(length))
    bytes += [UInt8](repeating: 0, count: length - bytes.count)
    let all = try gathered(bytes, filling: 0)
    let found = all[rank * length..<(rank + 1) * length].prefix { $0 != 0 }
    return (rank, String(decoding: found, as: UTF8.self))
  }

  /// Runs a closure that may fail, on all ranks, each of which goes on only where none has failed.
  ///
  /// - Throws: what the closure throws here; `CommunicationError` where it throws on another rank.
  package func allSucceeding<Result>(_ body: () throws -> Result) throws -> Result {
    guard size > 1 else { return try body() }
    let result = Swift.Result { try body() }
    var text: String?
    if case .failure(let error) = result { text = "\(error)" }
    let first = try tellingOthers { try firstText(text) }
    let value = try result.get()
    if let first {
      throw CommunicationError(
        .failedElsewhere, text: "rank \(first.rank) failed: \(first.text)")
    }
    return value
  }

  /// Makes calls of all ranks, which the others would wait for where this one cannot go on.
  ///
  /// - Throws: what the closure throws, of which the others are told.
  package func tellingOthers<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      if size > 1 { abort("\(error)") }
      throw error
    }
  }

  /// Ends what the ranks do together (`abort(_:)`).
  ///
  /// - Returns: what this one is to throw.
  package func givingUp(because reason: String) -> CommunicationError {
    abort(reason)
    return CommunicationError(.failed, text: reason)
  }

  /// What a function that carries bytes has failed with, in a sentence that says where and what to do.
  ///
  /// - Parameters:
  ///   - what: such as "MPI_Bcast of libmpi.so.40 failed with status 15".
  ///   - place: what the call belongs to; nil where that is not known.
  package func failure(_ what: String, in place: String?) -> CommunicationError {
    CommunicationError(
      .failed,
      text:
        "\(what) on rank \(rank)\(place.map { " in \($0)" } ?? ""); end all ranks, and start them again"
    )
  }

  /// Gives every rank the bytes of the first one, however many.
  ///
  /// - Parameters:
  ///   - bytes: of which those of the first rank count.
  ///   - require: called before room is made for a number of bytes that another rank says.
  /// - Throws: `CommunicationError`; what `require` throws.
  package func sharedByFirst(_ bytes: [UInt8], requiring require: (Int) throws -> Void) throws
    -> [UInt8]
  {
    guard size > 1 else { return bytes }
    var count = [Int64(bytes.count)]
    try count.withUnsafeMutableBytes { try broadcast($0, from: 0) }
    guard count[0] >= 0 else {
      throw CommunicationError(
        .failed,
        "rank \(rank) is told a number of bytes that is none, \(count[0]), in a broadcast of rank 0; is the communicator in "
          + "order?")
    }
    if rank > 0 { try require(Int(count[0])) }
    var shared = rank == 0 ? bytes : [UInt8](repeating: 0, count: Int(count[0]))
    try shared.withUnsafeMutableBytes { try broadcast($0, from: 0) }
    return shared
  }
}
