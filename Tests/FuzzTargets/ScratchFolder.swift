import Glibc

/// A folder of this process for files that are read by their names, in memory where the system has such.
struct ScratchFolder: Sendable {
  let path: String

  static let shared = ScratchFolder()

  private init() {
    let root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    path = "\(root)/vae-fuzz-\(getpid())"
    mkdir(path, 0o700)
    atexit { ScratchFolder.remove(ScratchFolder.shared.path) }
  }

  /// Writes a file, over what was there, and gives its path.
  func write(_ bytes: [UInt8], _ name: String) -> String {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    check(descriptor >= 0, "\(file) cannot be written")
    defer { close(descriptor) }
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    check(count == bytes.count, "\(file) cannot be written")
    return file
  }

  /// Removes a folder and all in it, links themselves and not what they lead to.
  static func remove(_ path: String) {
    for entry in content(of: path) {
      let below = "\(path)/\(entry.name)"
      if entry.isFolder { remove(below) } else { unlink(below) }
    }
    rmdir(path)
  }

  /// What a folder holds, by name; nothing where it is none.
  static func content(of path: String) -> [(name: String, isFolder: Bool)] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var found: [(name: String, isFolder: Bool)] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      guard name != "." && name != ".." else { continue }
      found.append((name, entry.pointee.d_type == UInt8(DT_DIR)))
    }
    return found.sorted { $0.name < $1.name }
  }
}
