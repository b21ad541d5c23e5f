import Glibc
import VAECore
import VAEFiles
import VAETraining

/// Writes what happens in a training into a folder that TensorBoard reads.
public final class TensorBoardLog {
  /// The file that this session writes.
  public var path: String { folder.path(of: name) }

  private let folder: Folder
  private let name: String
  private let stepInterval: Int
  private let heldOutName: String
  private let clock: () -> Double
  private var pending: [UInt8] = []
  private var writtenAt = 0.0

  /// Seconds after which what has gathered is written.
  private static let interval = 5.0
  /// Batches an epoch whose terms are written.
  private static let batchesPerEpoch = 100

  /// A log in a folder, which is made if need be, and a file in it.
  ///
  /// - Parameters:
  ///   - path: of the folder. Where it lies in the run folder, no link in that is followed.
  ///   - run: the path of the run folder, nil for none.
  ///   - updatesPerEpoch: for how often the terms of a batch are written: about a hundred times an
  ///     epoch.
  ///   - heldOutName: the split that held-out numbers are of.
  ///   - clock: seconds since 1970.
  /// - Throws: `FileError` where folder or file cannot be written.
  public init(
    folder path: String, ofRun run: String? = nil, updatesPerEpoch: Int, heldOutName: String,
    clock: @escaping () -> Double = TensorBoardLog.now
  ) throws {
    stepInterval = max(1, updatesPerEpoch / Self.batchesPerEpoch)
    self.heldOutName = heldOutName
    self.clock = clock
    folder = try Self.makeFolder(path, ofRun: run)
    // A name that TensorBoard knows by its middle, that sorts by time, and that no other session
    // has.
    var number = 0
    let stem = "events.out.tfevents.\(Int(clock())).vae-zoo.\(getpid())"
    while folder.has("\(stem).\(number)") { number += 1 }
    name = "\(stem).\(number)"
    add(.fileVersion("brain.Event:2"), step: 0)
    try flush()
  }

  /// Makes a folder where there is none.
  ///
  /// - Parameters:
  ///   - path: of the folder.
  ///   - run: the path of the run folder, nil for none.
  /// - Throws: `FileError` where it cannot be made, or files cannot be made in it.
  public static func checkFolder(_ path: String, ofRun run: String? = nil) throws {
    _ = try makeFolder(path, ofRun: run)
  }

  private static func makeFolder(_ path: String, ofRun run: String?) throws -> Folder {
    if try DurableFiles.kind(of: path) == nil && !DurableFiles.exists(path) {
      try DurableFiles.makeFolder(path)
    }
    let folder = try Folder.opening(path, within: run)
    guard access(path.systemPath, W_OK | X_OK) == 0 else {
      throw FileError(.unwritable, "write", path, SystemFault())
    }
    return folder
  }

  /// The time of the system, in seconds since 1970.
  public static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Takes in what training reports.
  ///
  /// - Throws: `FileError` where the file cannot be written.
  public func add(_ event: TrainingEvent) throws {
    switch event {
    case .started(let step, _):
      if step > 0 { add(.sessionStart, step: step + 1) }
    case .step(let step, _, _, let terms):
      guard step % stepInterval == 0 else { break }
      add(.scalars(Self.scalars(terms, "batch")), step: step)
      if clock() - writtenAt > Self.interval { try flush() }
    case .epoch(let record):
      add(.scalars(scalars(record)), step: record.step)
      try flush()
    case .stored, .notice: break
    }
  }

  /// Writes what has gathered.
  public func flush() throws {
    guard !pending.isEmpty else { return }
    try folder.append(name, pending)
    pending = []
    writtenAt = clock()
  }

  private func add(_ content: TensorBoardEvent.Content, step: Int) {
    pending += TensorBoardEvent(time: clock(), step: step, content).record
  }

  private static func scalars(_ terms: BoundTerms, _ split: String) -> [TensorBoardEvent.Scalar] {
    [
      .init("elbo/\(split)", terms.elbo), .init("distortion/\(split)", terms.distortion),
      .init("rate/\(split)", terms.rate),
    ]
  }

  private func scalars(_ record: EpochRecord) -> [TensorBoardEvent.Scalar] {
    var scalars = Self.scalars(record.train, "train")
    if let valid = record.valid { scalars += Self.scalars(valid, heldOutName) }
    for curve in record.metrics.entries.flatMap(\.report.curves) {
      scalars.append(.init("latents/\(curve.name)", curve.value))
    }
    for term in record.terms { scalars.append(.init("terms/\(term.name)", term.value)) }
    scalars.append(.init("time/seconds_of_epoch", record.seconds))
    return scalars
  }
}
