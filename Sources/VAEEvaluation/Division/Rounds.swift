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
  ///   - take: given what was found in each of them, one after the other, on every rank.
  /// - Returns: whether the end was reached; on all ranks the same.
  /// - Throws: what the closures throw; where they do on another rank, `CommunicationError` of kind `failedElsewhere`.
  package func run(
    _ count: Int, compute: (Int) throws -> [BatchFindings]?,
    take: (Int, [BatchFindings]) throws -> Void
  ) throws -> Bool {
    let size = communicator.size
    guard size > 1 else {
      for part in 0..<count {
        guard let found = try compute(part) else { return false }
        try take(part, found)
      }
      return true
    }
    // What this rank alone cannot take in, the others hear in the next round.
    var fault: (any Error)?
    for first in stride(from: 0, to: count, by: size) {
      communicator.enter("part \(Count.text(first + 1)) of \(Count.text(count)) of \(work)")
      let part = first + communicator.rank
      let own = Result<[BatchFindings]?, any Error> {
        if let fault { throw fault }
        return try withMemoryErrors { try part < count ? compute(part) : [] }
      }
      guard let all = try exchanged(own, part) else { return false }
      fault = errorThrown {
        try withMemoryErrors {
          for (offset, found) in all.enumerated() where first + offset < count {
            try take(first + offset, found)
          }
        }
      }
    }
    communicator.enter("the end of \(work)")
    let end = Result<[BatchFindings]?, any Error> {
      if let fault { throw fault }
      return []
    }
    return try exchanged(end, count + communicator.rank) != nil
  }

  /// Whether all ranks want to go on.
  package func goOn(_ own: Bool) throws -> Bool {
    guard communicator.size > 1 else { return own }
    return try tellingOthers {
      try communicator.gathered([own ? UInt8(1) : 0], filling: 0).allSatisfy { $0 == 1 }
    }
  }

  /// What all ranks have found in a part each, in their order; nil where one of them is to stop.
  private func exchanged(
    _ own: Result<[BatchFindings]?, any Error>, _ part: Int
  ) throws -> [[BatchFindings]]? {
    var bytes: [UInt8] = []
    var text: String?
    var status = Status.stopped
    switch own {
    case .success(let found?): (status, bytes) = (.found, FindingsBytes.written(found))
    case .success(nil), .failure(is StoppedWork): break
    case .failure(let error): (status, text) = (.failed, "\(error)")
    }
    let header = Header(
      status: status.rawValue, part: Int64(part - communicator.rank), bytes: Int64(bytes.count),
      checksum: FindingsBytes.checksum(bytes[...]))
    let headers = try tellingOthers { try communicator.gathered([header], filling: Header()) }
    if headers.contains(where: { $0.status == Status.failed.rawValue }) {
      let first = try tellingOthers { try communicator.firstText(text) }
      // A rank that is to stop has no error of its own.
      if status == .failed { _ = try own.get() }
      throw CommunicationError(
        .failedElsewhere, text: "rank \(first?.rank ?? 0) failed: \(first?.text ?? "")")
    }
    guard headers.allSatisfy({ $0.status == Status.found.rawValue }) else { return nil }
    return try tellingOthers {
      guard headers.allSatisfy({ $0.part == header.part && $0.bytes >= 0 }),
        let most = headers.map(\.bytes).max().flatMap({ Int(exactly: $0) }),
        case (let whole, let overflows) = most.multipliedReportingOverflow(by: headers.count),
        !overflows
      else {
        throw CommunicationError(.failed, "the ranks do not do the same parts of \(work)")
      }
      try Memory.require(bytes: whole, for: "what all ranks have found in a part of \(work)")
      let room = [UInt8](repeating: 0, count: most - bytes.count)
      let all = try communicator.gathered(bytes + room, filling: 0)
      return try headers.enumerated().map { rank, header in
        let sent = all[rank * most..<rank * most + Int(header.bytes)]
        guard FindingsBytes.checksum(sent) == header.checksum else {
          throw CommunicationError(
            .failed,
            "what rank \(rank) has found in a part of \(work) has arrived as something else")
        }
        return try FindingsBytes.read(sent)
      }
    }
  }

  /// Makes calls of all ranks, which the others would wait for where this one cannot go on.
  private func tellingOthers<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      communicator.abort("\(error)")
      throw error
    }
  }
}
