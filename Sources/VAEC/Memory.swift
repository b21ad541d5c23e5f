import CVAE
import Glibc
import Messages
import VAEFiles
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

  /// The bytes that the machine, the process's container and its limits have left for it, the least
  /// of them.
  private static var available: Double { min(free, containerRest, addressRest) }

  /// What the machine has left, with what it would clear for a process.
  private static var free: Double {
    value(of: "MemAvailable:", in: "/proc/meminfo").map { $0 * 1024 } ?? installed
  }

  /// What a container (control groups, version 2) still allows.
  private static var containerRest: Double {
    let folder = "/sys/fs/cgroup"
    guard let limit = value(of: "", in: "\(folder)/memory.max"), limit > 0 else { return .infinity }
    return limit - (value(of: "", in: "\(folder)/memory.current") ?? 0)
  }

  /// What the limit of the address space (`ulimit -v`) still allows.
  private static var addressRest: Double {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < UInt64(Int64.max)
    else { return .infinity }
    let used = (value(of: "VmSize:", in: "/proc/self/status") ?? 0) * 1024
    return Double(limit.rlim_cur) - used
  }

  /// The number after a name at the beginning of a line of a file; nil where there is none.
  private static func value(of name: String, in path: String) -> Double? {
    guard let file = fopen(path.systemPath, "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(name) else { continue }
      let digits = text.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
        .prefix { $0.isNumber }
      return Double(digits)
    }
    return nil
  }

  /// The machine's memory in bytes.
  private static var installed: Double {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? Double(pages) * Double(size) : .infinity
  }

  /// Refuses a pass of some images through a network, which keeps several maps of an image's size.
  static func check(rows: Int, of shape: ImageShape) throws(CallError) {
    try check(
      bytes: Double(rows) * Double(shape.count) * 4 * 8,
      for: "\(Count.of(rows, "image")) of \(shape) at once")
  }
}
