import Foundation

/// A terminal of a given width that a command writes to.
final class Terminal {
  struct Unavailable: Error {}

  private let near: Int32
  private let far: Int32

  /// Opens a terminal.
  init(columns: Int) throws {
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    var (near, far): (Int32, Int32) = (-1, -1)
    guard openpty(&near, &far, nil, nil, &size) == 0 else { throw Unavailable() }
    (self.near, self.far) = (near, far)
  }

  deinit { close(near) }

  /// What a process writes to.
  var handle: FileHandle { FileHandle(fileDescriptor: far, closeOnDealloc: false) }

  /// All that is written until the process, which has been started, has ended.
  func read() -> String {
    close(far)
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while case let count = Glibc.read(near, &part, part.count), count > 0 {
      bytes += part.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
