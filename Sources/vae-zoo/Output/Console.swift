import Glibc
import Messages
import VAEFiles
import VAEReport
import VAEZoo

/// Standard output and standard error. Text goes to both as `PlainText` shows it, whatever it quotes.
enum Console {
  /// What the numbers of trainings and comparisons are.
  static let unitsNotice: Message =
    "numbers are −ELBO = distortion + rate in nats per example, lower is better"

  /// Why standard output could not be written: the first value of `errno`.
  private static let outputFailure = Lock<Int32?>(nil)
  private static let silence = Lock(false)

  /// Whether nothing is printed, because another process speaks for this one.
  static var isSilent: Bool {
    get { silence.withLock { $0 } }
    set { silence.withLock { $0 = newValue } }
  }

  /// Lines for people on standard output, at once, so that a pipe sees them.
  static func print(_ lines: String) { output(PlainText.lines(lines) + "\n") }

  /// A line for programs on standard output, at once.
  static func print(_ value: JSON) { output(value.line + "\n") }

  /// A value for programs on standard output, laid out so that people can edit it.
  static func print(document value: JSON) { output(value.document) }

  /// What cannot be written does not end a training, which keeps its results elsewhere too:
  /// `finishOutput` throws it in the end.
  private static func output(_ text: String) {
    guard !isSilent else { return }
    outputFailure.withLock { failure in
      guard failure == nil else { return }
      failure = StandardStreams.write(text, to: STDOUT_FILENO)
      if failure == EPIPE { StandardStreams.endForBrokenPipe() }
    }
  }

  /// Throws an `OutputError` where something that was printed has got lost.
  static func finishOutput() throws {
    let code = outputFailure.withLock { $0 } ?? StandardStreams.flush(STDOUT_FILENO)
    if let code { throw OutputError(code: code) }
  }

  /// A message as a line on standard error.
  static func error(_ message: Message) { error(text: message.onCommandLine) }

  /// A line that is made elsewhere on standard error.
  static func error(text: String) { write(PlainText.line(text) + "\n") }

  /// Text of this program's own on standard error, without a line break.
  static func write(_ text: String) {
    guard !isSilent else { return }
    // There is no place left to say that this could not be said.
    _ = StandardStreams.write(text, to: STDERR_FILENO)
  }

  /// Whether standard error is a terminal that can redraw a line.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// The columns of the terminal that standard error is; nil where it does not say.
  static var terminalColumns: Int? {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// A number with a fixed count of decimals and a true minus sign.
  static func fixed(_ value: Double, _ decimals: Int = 2) -> String {
    let text = Numerals.plain(value, decimals)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// What a metric found, with standard errors.
  static func numbers(_ row: MetricReport.Row) -> String {
    row.numbers.map { number in
      fixed(number.mean, row.decimals)
        + (number.standardError.map { " ± \(fixed($0, row.decimals))" } ?? "")
    }.joined(separator: " ")
  }

  /// Text with line breaks where it would be wider than a terminal of 80 columns: at spaces, of which a word that is
  /// wider has none.
  ///
  /// - Parameters:
  ///   - text: without line breaks.
  ///   - indent: spaces before every line but the first.
  ///   - first: spaces before the first.
  static func wrapped(_ text: String, indent: Int, first: Int = 0) -> String {
    var lines: [String] = []
    var line = String(repeating: " ", count: first)
    var isEmpty = true
    for word in PlainText.line(text).split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > 80 {
        lines.append(line)
        (line, isEmpty) = (String(repeating: " ", count: indent), true)
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// Columns padded to the widest entry, two spaces apart; the last one runs free.
  static func table(_ rows: [[String]]) -> String {
    // A line break in a cell would make a row that nobody wrote.
    let rows = rows.map { $0.map { PlainText.line($0) } }
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
  ///   - unit: of the work, in the singular.
  mutating func show(
    _ fraction: Double, since startFraction: Double, work: Int, unit: String, text: String
  ) {
    let time = Clock.seconds
    guard isShown, time - shownAt > 0.1 else { return }
    shownAt = time
    let elapsed = time - begin
    let share = fraction - startFraction
    let remaining = share > 0 ? elapsed / share * (1 - fraction) : 0
    var rest = "\(Console.fixed(fraction * 100, 0))%  \(PlainText.line(text))"
    if elapsed > 0 && work > 0 {
      rest += "  \(Self.speed(Double(work) / elapsed, unit: unit))"
    }
    rest += "  \(Numerals.clock(remaining)) left"
    // A line that fills the last column would go on in the next row, and be redrawn there.
    let columns = (Console.terminalColumns ?? 80) - 1
    let line = String(
      (Self.bar(fraction, cells: columns - rest.count - 1) + rest).prefix(max(0, columns)))
    let blank = String(repeating: " ", count: max(0, min(width, columns) - line.count))
    Console.write("\r" + line + blank)
    width = line.count
  }

  /// A bar with a space behind it, of as many cells as there is room for; empty where these would
  /// show nothing.
  private static func bar(_ fraction: Double, cells room: Int) -> String {
    let cells = min(24, room)
    guard cells >= 4 else { return "" }
    let filled = Int(max(0, min(1, fraction)) * Double(cells))
    return String(repeating: "━", count: filled) + String(repeating: "╌", count: cells - filled)
      + " "
  }

  /// Such as "240 steps/s", or "1.8 s/step" where that is less than one.
  private static func speed(_ rate: Double, unit: String) -> String {
    rate < 1
      ? "\(Console.fixed(1 / rate, 1)) s/\(unit)"
      : "\(Console.fixed(rate, rate < 10 ? 1 : 0)) \(unit)s/s"
  }

  /// Removes the line, so that something else can be printed.
  mutating func clear() {
    guard isShown, width > 0 else { return }
    Console.write("\r" + String(repeating: " ", count: width) + "\r")
    width = 0
  }
}
