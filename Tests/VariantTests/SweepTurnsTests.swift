import Communication
import Foundation
import VAEZoo
import XCTest

/// Who trains which run of a sweep that several processes divide: here threads.
final class SweepTurnsTests: XCTestCase {
  private var folder = ""

  override func setUpWithError() throws {
    folder = NSTemporaryDirectory() + "turns-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws { try FileManager.default.removeItem(atPath: folder) }

  private var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
  }

  func testEveryRunIsTakenByOneProcessAndNothingIsLeftOfARound() throws {
    // What a job that was killed has left.
    try FileManager.default.createDirectory(
      atPath: folder + "/.turns-1/3", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: folder + "/beta=1", withIntermediateDirectories: true)
    let folder = folder
    for _ in 0..<2 {
      let taken = Ranks.run(3) { communicator in
        let turns = try SweepTurns(in: folder, count: 40, communicator)
        let own = try (0..<40).filter { place in
          // The first process is held up, as by a long run.
          if communicator.rank == 0, place == 1 { usleep(200_000) }
          return try turns.take(place)
        }
        _ = try communicator.gathered([0], filling: 0)
        try turns.end()
        return own
      }
      let own = try taken.map { try $0.get() }
      XCTAssertEqual(own.flatMap(\.self).sorted(), Array(0..<40))
      // By turns it would have had 14 of them.
      XCTAssertLessThan(own[0].count, 14)
      XCTAssertEqual(try contents, ["beta=1"])
    }
  }

  func testAStopOfOneProcessKeepsAllFromTakingMore() throws {
    let folder = folder
    let taken = Ranks.run(2) { communicator in
      let turns = try SweepTurns(in: folder, count: 4, communicator)
      let first = try turns.take(communicator.rank)
      let areLeft = try !turns.areAllTaken()
      _ = try communicator.gathered([0], filling: 0)
      if communicator.rank == 1 {
        try turns.stop()
        try turns.stop()
      }
      _ = try communicator.gathered([0], filling: 0)
      return [first, areLeft, try turns.take(2 + communicator.rank), try turns.areAllTaken()]
    }
    for result in taken { XCTAssertEqual(try result.get(), [true, true, false, true]) }
  }

  func testAProcessByItselfTakesAllAndLeavesNothingThere() throws {
    // What a job of several that was killed has left.
    try FileManager.default.createDirectory(
      atPath: folder + "/.turns-1/3", withIntermediateDirectories: true)
    let turns = try SweepTurns(in: folder, count: 1, SoloCommunicator())
    XCTAssertTrue(try turns.take(0) && turns.take(0))
    try turns.stop()
    try turns.end()
    XCTAssertEqual(try contents, [])
  }

  func testAFolderThatTheFirstProcessCannotUseIsRefusedOnAll() throws {
    let missing = folder + "/none"
    let errors = Ranks.errors(2) { _ = try SweepTurns(in: missing, count: 1, $0) }
    XCTAssertTrue(errors[0]?.contains(missing) ?? false, "\(errors)")
    XCTAssertTrue(errors[1]?.contains("rank 0 failed") ?? false, "\(errors)")
  }
}
