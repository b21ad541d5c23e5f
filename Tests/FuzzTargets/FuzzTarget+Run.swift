import Glibc
import VAEFiles
import VAEReport
import VAEZoo

extension FuzzTarget {
  /// Run folders: a good one in which one file holds something else, of which the first byte says which.
  /// It is opened, reported, and continued.
  static let run = FuzzTarget("run", longest: 8192) { bytes in
    let good = GoodRun.shared
    guard let first = bytes.first else { return }
    let file = good.files[Int(first) % good.files.count]
    let path = good.restored(with: Array(bytes.dropFirst()), as: file.name)
    var failures: [any Error] = []
    func attempt(_ body: () throws -> Void) {
      do { try body() } catch { failures.append(error) }
    }
    attempt { _ = try TrainedModel.open(path, registry: .builtIn) }
    attempt { _ = try Report.page(RunHistory.read(path)) }
    attempt {
      let request = TrainingRequest(.begun, data: good.data, run: path, existing: .resume)
      _ = try TrainingSession(request, registry: .builtIn)
    }
    // A file that is not a run's own stays, whatever the run says.
    check(access(good.bystander, F_OK) == 0, "a file beside the run was removed")
    for failure in failures { check(!"\(failure)".contains("\n"), "an error is one line") }
    if let failure = failures.first { throw failure }
  }
}

/// A small finished run, made once in each process, and kept in memory.
private struct GoodRun: Sendable {
  /// The names of its files, and what they hold.
  let files: [(name: String, bytes: [UInt8])]
  let data: String
  let bystander: String
  private let links: [(name: String, target: String)]
  private let folders: [String]

  static let shared = GoodRun()

  private init() {
    let scratch = ScratchFolder.shared
    do {
      let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 4]
      let pixels = (0..<128).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      data = scratch.write(header + pixels, "run-images-idx3-ubyte")
      let path = "\(scratch.path)/made"
      let request = TrainingRequest(
        .variant("gaussian-vae"),
        settings: [
          (key: "hidden", value: "2"), (key: "latent", value: "1"),
          (key: "training.epochs", value: "1"),
          (key: "training.batch_size", value: "4"),
        ], data: data, run: path, existing: .replace)
      let session = try TrainingSession(request, registry: .builtIn)
      _ = try session.train()
      bystander = scratch.write([1], "bystander")
      (files, links, folders) = GoodRun.content(of: path)
    } catch {
      fatalError("no run to begin with: \(error)")
    }
  }

  /// What a folder holds, sorted by name.
  private static func content(
    of root: String
  ) -> (
    files: [(name: String, bytes: [UInt8])], links: [(name: String, target: String)],
    folders: [String]
  ) {
    var names: [String] = []
    func visit(_ folder: String) {
      for entry in ScratchFolder.content(of: folder.isEmpty ? root : "\(root)/\(folder)") {
        let name = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
        names.append(name)
        if entry.isFolder { visit(name) }
      }
    }
    visit("")
    var found:
      (
        files: [(name: String, bytes: [UInt8])], links: [(name: String, target: String)],
        folders: [String]
      ) = ([], [], [])
    for name in names.sorted() {
      var status = stat()
      lstat("\(root)/\(name)", &status)
      switch status.st_mode & S_IFMT {
      case S_IFDIR: found.folders.append(name)
      case S_IFLNK:
        var target = [UInt8](repeating: 0, count: 4096)
        let count = target.withUnsafeMutableBytes { target in
          target.baseAddress.map { readlink("\(root)/\(name)", $0, target.count) } ?? 0
        }
        found.links.append((name, String(decoding: target.prefix(max(0, count)), as: UTF8.self)))
      default: found.files.append((name, (try? DurableFiles.read("\(root)/\(name)")) ?? []))
      }
    }
    return found
  }

  /// Puts the run back as it was but for one file, and gives its path.
  func restored(with bytes: [UInt8], as changed: String) -> String {
    let path = "\(ScratchFolder.shared.path)/run"
    ScratchFolder.remove(path)
    mkdir(path, 0o700)
    for folder in folders { mkdir("\(path)/\(folder)", 0o700) }
    for (name, content) in files {
      _ = ScratchFolder.shared.write(name == changed ? bytes : content, "run/\(name)")
    }
    for (name, target) in links { symlink(target, "\(path)/\(name)") }
    return path
  }
}
