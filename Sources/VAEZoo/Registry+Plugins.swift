import VAEPluginHost
import VAERecipes

extension Registry {
  /// The built-in variants and components with those of plug-ins.
  ///
  /// - Parameters:
  ///   - files: plug-ins that are asked for by name: one that cannot be used is an error.
  ///   - searchPath: files, and folders of them, separated by colons; of these, one that cannot be
  ///     used is left out.
  ///   - examine: given each file of the search path before it is loaded; throws to leave it out.
  /// - Returns: the registry, and why plug-ins of the search path were left out.
  /// - Throws: `PluginError`.
  public static func withPlugins(
    _ files: [String], searchPath: String? = nil,
    examine: (String) throws(PluginError) -> Void = { (_) throws(PluginError) in }
  ) throws(PluginError) -> (registry: Registry, skipped: [PluginError]) {
    var registry = Registry.builtIn
    for file in files { try registry.register(Plugin.load(file)) }
    var skipped: [PluginError] = []
    for file in searchPath.map(Plugin.files) ?? [] {
      do {
        try examine(file)
        let plugin = try Plugin.load(file)
        // A file that was asked for by name as well has been registered.
        guard !registry.plugInOrigins.contains(plugin.origin) else { continue }
        try registry.register(plugin)
      } catch {
        skipped.append(error)
      }
    }
    return (registry, skipped)
  }
}
