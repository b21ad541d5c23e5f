import CVAE
import Glibc
import VAEFiles

extension Plugin {
  /// The variable with further plug-ins: files, and folders of them, separated by colons.
  public static let pathVariable = "VAE_ZOO_PLUGIN_PATH"

  private static let entryName = "vae_plugin_entry"

  /// Loads a shared object and reads its description. It is never unloaded.
  ///
  /// - Throws: `PluginError` naming the file and what is wrong with it.
  public static func load(_ path: String) throws(PluginError) -> Plugin {
    let file = try resolved(path)
    let sha256: String
    do {
      sha256 = SHA256.text(try SHA256.hash(ofFile: file))
    } catch {
      throw PluginError(
        error.kind == .exhausted ? .exhausted : .unusable,
        "\(path) cannot be loaded: \(error.message)")
    }
    guard let library = dlopen(file.systemPath, RTLD_NOW | RTLD_LOCAL) else {
      throw PluginError(.unusable, "\(path) cannot be loaded: \(lastError)")
    }
    guard let symbol = dlsym(library, entryName) else {
      throw PluginError(
        .unusable,
        "\(path) exports no \(entryName), so it is no plug-in; declare it with VAE_PLUGIN_EXPORT")
    }
    return try Plugin(
      entry: unsafeBitCast(symbol, to: vae_plugin_entry_function.self), origin: file,
      sha256: sha256)
  }

  /// The files that a search path names: files as they stand, and of folders every file that ends
  /// in `.so`, by name. What does not exist is left in, to be refused by name.
  public static func files(in searchPath: String) -> [String] {
    searchPath.split(separator: ":").map(String.init).flatMap { path -> [String] in
      guard let folder = opendir(path.systemPath) else { return [path] }
      defer { closedir(folder) }
      var names: [String] = []
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
          name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
            String(systemPath: $0)
          }
        }
        if name.hasSuffix(".so") { names.append(name) }
      }
      return names.sorted().map { "\(path)/\($0)" }
    }
  }

  /// The one absolute path of a file, by which recipes name it.
  private static func resolved(_ path: String) throws(PluginError) -> String {
    guard let found = realpath(path.systemPath, nil) else {
      throw PluginError(
        .missing, "there is no plug-in \(path): \(String(cString: strerror(errno)))")
    }
    defer { free(found) }
    return String(systemPath: found)
  }

  private static var lastError: String {
    dlerror().map { String(systemPath: $0) } ?? "the reason is not known"
  }
}
