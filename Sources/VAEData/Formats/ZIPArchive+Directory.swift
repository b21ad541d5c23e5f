import Messages
import VAEFiles

extension ZIPArchive {
  /// An archive of arrays has a directory of hundreds of bytes.
  private static let largestDirectory = 1 << 24

  /// Where the directory lies, by the record at the file's end.
  static func directoryRange(_ file: InputFile) throws(DataError) -> Range<Int> {
    let recordSize = 22
    let tailStart = max(0, file.size - recordSize - 0xffff)
    let tail = LittleEndianBytes(try file.bytes(tailStart..<file.size))
    let record = stride(from: tail.count - recordSize, through: 0, by: -1).first { offset in
      // The record ends with a comment, which ends the file.
      tail.word(at: offset) == 0x0605_4b50
        && tail.short(at: offset + 20) == tail.count - offset - recordSize
    }
    guard let record, var size = tail.word(at: record + 12),
      var offset = tail.word(at: record + 16)
    else {
      throw malformed(file.path, "it has no end record, so it is truncated or something else")
    }
    var end = tailStart + record
    if Extension64.isElsewhere(size) || Extension64.isElsewhere(offset) {
      (size, offset, end) = try directory64(file, before: end)
    }
    guard offset <= end, size <= end - offset else {
      throw malformed(
        file.path, "there is no room for its directory of \(size) bytes at byte \(offset)")
    }
    guard size <= largestDirectory else {
      throw malformed(
        file.path, "its directory has \(size) bytes, expected \(largestDirectory) at most")
    }
    return offset..<offset + size
  }

  /// Size and place of the directory by the 64-bit end record, and where that record begins.
  private static func directory64(
    _ file: InputFile, before end: Int
  ) throws(DataError) -> (size: Int, offset: Int, end: Int) {
    let (locatorSize, recordSize) = (20, 56)
    let locator = LittleEndianBytes(try file.bytes(max(0, end - locatorSize)..<end))
    guard locator.word(at: 0) == 0x0706_4b50, let place = locator.long(at: 8),
      place <= end - locatorSize - recordSize
    else {
      throw malformed(file.path, "its 64-bit end record is not where it should be")
    }
    let record = LittleEndianBytes(try file.bytes(place..<place + recordSize))
    guard record.word(at: 0) == 0x0606_4b50, let size = record.long(at: 40),
      let offset = record.long(at: 48)
    else {
      throw malformed(file.path, "its 64-bit end record is damaged")
    }
    return (size, offset, place)
  }

  /// The entries that a directory lists.
  static func entries(
    _ directory: LittleEndianBytes, path: String
  ) throws(DataError) -> [Entry] {
    let most = InputLimits.current.archiveMembers
    var entries: [Entry] = []
    var offset = 0
    while offset < directory.count {
      guard let (entry, end) = entry(directory, at: offset) else {
        throw malformed(path, "entry \(entries.count) of its directory is damaged")
      }
      entries.append(entry)
      guard entries.count <= most else {
        throw DataError(
          .unusable,
          "\(path) has more than \(most) members, the limit archive_members; if you trust it, raise it by "
            + "\(.limit("archive_members", directory.count / leastEntrySize))")
      }
      offset = end
    }
    return entries
  }

  /// An entry without a name, in bytes.
  private static let leastEntrySize = 46

  /// The entry at a place and where the next begins, nil where there is no whole entry.
  private static func entry(
    _ directory: LittleEndianBytes, at offset: Int
  ) -> (entry: Entry, end: Int)? {
    guard directory.word(at: offset) == 0x0201_4b50,
      let flags = directory.short(at: offset + 8), let method = directory.short(at: offset + 10),
      let checksum = directory.word(at: offset + 16),
      let compressedSize = directory.word(at: offset + 20),
      let size = directory.word(at: offset + 24),
      let nameLength = directory.short(at: offset + 28),
      let extraLength = directory.short(at: offset + 30),
      let commentLength = directory.short(at: offset + 32),
      let headerOffset = directory.word(at: offset + 42)
    else {
      return nil
    }
    let nameStart = offset + leastEntrySize
    let extraStart = nameStart + nameLength
    let commentStart = extraStart + extraLength
    guard commentStart + commentLength <= directory.count else { return nil }
    var extension64 = Extension64(directory, range: extraStart..<commentStart)
    guard let size = extension64.resolve(size),
      let compressedSize = extension64.resolve(compressedSize),
      let headerOffset = extension64.resolve(headerOffset),
      // No file is as large, and products of sizes stay within 64 bits.
      max(size, compressedSize, headerOffset) < 1 << 48
    else {
      return nil
    }
    let entry = Entry(
      name: String(decoding: directory.bytes[nameStart..<extraStart], as: UTF8.self), size: size,
      compressedSize: compressedSize, checksum: UInt32(checksum), method: method, flags: flags,
      headerOffset: headerOffset)
    return (entry, commentStart + commentLength)
  }
}

/// The 64-bit extension of an entry: it holds, in order, those of the entry's sizes and its place
/// that do not stand in their own fields.
private struct Extension64 {
  private let directory: LittleEndianBytes
  private var next: Int
  private let end: Int

  /// Finds the extension among an entry's extra fields.
  init(_ directory: LittleEndianBytes, range: Range<Int>) {
    self.directory = directory
    var offset = range.lowerBound
    while offset + 4 <= range.upperBound, let identifier = directory.short(at: offset),
      let size = directory.short(at: offset + 2)
    {
      offset += 4
      if identifier == 1 {
        next = offset
        end = min(offset + size, range.upperBound)
        return
      }
      offset += size
    }
    (next, end) = (range.upperBound, range.upperBound)
  }

  /// Whether a field says that its value stands in the extension.
  static func isElsewhere(_ value: Int) -> Bool { value == 0xffff_ffff }

  /// The value of a field, nil where the extension lacks it.
  mutating func resolve(_ value: Int) -> Int? {
    guard Self.isElsewhere(value) else { return value }
    guard next + 8 <= end, let value = directory.long(at: next) else { return nil }
    next += 8
    return value
  }
}
