import Messages
import VAECore
import VAEFiles

/// Text of rows whose cells are separated by a character, as RFC 4180 describes it: a cell may stand
/// between quotation marks, in which two stand for one and separators and line breaks for themselves.
/// Lines end with LF, CR LF or CR; lines without a character are passed over.
struct SeparatedText {
  /// A row as it stands in the text.
  struct Record {
    /// The bytes of all cells, one after the other, without quotation marks.
    fileprivate(set) var bytes: [UInt8] = []
    /// Where each cell ends among them.
    fileprivate(set) var ends: [Int] = []
    /// Whether each cell stands between quotation marks.
    fileprivate(set) var isQuoted: [Bool] = []
    /// The line that it begins in, the first one being 1.
    fileprivate(set) var line = 1
    /// The number of cells, of which no more than `TableColumns.limit` are kept.
    fileprivate(set) var count = 0

    /// The bytes of a cell that is kept.
    func cell(_ number: Int) -> ArraySlice<UInt8> {
      bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
    }

    /// The same as a word or a name: without the spaces around it, unless these stand between quotation marks.
    func word(_ number: Int) -> ArraySlice<UInt8> {
      isQuoted[number] ? cell(number) : CellNumber.trimmed(cell(number))
    }
  }

  /// What messages call the text: its path.
  let name: String
  /// What stands between cells.
  let separator: UInt8

  /// The most bytes of a cell.
  static let longestCell = 1 << 20
  /// The most bytes of the cells of a row.
  static let longestRow = 1 << 24

  private enum Place {
    case cellStart, plain, quoted, afterQuote
  }

  /// Reads all rows in order.
  ///
  /// - Parameters:
  ///   - stream: of the text.
  ///   - body: told one row after the other.
  /// - Throws: `DataError` of kind `malformed` where the text breaks the form, naming the line.
  func forEachRecord(
    of stream: any ByteStream, _ body: (borrowing Record) throws(DataError) -> Void
  ) throws(DataError) {
    var reader = Reader(name: name, separator: separator)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { room.deallocate() }
    var isFirst = true
    while true {
      let count = try stream.read(into: room)
      var piece = UnsafeRawBufferPointer(rebasing: room[..<count])
      if isFirst {
        try Self.checkEncoding(piece, name: name)
        if piece.starts(with: Self.byteOrderMark) {
          piece = UnsafeRawBufferPointer(rebasing: piece[3...])
        }
        isFirst = false
      }
      try reader.take(piece, body)
      if count < room.count { break }
    }
    try reader.finish(body)
  }

  /// What UTF-8 may begin with.
  private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

  private static func checkEncoding(
    _ start: UnsafeRawBufferPointer, name: String
  ) throws(DataError) {
    guard start.starts(with: [0xff, 0xfe]) || start.starts(with: [0xfe, 0xff]) else { return }
    throw DataError(.malformed, "\(name) is text of UTF-16; store it as UTF-8")
  }

  /// The state between two pieces of the text.
  private struct Reader {
    let name: String
    let separator: UInt8
    var record = Record()
    private var place = Place.cellStart
    private var line = 1
    /// Where the quotation mark stands that is open.
    private var quoteLine = 1
    private var cellStart = 0
    private var isQuoted = false
    /// Whether the last byte was CR, to which a following LF belongs.
    private var wasReturn = false

    init(name: String, separator: UInt8) {
      self.name = name
      self.separator = separator
    }

    mutating func take(
      _ piece: UnsafeRawBufferPointer, _ body: (borrowing Record) throws(DataError) -> Void
    ) throws(DataError) {
      for byte in piece {
        let followsReturn = wasReturn
        wasReturn = false
        if byte == UInt8(ascii: "\n") && followsReturn {
          // One line break of two bytes: outside of quotation marks it has ended a row already.
          if place == .quoted { try append(byte) }
          continue
        }
        guard byte != 0 else {
          throw fault(line, "holds a zero byte, so it is no text; store the table as UTF-8 text")
        }
        let isBreak = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        wasReturn = byte == UInt8(ascii: "\r")
        switch place {
        case .quoted:
          if byte == UInt8(ascii: "\"") { place = .afterQuote } else { try append(byte) }
        case .afterQuote where byte == UInt8(ascii: "\""):
          try append(byte)
          place = .quoted
        case .cellStart where byte == UInt8(ascii: "\""):
          place = .quoted
          isQuoted = true
          quoteLine = line
        case _ where byte == separator: endCell()
        case _ where isBreak: try endRecord(body)
        case .afterQuote:
          throw fault(
            line,
            "has text behind a closing quotation mark; write a quotation mark inside of a cell twice"
          )
        case .cellStart, .plain:
          place = .plain
          try append(byte)
        }
        if isBreak { line += 1 }
      }
    }

    mutating func finish(
      _ body: (borrowing Record) throws(DataError) -> Void
    ) throws(DataError) {
      guard place != .quoted else {
        throw fault(quoteLine, "opens a quotation mark that is never closed")
      }
      try endRecord(body)
    }

    /// Whether the cell that is read is counted only: a row has memory for no more cells than a table may have
    /// columns, however many separators stand in it.
    private var isBeyondLimit: Bool { record.count >= TableColumns.limit }

    private mutating func append(_ byte: UInt8) throws(DataError) {
      guard !isBeyondLimit else { return }
      guard record.bytes.count - cellStart < SeparatedText.longestCell else {
        throw fault(
          place == .quoted ? quoteLine : line,
          "has a cell of more than \(SeparatedText.longestCell) bytes"
            + (place == .quoted ? "; is a quotation mark not closed?" : ""))
      }
      guard record.bytes.count < SeparatedText.longestRow else {
        throw fault(record.line, "has a row of more than \(SeparatedText.longestRow) bytes")
      }
      record.bytes.append(byte)
    }

    private mutating func endCell() {
      if !isBeyondLimit {
        record.ends.append(record.bytes.count)
        record.isQuoted.append(isQuoted)
      }
      isQuoted = false
      record.count += 1
      cellStart = record.bytes.count
      place = .cellStart
    }

    private mutating func endRecord(
      _ body: (borrowing Record) throws(DataError) -> Void
    ) throws(DataError) {
      let isEmpty = record.count == 0 && record.bytes.isEmpty && place == .cellStart
      endCell()
      if !isEmpty { try body(record) }
      record.bytes.removeAll(keepingCapacity: true)
      record.ends.removeAll(keepingCapacity: true)
      record.isQuoted.removeAll(keepingCapacity: true)
      record.count = 0
      record.line = line + 1
      cellStart = 0
    }

    private func fault(_ line: Int, _ text: Message) -> DataError {
      DataError(.malformed, "\(name), line \(line): " + text)
    }
  }
}
