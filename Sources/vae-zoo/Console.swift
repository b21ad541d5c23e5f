import Glibc
import VAEReport
import VAEZoo

/// Standard output and standard error.
enum Console {
  /// A line on standard output, at once, so that a pipe sees it.
  static func print(_ line: String) {
    Swift.print(line)
    fflush(nil)
  }

  /// A line on standard error.
  static func error(_ line: String) {
    write(line + "\n")
  }

  /// Text on standard error without a line break.
  static func write(_ text: String) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
      }
      guard count > 0 || (count < 0 && errno == EINTR) else { return }
      written += max(0, count)
    }
  }

  /// Whether standard error is a terminal that can redraw a line.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// A number with a fixed count of decimals.
  static func fixed(_ value: Double, _ decimals: Int = 2) -> String {
    Numerals.plain(value, decimals)
  }

  /// Columns padded to the widest entry, two spaces apart; the last one runs free.
  static func table(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        column == row.count - 1
          ? text : text + String(repeating: " ", count: widths[column] - text.count + 2)
      }.joined()
    }.joined(separator: "\n")
  }
}

/// Progress on one line of a terminal: bar, speed, remaining time. Silent elsewhere.
struct ProgressBar {
  private let isShown = Console.isTerminal
  private let begin = Clock.seconds
  private var shownAt = 0.0
  private var width = 0

  /// Redraws the line, at most ten times a second.
  ///
  /// - Parameters:
  ///   - fraction: of the whole that is done.
  ///   - work: units done since this bar began, for the speed.
  mutating func show(
    _ fraction: Double, since startFraction: Double, work: Int, unit: String, text: String
  ) {
    let time = Clock.seconds
    guard isShown, time - shownAt > 0.1 else { return }
    shownAt = time
    let elapsed = time - begin
    let cells = 24
    let filled = Int(max(0, min(1, fraction)) * Double(cells))
    let bar = String(repeating: "━", count: filled) + String(repeating: "╌", count: cells - filled)
    let share = fraction - startFraction
    let remaining = share > 0 ? elapsed / share * (1 - fraction) : 0
    var line = "\(bar) \(Console.fixed(fraction * 100, 0))%  \(text)"
    if elapsed > 0 { line += "  \(Console.fixed(Double(work) / elapsed, 0)) \(unit)/s" }
    line += "  \(Numerals.clock(remaining)) left"
    let blank = String(repeating: " ", count: max(0, width - line.count))
    Console.write("\r" + line + blank)
    width = line.count
  }

  /// Removes the line, so that something else can be printed.
  mutating func clear() {
    guard isShown, width > 0 else { return }
    Console.write("\r" + String(repeating: " ", count: width) + "\r")
    width = 0
  }
}
