import CVectorKernels
import Glibc

/// What memory is left for this process, as of a moment ago.
struct MemoryBudget {
  /// What was left, less what was granted since.
  private var left = 0
  private var time = -Double.infinity

  /// How long a look serves, in seconds.
  private static let validity = 0.05

  /// Grants a request where it leaves the reserve, and takes note of it.
  ///
  /// The system is asked at most every so often, and whenever a request is large for what was left.
  mutating func grants(_ bytes: Int, reserve: Int) -> Bool {
    let now = Clock.seconds
    if now - time > Self.validity || bytes > (left - reserve) / 4 {
      left = SystemMemory.memoryRest
      time = now
    }
    // A thread's first allocation takes 64 MB of the address space at once.
    guard bytes <= min(left, SystemMemory.addressRest) - reserve else { return false }
    left -= bytes
    return true
  }
}

/// What the system says about memory.
enum SystemMemory {
  /// The bytes that the machine, the control groups of the process and its limits have left for it,
  /// the least of them; more than there is where nothing is known.
  static var available: Int { min(memoryRest, addressRest) }

  /// The same without the limit of the address space.
  static var memoryRest: Int { min(machineRest, ControlGroup.memoryRest) }

  /// What the machine has left, with what it would clear for a process.
  private static var machineRest: Int {
    SystemFile.number(after: "MemAvailable:", in: "/proc/meminfo").map { $0 << 10 } ?? installed
  }

  /// The machine's memory.
  private static let installed: Int = {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? pages * size : .max
  }()

  /// What the limit of the address space (`ulimit -v`) still allows.
  static var addressRest: Int {
    let rest = vk_address_space()
    return rest == .max ? .max : max(0, Int(rest) - addressReserve)
  }

  /// What the C library and compiled kernels take of a limited address space without being asked about.
  private static let addressReserve = 32 << 20
}

/// The control groups of this process: version 2, or the hierarchies of version 1, where a container
/// shows them.
enum ControlGroup {
  /// What the groups still allow; what they hold of files counts as free, since the system clears
  /// that first.
  static var memoryRest: Int {
    memoryFolders.reduce(.max) { least, place in
      guard let limit = SystemFile.number(after: "", in: place.limit), limit < 1 << 60,
        let used = SystemFile.number(after: "", in: place.used)
      else { return least }
      let files = place.files.reduce(0) {
        $0 + (SystemFile.number(after: $1, in: place.statistics) ?? 0)
      }
      return min(least, limit - max(0, used - files))
    }
  }

  /// Processors that the groups allow to use at a time, as a share of time; nil for all.
  static var processorQuota: Double? {
    let quotas = folders(controller: "cpu").compactMap { folder, version -> Double? in
      if version == 2 {
        let parts = SystemFile.firstLine(of: "\(folder)/cpu.max").split(separator: " ")
        guard parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]),
          quota > 0, period > 0
        else { return nil }
        return quota / period
      }
      guard let quota = SystemFile.number(after: "", in: "\(folder)/cpu.cfs_quota_us"), quota > 0,
        let period = SystemFile.number(after: "", in: "\(folder)/cpu.cfs_period_us"), period > 0
      else { return nil }
      return Double(quota) / Double(period)
    }
    return quotas.min()
  }

  private struct MemoryPlace {
    let limit: String
    let used: String
    let statistics: String
    let files: [String]
  }

  /// Where limits and use of memory stand, found once: a process seldom changes its group.
  private static let memoryFolders: [MemoryPlace] = folders(controller: "memory").map {
    folder, version in
    version == 2
      ? MemoryPlace(
        limit: "\(folder)/memory.max", used: "\(folder)/memory.current",
        statistics: "\(folder)/memory.stat", files: ["inactive_file ", "active_file "])
      : MemoryPlace(
        limit: "\(folder)/memory.limit_in_bytes", used: "\(folder)/memory.usage_in_bytes",
        statistics: "\(folder)/memory.stat",
        files: ["total_inactive_file ", "total_active_file "])
  }

  /// The folders of the process's group and of those above it, as far as they can be seen.
  private static func folders(controller: String) -> [(folder: String, version: Int)] {
    var found: [(folder: String, version: Int)] = []
    for line in SystemFile.lines(of: "/proc/self/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isSecond = parts[0] == "0" && parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains(Substring(controller)) else {
        continue
      }
      // In a container the group's own path is often not there: what is seen is at the root.
      let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/\(parts[1])"
      var path = parts[2]
      while !path.isEmpty, path != "/" {
        found.append((root + path, isSecond ? 2 : 1))
        path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      }
      found.append((root, isSecond ? 2 : 1))
    }
    return found.filter { access($0.folder, X_OK) == 0 }
  }
}

/// Small text files by which the system tells about itself.
enum SystemFile {
  /// The number after a word at the beginning of a line; nil where there is none.
  static func number(after word: String, in path: String) -> Int? {
    withText(of: path) { text in
      word.utf8.withContiguousStorageIfAvailable { number(after: $0, in: text) } ?? nil
    } ?? nil
  }

  /// The lines of a file.
  static func lines(of path: String) -> [String] {
    withText(of: path) { text in
      String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    } ?? []
  }

  /// The first line of a file, empty where there is none.
  static func firstLine(of path: String) -> String { lines(of: path).first ?? "" }

  /// Runs a closure with the first bytes of a file, which takes no memory.
  private static func withText<Result>(
    of path: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8192) { buffer in
      var filled = 0
      while filled < buffer.count {
        let count = read(file, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        filled += count
      }
      return body(UnsafeBufferPointer(rebasing: buffer[..<filled]))
    }
  }

  private static func number(
    after word: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      if text[start..<end].starts(with: word) {
        var position = start + word.count
        while position < end, text[position] == UInt8(ascii: " ") || text[position] == 9 {
          position += 1
        }
        var number: Int?
        while position < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
          let (tens, over) = (number ?? 0).multipliedReportingOverflow(by: 10)
          let (sum, overSum) = tens.addingReportingOverflow(Int(text[position]) - 48)
          number = over || overSum ? .max : sum
          if over || overSum { break }
          position += 1
        }
        return number
      }
      start = end + 1
    }
    return nil
  }
}
