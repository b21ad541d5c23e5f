import Glibc
import Messages
import VAEFiles
import VAEImages
import VAEReport
import VAETraining

/// What `train` writes for people to look at while it goes on. Training never ends because that
/// fails: it is said once.
final class TrainingPages {
  private let runPath: String
  private let tensorBoard: TensorBoardLog?
  private let writesReport: Bool
  private var nextReport = 0.0
  private var hasFailed = (report: false, log: false)

  /// A page takes at most this share of the time.
  private static let share = 0.02
  /// Seconds between two pages, at least.
  private static let interval = 2.0

  init(run path: String, writesReport: Bool, tensorBoard: TensorBoardLog?) {
    runPath = path
    self.writesReport = writesReport
    self.tensorBoard = tensorBoard
  }

  /// Takes in what training reports; returns what the user should know.
  func note(_ event: TrainingEvent) -> Message? {
    do {
      if !hasFailed.log { try tensorBoard?.add(event) }
    } catch {
      hasFailed.log = true
      return "no more is written for TensorBoard: \(error)"
    }
    if case .stored = event, TensorBoardLog.now() >= nextReport { return writeReport(isLive: true) }
    return nil
  }

  /// Writes what is left when training has ended; returns what the user should know.
  func finish() -> [Message] {
    var notices: [Message] = []
    do {
      if !hasFailed.log { try tensorBoard?.flush() }
    } catch {
      notices.append("the last numbers are not written for TensorBoard: \(error)")
    }
    hasFailed.report = false
    if let notice = writeReport(isLive: false) { notices.append(notice) }
    return notices
  }

  private func writeReport(isLive: Bool) -> Message? {
    guard writesReport, !hasFailed.report else { return nil }
    let begin = TensorBoardLog.now()
    do {
      let page = try Report.page(RunHistory.read(runPath), isLive: isLive)
      try RunFolder.open(runPath).writeReport(page)
      let end = TensorBoardLog.now()
      nextReport = end + max(Self.interval, (end - begin) / Self.share)
      return nil
    } catch {
      hasFailed.report = true
      return "the report is not written: \(error)"
    }
  }
}
