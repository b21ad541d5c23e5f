import Glibc
import VAEFiles

extension PixelImage {
  /// Writes the picture as a PNG: whole, or not at all.
  ///
  /// - Throws: `PixelImageError`; where it concerns the file, it names `path`.
  public func writePNG(to path: String) throws {
    try PictureFile.replace(path, with: pngData())
  }
}

/// Files of pictures, which are there whole or not at all.
enum PictureFile {
  /// Writes a file.
  ///
  /// The bytes go to a temporary name in the same folder, reach the disk, and are renamed over
  /// `path`; a file that stood there is replaced.
  ///
  /// - Throws: `PixelImageError.unwritable` naming `path`.
  static func replace(_ path: String, with bytes: [UInt8]) throws(PixelImageError) {
    // A rename would replace a device or a pipe by a file instead of writing to it.
    var status = stat()
    if stat(path.systemPath, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
      throw PixelImageError.unwritable(path: path, reason: "it exists and is not a file")
    }

    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
    do throws(SystemFailure) {
      try write(bytes, toNewFile: temporary)
      guard rename(temporary.systemPath, path.systemPath) == 0 else { throw SystemFailure() }
    } catch {
      unlink(temporary.systemPath)
      throw .unwritable(path: path, reason: error.reason)
    }
  }
}

/// The text of `errno` at the time of its making.
private struct SystemFailure: Error {
  let reason = String(cString: strerror(errno))
}

/// Creates a file that must not exist, and returns when its bytes are on the disk.
private func write(_ bytes: [UInt8], toNewFile path: String) throws(SystemFailure) {
  let file = open(path.systemPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  guard file >= 0 else { throw SystemFailure() }
  do throws(SystemFailure) {
    var remaining = bytes[...]
    while !remaining.isEmpty {
      let count = remaining.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count >= 0 {
        remaining = remaining.dropFirst(count)
      } else if errno != EINTR {
        throw SystemFailure()
      }
    }
    guard fsync(file) == 0 else { throw SystemFailure() }
  } catch {
    close(file)
    throw error
  }
  guard close(file) == 0 else { throw SystemFailure() }
}
