import CProcess
import Glibc
import VAEFiles

/// What the process was begun with.
enum Invocation {
  /// The arguments, the name of the program among them, as the system handed them over.
  static let arguments: [String] = {
    let pointers = UnsafeBufferPointer(
      start: process_arguments(), count: Int(process_argument_count()))
    return pointers.compactMap { $0.map { String(systemPath: $0) } }
  }()

  /// The path of this program, for starting it again: the one by which it was started, since the
  /// system calls a process by the last part of that. Where it leads elsewhere, as that of a script,
  /// it is the one that the system knows.
  static var executable: String? {
    let own = "/proc/self/exe"
    let begun = process_executed_path().map { String(systemPath: $0) }
    guard let known = identity(own) else { return begun }
    if let begun, identity(begun) == known { return begun }
    return linkTarget(own) ?? begun
  }

  /// Where a symbolic link leads, nil where there is none.
  private static func linkTarget(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path.systemPath, &target, target.count)
    return count < 0 ? nil : String(systemPath: target.prefix(count).map(UInt8.init(bitPattern:)))
  }

  /// The file that a path leads to, whatever its name; nil for none.
  private static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    guard stat(path.systemPath, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }
}
