import Glibc

/// Memory that can still be taken.
enum MemoryAtHand {
  /// In bytes: what the system has without swapping, or what the process may still take.
  static var bytes: Int {
    var least = available ?? .max
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != .max {
      least = min(least, max(0, (Int(exactly: limit.rlim_cur) ?? .max) - taken))
    }
    return least
  }

  /// `MemAvailable` of /proc/meminfo, in kilobytes there.
  private static var available: Int? {
    guard let text = text("/proc/meminfo") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }

  /// The address space of the process, in pages the first number of /proc/self/statm.
  private static var taken: Int {
    let pages = text("/proc/self/statm")?.split(separator: " ").first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// A file of /proc, which has no size before it is read.
  private static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 13)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
