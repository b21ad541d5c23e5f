import Communication
import VAEZoo
import XCTest

/// What members of a group give each other, and what they say where they cannot.
final class ExchangeTests: XCTestCase {
  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Does what another communicator does, and notes what it is told beside the exchanges.
  private final class Noting: Communicator {
    private let inner: any Communicator
    let notes = Lock<[String]>([])
    var rank: Int { inner.rank }
    var size: Int { inner.size }

    init(_ inner: any Communicator) { self.inner = inner }

    func allToAll(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws { try inner.allToAll(send, into: receive) }

    func allGather(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws { try inner.allGather(send, into: receive) }

    func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
      try inner.broadcast(buffer, from: root)
    }

    func enter(_ place: String?) { notes.withLock { $0.append("enter \(place ?? "nothing")") } }

    func abort(_ reason: String) {
      notes.withLock { $0.append("abort \(reason)") }
      inner.abort(reason)
    }
  }

  /// What each of three members receives of bytes that tell who sent them and which they are.
  private func received(
    _ call:
      @Sendable @escaping (
        any Communicator, UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer
      ) throws -> Void, sending length: Int
  ) throws -> [[UInt8]] {
    try Ranks.run(3) { communicator in
      let sent = (0..<length).map { UInt8(16 * (communicator.rank + 1) + $0) }
      var received = [UInt8](repeating: 0, count: 6)
      try sent.withUnsafeBytes { sent in
        try received.withUnsafeMutableBytes { try call(communicator, sent, $0) }
      }
      return received
    }.map { try $0.get() }
  }

  // MARK: Exchanges

  func testEveryMemberReceivesTheBlockThatIsMeantForItFromEach() throws {
    XCTAssertEqual(
      try received({ try $0.allToAll($1, into: $2) }, sending: 6),
      [
        [0x10, 0x11, 0x20, 0x21, 0x30, 0x31], [0x12, 0x13, 0x22, 0x23, 0x32, 0x33],
        [0x14, 0x15, 0x24, 0x25, 0x34, 0x35],
      ])
  }

  func testEveryMemberReceivesTheBytesOfAllInTheOrderOfTheRanks() throws {
    XCTAssertEqual(
      try received({ try $0.allGather($1, into: $2) }, sending: 2),
      [[UInt8]](repeating: [0x10, 0x11, 0x20, 0x21, 0x30, 0x31], count: 3))
    let numbers = try Ranks.run(3) { communicator in
      try communicator.gathered([Int32(communicator.rank), -7], filling: 0)
    }.map { try $0.get() }
    XCTAssertEqual(numbers, [[Int32]](repeating: [0, -7, 1, -7, 2, -7], count: 3))
  }

  func testWhatOneMemberSendsReachesTheOthersWhicheverItIs() throws {
    for root in 0..<3 {
      let found = try Ranks.run(3) { communicator in
        var bytes: [UInt8] = [UInt8(communicator.rank + 1), 9]
        try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
        return bytes
      }.map { try $0.get() }
      XCTAssertEqual(found, [[UInt8]](repeating: [UInt8(root + 1), 9], count: 3), "from \(root)")
    }
  }

  func testTheOnlyMemberReceivesWhatItSends() throws {
    let solo = SoloCommunicator()
    XCTAssertEqual([solo.rank, solo.size], [0, 1])
    for call in [solo.allToAll, solo.allGather] {
      let sent: [UInt8] = [1, 2, 3]
      var received: [UInt8] = [0, 0, 0]
      received.withUnsafeMutableBytes { receive in sent.withUnsafeBytes { call($0, receive) } }
      XCTAssertEqual(received, sent)
    }
    XCTAssertEqual(try solo.gathered([5, 6], filling: 0), [5, 6])
    XCTAssertEqual(
      InProcessCommunicator.group(of: 0).map { [$0.rank, $0.size] }, [[0, 1]], "nobody is somebody")
    XCTAssertEqual(
      InProcessCommunicator.group(of: 2).map { [$0.rank, $0.size] }, [[0, 2], [1, 2]])
  }

  func testMembersThatExchangeOtherNumbersOfBytesAreToldWho() {
    let errors = Ranks.errors(2) { communicator in
      try communicator.gathered([UInt8](repeating: 1, count: 1 + communicator.rank), filling: 0)
    }
    XCTAssertEqual(
      errors,
      [
        "rank 1 exchanges 2 bytes, and rank 0 1: all ranks must make the same calls",
        "rank 0 exchanges 1 bytes, and rank 1 2: all ranks must make the same calls",
      ])
  }

  func testWhoWaitsForAMemberThatGaveUpIsToldWhoAndWhy() {
    let errors = Ranks.errors(3) { communicator in
      if communicator.rank == 2 {
        communicator.abort("no disk")
        communicator.abort("no memory")
      }
      return try communicator.gathered([1], filling: 0)
    }
    XCTAssertEqual(errors, [String?](repeating: "rank 2 failed: no disk", count: 3))
  }

  // MARK: Texts and errors

  func testTheTextOfTheFirstMemberThatHasOneIsThatOfAll() throws {
    func first(_ texts: [String?]) throws -> [String?] {
      try Ranks.run(texts.count) { communicator in
        try communicator.firstText(texts[communicator.rank]).map { "\($0.rank): \($0.text)" }
      }.map { try $0.get() }
    }
    XCTAssertEqual(
      try first([nil, "one", "two"]), [String?](repeating: "1: one", count: 3))
    XCTAssertEqual(try first([nil, nil, "ü"]), [String?](repeating: "2: ü", count: 3))
    XCTAssertEqual(try first([nil, nil]), [nil, nil])
    let long = String(repeating: "x", count: 1500)
    XCTAssertEqual(
      try first([long, nil]), [String?](repeating: "0: " + String(long.prefix(1000)), count: 2))
  }

  func testWhatOneMemberFailsInTheOthersFailInToo() {
    let kinds = Lock([CommunicationFault?](repeating: nil, count: 3))
    let errors = Ranks.errors(3) { communicator in
      do {
        return try communicator.allSucceeding {
          if communicator.rank > 0 { throw Failure(description: "no \(communicator.rank)") }
          return communicator.rank
        }
      } catch let error as CommunicationError {
        kinds.withLock { $0[communicator.rank] = error.kind }
        throw error
      }
    }
    XCTAssertEqual(errors, ["rank 1 failed: no 1", "no 1", "no 2"])
    XCTAssertEqual(kinds.withLock { $0 }, [.failedElsewhere, nil, nil])
  }

  func testWhatAllSucceedInEachHasItsOwnResultOf() throws {
    let found = try Ranks.run(2) { communicator in
      try communicator.allSucceeding { 10 + communicator.rank }
    }.map { try $0.get() }
    XCTAssertEqual(found, [10, 11])
  }

  func testOthersAreToldOfAnErrorUnlessThereAreNone() {
    for (size, expected) in [(1, []), (2, ["abort no disk"])] as [(Int, [String])] {
      let member = Noting(InProcessCommunicator.group(of: size)[0])
      XCTAssertThrowsError(
        try member.tellingOthers { throw Failure(description: "no disk") }
      ) { XCTAssertEqual("\($0)", "no disk") }
      XCTAssertEqual(member.notes.withLock { $0 }, expected)
      XCTAssertEqual(try member.tellingOthers { 5 }, 5)
      XCTAssertEqual(member.notes.withLock { $0 }, expected)
    }
    let member = Noting(SoloCommunicator())
    let error = member.givingUp(because: "there is no memory")
    XCTAssertEqual(error.kind, .failed)
    XCTAssertEqual("\(error)", "there is no memory")
    XCTAssertEqual(member.notes.withLock { $0 }, ["abort there is no memory"])
  }

  func testAFailureNamesTheRankAndThePlaceWhereThereIsOne() {
    let member = InProcessCommunicator.group(of: 3)[2]
    let error = member.failure("MPI_Bcast failed", in: "update 7")
    XCTAssertEqual(error.kind, .failed)
    XCTAssertEqual(
      "\(error)",
      "MPI_Bcast failed on rank 2 in update 7; end all ranks, and start them again")
    XCTAssertEqual(
      "\(member.failure("MPI_Bcast failed", in: nil))",
      "MPI_Bcast failed on rank 2; end all ranks, and start them again")
  }

  func testPlacesAreSaidWhereOthersMayWait() {
    for (size, expected) in [(1, []), (2, ["enter update 3"])] as [(Int, [String])] {
      let member = Noting(InProcessCommunicator.group(of: size)[0])
      member.enterIfShared("update 3")
      XCTAssertEqual(member.notes.withLock { $0 }, expected)
    }
  }

  func testTheBytesOfTheFirstMemberAreThoseOfAllAndRoomIsAskedForByTheOthers() throws {
    let asked = Lock<[Int: [Int]]>([:])
    let found = try Ranks.run(3) { communicator in
      let own: [UInt8] = communicator.rank == 0 ? [3, 1, 4] : [9]
      return try communicator.sharedByFirst(own) { count in
        asked.withLock { $0[communicator.rank, default: []].append(count) }
      }
    }.map { try $0.get() }
    XCTAssertEqual(found, [[UInt8]](repeating: [3, 1, 4], count: 3))
    XCTAssertEqual(asked.withLock { $0 }, [1: [3], 2: [3]])
    XCTAssertEqual(try SoloCommunicator().sharedByFirst([7]) { _ in XCTFail("asked") }, [7])
  }

  func testAnErrorThatIsThrownIsGiven() {
    XCTAssertNil(errorThrown {})
    XCTAssertEqual(errorThrown { throw Failure(description: "x") }.map { "\($0)" }, "x")
  }

  // MARK: Meetings

  func testAMeetingThatWasClosedGivesTheFirstReasonFromThenOn() {
    let meeting = Rendezvous(1)
    XCTAssertNil(meeting.meet())
    XCTAssertNil(meeting.meet())
    meeting.close("first")
    meeting.close("second")
    XCTAssertEqual(meeting.meet(), "first")
    XCTAssertEqual(meeting.meet(), "first")
  }

  // MARK: Watching

  func testOnlyThoseWhoMayWaitForOthersAreWatchedAndThoseOnce() {
    let solo = SoloCommunicator()
    XCTAssertTrue(WatchedCommunicator.watching(solo) === solo)
    let member = InProcessCommunicator.group(of: 3)[1]
    let watched = WatchedCommunicator.watching(member)
    XCTAssertTrue(watched is WatchedCommunicator)
    XCTAssertEqual([watched.rank, watched.size], [1, 3])
    XCTAssertTrue(WatchedCommunicator.watching(watched) === watched)
    XCTAssertEqual(WatchedCommunicator.usualLimit, 60)
  }

  func testAWatchedMemberExchangesAndSaysWhatTheOneBehindItDoes() throws {
    let found = try Ranks.run(2) { communicator in
      let watched = WatchedCommunicator(communicator, limit: 60) { _ in }
      let rank = UInt8(watched.rank)
      var (blocks, all, shared) = ([UInt8](repeating: 0, count: 2), [UInt8](), [rank])
      try [10 + rank, 20 + rank].withUnsafeBytes { sent in
        try blocks.withUnsafeMutableBytes { try watched.allToAll(sent, into: $0) }
      }
      all = try watched.gathered([rank + 1], filling: 0)
      try shared.withUnsafeMutableBytes { try watched.broadcast($0, from: 1) }
      return blocks + all + shared
    }.map { try $0.get() }
    XCTAssertEqual(found, [[10, 11, 1, 2, 1], [20, 21, 1, 2, 1]])
    let inner = Noting(InProcessCommunicator.group(of: 2)[0])
    let watched = WatchedCommunicator(inner, limit: 60) { _ in }
    watched.enter("update 5")
    watched.enter(nil)
    watched.abort("enough")
    XCTAssertEqual(
      inner.notes.withLock { $0 }, ["enter update 5", "enter nothing", "abort enough"])
  }

  func testACallBeforeAnyPlaceBelongsToTheBeginning() throws {
    let said = Lock<[String]>([])
    let members = InProcessCommunicator.group(of: 2)
    let watched = WatchedCommunicator(members[0], limit: 0.01) { line in
      said.withLock { $0.append(line) }
    }
    let results = Ranks.run(2, members: [watched, members[1]]) { communicator in
      if communicator.rank == 1 {
        for _ in 0..<3000 where said.withLock({ $0.isEmpty }) { usleep(10_000) }
      }
      return try communicator.gathered([communicator.rank], filling: 0)
    }
    for result in results { XCTAssertEqual(try result.get(), [0, 1]) }
    XCTAssertEqual(
      said.withLock { $0 },
      ["rank 0 has waited for 0.01 s in the beginning for ranks that have not come"])
  }

  // MARK: Launchers

  func testALauncherIsKnownByWhatItTellsItsProcesses() {
    func launcher(_ variables: [String: String]) -> MPILauncher? { MPILauncher { variables[$0] } }
    let open = launcher([
      "OMPI_COMM_WORLD_SIZE": "6", "OMPI_COMM_WORLD_LOCAL_SIZE": "3", "OMPI_COMM_WORLD_RANK": "4",
    ])
    XCTAssertEqual(open?.variable, "OMPI_COMM_WORLD_SIZE")
    XCTAssertEqual(open?.size, 6)
    XCTAssertEqual(open?.localSize, 3)
    XCTAssertEqual(open?.isFirst, false)
    let other = launcher(["PMI_SIZE": "4", "MPI_LOCALNRANKS": "2", "PMI_RANK": "0"])
    XCTAssertEqual(other?.variable, "PMI_SIZE")
    XCTAssertEqual(other?.size, 4)
    XCTAssertEqual(other?.localSize, 2)
    XCTAssertEqual(other?.isFirst, true)
    XCTAssertEqual(launcher(["PMI_SIZE": "4", "PMI_RANK": "1"])?.isFirst, false)
    // What a launcher does not say.
    let bare = launcher(["PMI_SIZE": "2"])
    XCTAssertEqual(bare?.localSize, 1)
    XCTAssertEqual(bare?.isFirst, true)
    XCTAssertEqual(launcher(["PMI_SIZE": "2", "MPI_LOCALNRANKS": "0"])?.localSize, 1)
  }

  func testAProcessThatIsAloneHasNoLauncher() {
    for variables in [
      [:], ["OMPI_COMM_WORLD_SIZE": "1"], ["PMI_SIZE": "1"], ["PMI_SIZE": "many"],
      ["PMI_SIZE": "0"], ["PMI_RANK": "1"],
    ] as [[String: String]] {
      XCTAssertNil(MPILauncher { variables[$0] }, "\(variables)")
    }
    let both = ["OMPI_COMM_WORLD_SIZE": "1", "PMI_SIZE": "3"]
    XCTAssertEqual(MPILauncher { both[$0] }?.variable, "PMI_SIZE")
  }
}
