import CVAE
import Glibc
import VAEZoo

/// What fits in memory, so far as that can be told beforehand.
enum Memory {
  /// What is not worth a question, in bytes.
  private static let least = 1e8

  /// Refuses what would need more than there is, before the system ends the process for it.
  static func check(bytes: Double, for purpose: @autoclosure () -> String) throws(CallError) {
    guard bytes > least, bytes > available else { return }
    throw CallError(
      VAE_ERR_OUT_OF_MEMORY,
      "\(purpose()) would need about \((bytes / 1e8).rounded() / 10) GB of memory, more than there is"
    )
  }

  /// The bytes that the machine has left for a process, with what it would clear for it.
  private static var available: Double {
    guard let file = fopen("/proc/meminfo", "re") else { return installed }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    let name = "MemAvailable:"
    while fgets(&line, Int32(line.count), file) != nil {
      if strncmp(line, name, name.utf8.count) == 0 {
        return line.withUnsafeBufferPointer { line in
          line.baseAddress.map { Double(atoll($0 + name.utf8.count)) * 1024 } ?? installed
        }
      }
    }
    return installed
  }

  /// The machine's memory in bytes.
  private static var installed: Double {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? Double(pages) * Double(size) : .infinity
  }

  /// Refuses a pass of some images through a network, which keeps several maps of an image's size.
  static func check(rows: Int, of shape: ImageShape) throws(CallError) {
    try check(
      bytes: Double(rows) * Double(shape.count) * 4 * 8, for: "\(rows) images of \(shape) at once")
  }
}
