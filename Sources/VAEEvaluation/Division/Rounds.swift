import Communication
import Messages
import Tensors

/// Work on examples in parts, which ranks divide among each other.
///
/// The parts are the same for every number of ranks. In each round each rank computes one of them, the next ones in order,
/// and all take in what was found in all of them, in their order. So what comes out has the same bits for every number of
/// ranks, and no more is held at a time than a part for each rank. Ranks learn in every round whether one of them has failed
/// or is to stop, and end together.
package struct Rounds {
  private let communicator: any Communicator
  /// What is done, as a stalled rank says it.
  private let work: String

  /// Rounds of some work.
  ///
  /// - Parameters:
  ///   - communicator: what connects the ranks; all do the same.
  ///   - work: what is done, such as "the evaluation".
  package init(_ communicator: any Communicator, of work: String) {
    (self.communicator, self.work) = (communicator, work)
  }

  /// What a rank says of its part.
  private enum Status: Int64 {
    case found, stopped, failed
  }

  /// What a rank says before it sends what it has found.
  private struct Header: BitwiseCopyable {
    var status: Int64 = 0
    var part: Int64 = 0
    var bytes: Int64 = 0
    var checksum: Int64 = 0
  }

  /// Does all parts.
  ///
  /// - Parameters:
  ///   - count: of the parts, the same on all ranks.
  ///   - compute: what is found in a part; nil where the work is to stop.
  ///   - goesOn: asked in the place of a part by a rank that has none in a round, and by all at the end; given the fraction of
  ///     the parts that is done. False where the work is to stop.
  ///   - take: given what was found in each of them, one after the other, on every rank.
  /// - Returns: whether the end was reached; on all ranks the same.
  /// - Throws: what the closures throw; where they do on another rank, `CommunicationError` of kind `failedElsewhere`; on all
  ///   ranks where one of them has no memory for what all have found.
  package func run(
    _ count: Int, compute: (Int) throws -> [BatchFindings]?, goesOn: (Double) throws -> Bool,
    take: (Int, [BatchFindings]) throws -> Void
  ) throws -> Bool {
    let size = communicator.size
    guard size > 1 else {
      for part in 0..<count {
        guard let found = try compute(part) else { return false }
        try take(part, found)
      }
      return try goesOn(1)
    }
    // What this rank alone cannot take in, the others hear in the next round.
    var fault: (any Error)?
    for first in stride(from: 0, to: count, by: size) {
      let part = first + communicator.rank
      let place = "part \(Count.text(part + 1)) of \(Count.text(count)) of \(work)"
      // However long the others compute, a rank that has no part has nothing to miss.
      communicator.enter(part < count ? place : nil)
      let own = Result<[UInt8]?, any Error> {
        if let fault { throw fault }
        return try withMemoryErrors {
          guard part < count else { return try goesOn(Double(first) / Double(count)) ? [] : nil }
          return try compute(part).map { try FindingsBytes.written($0, for: place) }
        }
      }
      guard let all = try exchanged(own, from: first, of: count) else { return false }
      fault = errorThrown {
        try withMemoryErrors {
          for (offset, found) in all.enumerated() { try take(first + offset, found) }
        }
      }
    }
    communicator.enter("the end of \(work)")
    let end = Result<[UInt8]?, any Error> {
      if let fault { throw fault }
      return try goesOn(1) ? [] : nil
    }
    return try exchanged(end, from: count, of: count) != nil
  }

  /// What all ranks have found in a part each, in their order; nil where one of them is to stop.
  ///
  /// - Parameters:
  ///   - own: what this rank has found, as bytes; none where it had no part.
  ///   - first: the part of the first rank.
  ///   - count: of all parts.
  private func exchanged(
    _ own: Result<[UInt8]?, any Error>, from first: Int, of count: Int
  ) throws -> [[BatchFindings]]? {
    var bytes: [UInt8] = []
    var text: String?
    var status = Status.stopped
    switch own {
    case .success(let found?): (status, bytes) = (.found, found)
    case .success(nil), .failure(is StoppedWork): break
    case .failure(let error): (status, text) = (.failed, "\(error)")
    }
    let header = Header(
      status: status.rawValue, part: Int64(first + communicator.rank), bytes: Int64(bytes.count),
      checksum: FindingsBytes.checksum(bytes[...]))
    let headers = try communicator.tellingOthers {
      let headers = try communicator.gathered([header], filling: Header())
      try check(headers, from: first, of: count)
      return headers
    }
    if headers.contains(where: { $0.status == Status.failed.rawValue }) {
      let said = try communicator.tellingOthers { try communicator.firstText(text) }
      // A rank that is to stop has no error of its own.
      if status == .failed { _ = try own.get() }
      throw CommunicationError(
        .failedElsewhere, text: "rank \(said?.rank ?? 0) failed: \(said?.text ?? "")")
    }
    guard headers.allSatisfy({ $0.status == Status.found.rawValue }) else { return nil }
    let most = headers.reduce(0) { max($0, Int($1.bytes)) }
    guard first < count else { return [] }
    // What arrives, and what is made of it, beside the bytes that are sent: all ask for as much.
    let needed = most * (2 * headers.count + 1)
    if needed >= Memory.leastRequest {
      try communicator.allSucceeding {
        try Memory.require(bytes: needed, for: "what all ranks have found in a part of \(work)")
      }
    }
    return try communicator.tellingOthers {
      let room = [UInt8](repeating: 0, count: most - bytes.count)
      let all = try communicator.gathered(bytes + room, filling: 0)
      return try headers.enumerated().filter { first + $0.offset < count }.map { rank, header in
        let sent = all[rank * most..<rank * most + Int(header.bytes)]
        guard FindingsBytes.checksum(sent) == header.checksum,
          let found = FindingsBytes.read(sent)
        else { throw refusal(of: rank, first + rank, "has arrived as something else") }
        return found
      }
    }
  }

  /// Refuses headers that ranks which do the same parts cannot have sent: what follows counts by them.
  private func check(
    _ headers: [Header], from first: Int, of count: Int
  ) throws(CommunicationError) {
    // As many bytes as are asked for can be counted.
    let most = Int64(Int.max / (2 * headers.count + 1))
    for (rank, header) in headers.enumerated() {
      let status = Status(rawValue: header.status)
      let least: Int64 = status == .found && first + rank < count ? 1 : 0
      guard header.part == Int64(first + rank), status != nil, least <= header.bytes,
        header.bytes <= most
      else { throw refusal(of: rank, first + rank, "is announced by what it cannot have sent") }
    }
  }

  private func refusal(of rank: Int, _ part: Int, _ what: String) -> CommunicationError {
    CommunicationError(
      .failed,
      text:
        "what rank \(rank) has found in part \(Count.text(part + 1)) of \(work) \(what) on rank \(communicator.rank); "
        + "start all ranks alike, with a communicator that gives each the bytes of all in the order of the ranks"
    )
  }
}
