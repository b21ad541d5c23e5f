/// Bytes that are read in order, once.
protocol ByteStream: AnyObject {
  /// Fills the buffer from its start; fewer bytes than it holds only at the stream's end, at which
  /// whatever the stream can check of itself has been checked.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int

  /// Where in a file the next bytes stand as they are given; nil where they are computed.
  var place: FilePlace? { get }

  /// Refuses more bytes than the stream may give, before memory is taken for them.
  ///
  /// - Parameter size: how many are still to be read, such as a header declares.
  /// - Throws: `DataError` that names the limit and how to raise it.
  func check(_ size: Int) throws(DataError)
}

/// A place in a file.
struct FilePlace {
  let file: InputFile
  /// In bytes.
  let offset: Int
}

extension ByteStream {
  /// Nowhere.
  var place: FilePlace? { nil }

  /// What stands in a file as it is is no larger than the file.
  func check(_ size: Int) throws(DataError) {}

  /// The next bytes; fewer than asked for only at the stream's end.
  func next(_ count: Int) throws(DataError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let found = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
      try read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return Array(bytes.prefix(found))
  }
}

/// A range of a file's bytes.
final class FileSection: ByteStream {
  private let file: InputFile
  private var position: Int
  private let end: Int
  /// In bytes.
  let size: Int

  /// The given range, by default all.
  init(_ file: InputFile, range: Range<Int>? = nil) {
    self.file = file
    position = range?.lowerBound ?? 0
    end = range?.upperBound ?? file.size
    size = end - position
  }

  var place: FilePlace? { FilePlace(file: file, offset: position) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(end - position))
    let count = try file.read(at: position, into: wanted)
    position += count
    return count
  }
}
