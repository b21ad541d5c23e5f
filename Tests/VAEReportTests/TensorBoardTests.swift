import Foundation
import VAECore
import VAEEvaluation
import VAEFiles
import VAEReport
import VAETraining
import XCTest

/// Event files as TensorBoard reads them.
final class TensorBoardTests: XCTestCase {
  func testChecksAreThoseOfTheStandard() {
    // RFC 3720, appendix B.4, and the usual check value.
    XCTAssertEqual(CRC32C.checksum([UInt8](repeating: 0, count: 32)), 0x8a91_36aa)
    XCTAssertEqual(CRC32C.checksum([UInt8](repeating: 255, count: 32)), 0x62a8_ab43)
    XCTAssertEqual(CRC32C.checksum((0..<32).map { UInt8($0) }), 0x46dd_794e)
    XCTAssertEqual(CRC32C.checksum(Array("123456789".utf8)), 0xe306_9283)
  }

  func testEventsAreTheBytesThatTensorBoardsOwnWriterMakes() throws {
    let url = try XCTUnwrap(Bundle.module.url(forResource: "Reference", withExtension: nil))
      .appendingPathComponent("events.bin")
    let events = [
      TensorBoardEvent(time: 1_700_000_000.5, step: 0, .fileVersion("brain.Event:2")),
      TensorBoardEvent(time: 1_700_000_001.25, step: 6, .sessionStart),
      TensorBoardEvent(
        time: 1_700_000_002, step: 6,
        .scalars([.init("elbo/batch", -123.25), .init("rate/batch", 17.5)])),
      TensorBoardEvent(
        time: 1_700_000_003, step: 300_000,
        .scalars([
          .init("distortion/tëst", 1e-3), .init(String(repeating: "x", count: 200), -0.0),
        ])),
    ]
    XCTAssertEqual(events.flatMap(\.record), [UInt8](try Data(contentsOf: url)))
  }

  private func epoch(_ number: Int) -> EpochRecord {
    var metrics = MetricResults()
    metrics[ActiveUnitsMetric.self] = .init(active: Estimate(of: [7]), units: 9)
    metrics[RatePerLayerMetric.self] = [3, 1.5]
    metrics[CodebookUsageMetric.self] = CodeUsage(counts: [3, 0, 1])
    return EpochRecord(
      epoch: number, step: number * 200, train: BoundTerms(distortion: 90, rate: 20),
      valid: BoundTerms(distortion: 95, rate: 21), metrics: metrics,
      terms: [(name: "penalty", value: 2)], seconds: 1.5)
  }

  func testALogHoldsBatchesNowAndThenAndEveryEpoch() throws {
    let folder = temporaryFolder(self)
    var time = 1_700_000_000.0
    let log = try TensorBoardLog(
      folder: folder, updatesPerEpoch: 200, heldOutName: "test",
      clock: {
        time += 0.001
        return time
      })
    try log.add(.started(step: 0, totalSteps: 400))
    for step in 1...200 {
      try log.add(.step(step, of: 400, epoch: 1, terms: BoundTerms(distortion: 100, rate: 1)))
    }
    try log.add(.epoch(epoch(1)))
    let events = try EventFile.events(at: log.path)
    let batches = events.filter { $0.tags.contains("elbo/batch") }
    XCTAssertEqual(batches.map(\.step), Array(stride(from: 2, through: 200, by: 2)))
    let last = try XCTUnwrap(events.last)
    XCTAssertEqual(last.step, 200)
    XCTAssertEqual(last.values["elbo/train"], -110)
    XCTAssertEqual(last.values["elbo/test"], -116)
    for (tag, value) in [
      ("distortion/train", 90), ("rate/train", 20), ("distortion/test", 95), ("rate/test", 21),
      ("time/seconds_of_epoch", 1.5), ("latents/rate_of_level_0", 3),
    ] as [(String, Float)] { XCTAssertEqual(last.values[tag], value, tag) }
    XCTAssertEqual(batches[0].values["distortion/batch"], 100)
    XCTAssertEqual(batches[0].values["rate/batch"], 1)
    XCTAssertEqual(last.values["latents/active_units"], 7)
    XCTAssertEqual(last.values["latents/rate_of_level_1"], 1.5)
    XCTAssertEqual(last.values["latents/codes_in_use"], 2)
    XCTAssertEqual(last.values["terms/penalty"], 2)
    XCTAssertFalse(events.contains(where: \.isSessionStart))
  }

  func testBatchesAreWrittenEveryFiveSecondsAndEpochsAtOnce() throws {
    let folder = temporaryFolder(self)
    var time = 1_700_000_000.0
    let log = try TensorBoardLog(
      folder: folder, updatesPerEpoch: 50, heldOutName: "test", clock: { time })
    XCTAssertTrue(log.path.contains("/events.out.tfevents.1700000000.vae-zoo."), log.path)
    func steps() throws -> [Int] { try EventFile.events(at: log.path).dropFirst().map(\.step) }
    func add(_ step: Int, at seconds: Double) throws {
      time = 1_700_000_000 + seconds
      try log.add(.step(step, of: 400, epoch: 1, terms: BoundTerms(distortion: 100, rate: 1)))
    }
    try add(1, at: 2)
    try add(2, at: 4.9)
    XCTAssertEqual(try steps(), [])
    try add(3, at: 5.1)
    XCTAssertEqual(try steps(), [1, 2, 3], "of fewer than a hundred updates each is written")
    try add(4, at: 10)
    XCTAssertEqual(try steps(), [1, 2, 3])
    try log.add(.epoch(epoch(1)))
    XCTAssertEqual(try steps(), [1, 2, 3, 4, 200])
    XCTAssertEqual(
      try EventFile.events(at: log.path).map { Int((($0.time - 1_700_000_000) * 10).rounded()) },
      [0, 20, 49, 51, 100, 100])
    try add(5, at: 11)
    try log.flush()
    XCTAssertEqual(try steps().last, 5)
  }

  func testAContinuedTrainingSaysWhichStepsNoLongerHoldInAFileOfItsOwn() throws {
    let folder = temporaryFolder(self)
    let paths = try [0, 200].map { step in
      let log = try TensorBoardLog(
        folder: folder, updatesPerEpoch: 200, heldOutName: "test", clock: { 1_700_000_000 })
      try log.add(.started(step: step, totalSteps: 400))
      try log.add(.epoch(epoch(2)))
      return log.path
    }
    XCTAssertNotEqual(paths[0], paths[1])
    XCTAssertTrue(paths.allSatisfy { $0.contains("tfevents") })
    XCTAssertFalse(try EventFile.events(at: paths[0]).contains(where: \.isSessionStart))
    let starts = try EventFile.events(at: paths[1]).filter(\.isSessionStart)
    XCTAssertEqual(starts.map(\.step), [201])
  }

  func testAFolderThatCannotBeWrittenIsRefusedNamingIt() throws {
    let file = temporaryFolder(self) + ".txt"
    try DurableFiles.replace(file, with: [1])
    addTeardownBlock { try? FileManager.default.removeItem(atPath: file) }
    for folder in [file, "\(file)/logs", "/proc/logs"] {
      XCTAssertThrowsError(
        try TensorBoardLog(folder: folder, updatesPerEpoch: 1, heldOutName: "test")
      ) { XCTAssertTrue("\($0)".contains(folder), "\($0)") }
    }
  }
}

/// Reads event files apart from the code that writes them.
private struct EventFile {
  let time: Double
  let step: Int
  let values: [String: Float]
  let isSessionStart: Bool

  var tags: [String] { Array(values.keys) }

  static func events(at path: String) throws -> [EventFile] {
    var rest = try DurableFiles.read(path)[...]
    var events: [EventFile] = []
    while !rest.isEmpty {
      let length = Int(rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      events.append(EventFile(Array(rest.dropFirst(12).prefix(length))))
      rest = rest.dropFirst(length + 16)
    }
    return events
  }

  private init(_ message: [UInt8]) {
    var (time, step, values, isStart) = (0.0, 0, [String: Float](), false)
    for (number, value) in Self.fields(message) {
      switch (number, value) {
      case (1, .bytes(let bits)):
        time = Double(bitPattern: bits.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      case (2, .number(let found)): step = found
      case (7, .bytes): isStart = true
      case (5, .bytes(let summary)):
        for case (1, .bytes(let entry)) in Self.fields(summary) {
          var (tag, scalar) = ("", Float.nan)
          for (number, value) in Self.fields(entry) {
            if case .bytes(let text) = value, number == 1 {
              tag = String(decoding: text, as: UTF8.self)
            }
            if case .bytes(let bits) = value, number == 2 {
              scalar = Float(
                bitPattern: bits.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
            }
          }
          values[tag] = scalar
        }
      default: break
      }
    }
    (self.time, self.step, self.values, isSessionStart) = (time, step, values, isStart)
  }

  private enum Value {
    case number(Int)
    case bytes([UInt8])
  }

  private static func fields(_ message: [UInt8]) -> [(Int, Value)] {
    var place = 0
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while message[place] & 0x80 != 0 {
        value |= Int(message[place] & 0x7f) << shift
        (place, shift) = (place + 1, shift + 7)
      }
      value |= Int(message[place]) << shift
      place += 1
      return value
    }
    var fields: [(Int, Value)] = []
    while place < message.count {
      let key = varint()
      switch key & 7 {
      case 0: fields.append((key >> 3, .number(varint())))
      case let type:
        let size = type == 1 ? 8 : type == 5 ? 4 : varint()
        fields.append((key >> 3, .bytes(Array(message[place..<place + size]))))
        place += size
      }
    }
    return fields
  }
}
