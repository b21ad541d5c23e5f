import CVAE
import Messages
import VAECore
import VAEInterface
import VAERecipes

/// A plug-in that has been found, loaded and described: what it brings, checked. Nothing of it has
/// been made yet.
public struct Plugin: Sendable {
  /// Its own name.
  public let name: String
  /// Its own version.
  public let version: String
  /// What it is, in one line.
  public let summary: String
  /// Its file, or the name of the process's own.
  public let origin: String
  /// The SHA-256 of its file before it was loaded, 64 hexadecimal digits; nil for one of the process.
  public let sha256: String?

  let components: [PluginComponent]
  let variants: [PluginVariantSource]

  /// Its components and variants, such as "prior mixture".
  public var componentTitles: [String] {
    components.map(\.title) + variants.map { "variant \($0.name)" }
  }

  /// What components and variants it may bring.
  private static let limit: UInt64 = 1000

  /// The description that an entry gives.
  ///
  /// - Throws: `PluginError` with the rule that it breaks.
  init(
    entry: vae_plugin_entry_function, origin: String, sha256: String? = nil
  ) throws(PluginError) {
    do throws(Misfit) {
      var call = EntryCall(entry: entry)
      try GuardedCall.run("vae_plugin_entry", plugin: &call) { context in
        guard let call = context?.assumingMemoryBound(to: EntryCall.self) else { return }
        call.pointee.description = call.pointee.entry(HostTable.table)
      }
      guard let description = call.description else {
        throw Misfit("vae_plugin_entry gave NULL: the plug-in cannot serve this version")
      }
      try self.init(description, origin: origin, sha256: sha256)
    } catch {
      throw PluginError(.unusable, "\(origin): \(error.message)")
    }
  }

  /// A call of the entry as it is handed through C.
  private struct EntryCall {
    let entry: vae_plugin_entry_function
    var description: UnsafePointer<vae_plugin>?
  }

  private init(
    _ description: UnsafePointer<vae_plugin>, origin: String, sha256: String?
  ) throws(Misfit) {
    // The version comes first: with another one nothing else can be understood.
    let version = UnsafeRawPointer(description).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    guard version >> 16 == UInt32(VAE_PLUGIN_ABI_MAJOR) else {
      throw Misfit(
        "it was built for version \(version >> 16).\(version & 0xffff) of vae_plugin.h, but this is "
          + "\(VAE_PLUGIN_ABI_MAJOR).\(VAE_PLUGIN_ABI_MINOR); build it with this version's header")
    }
    let source = try vae_plugin(reading: description, "the plug-in")
    self.origin = origin
    self.sha256 = sha256
    name = try pluginText(source.name, "the plug-in's name", limit: 64)
    self.version = try pluginText(source.version, "the plug-in's version", limit: 64)
    summary = try pluginText(source.summary, "the plug-in's summary", mayBeEmpty: true)
    var components: [PluginComponent] = []
    for description in try vae_component.array(
      source.components, source.component_count, "component", limit: Self.limit)
    {
      let component = try PluginComponent(description, origin: origin)
      guard !components.contains(where: { $0.title == component.title }) else {
        throw Misfit("there are two components called \(component.title)")
      }
      components.append(component)
    }
    self.components = components
    var variants: [PluginVariantSource] = []
    for description in try vae_variant.array(
      source.variants, source.variant_count, "variant", limit: Self.limit)
    {
      let variant = try PluginVariantSource(description)
      guard !variants.contains(where: { $0.name == variant.name }) else {
        throw Misfit("there are two variants called \(variant.name)")
      }
      variants.append(variant)
    }
    self.variants = variants
    guard !components.isEmpty || !variants.isEmpty else {
      throw Misfit("it brings neither components nor variants")
    }
  }

  /// A plug-in of the process itself.
  ///
  /// - Parameters:
  ///   - entry: what a shared object would export.
  ///   - name: what it is called in recipes and errors.
  public static func inProcess(
    _ entry: vae_plugin_entry_function, name: String
  ) throws(PluginError) -> Plugin {
    try Plugin(entry: entry, origin: name)
  }
}

// MARK: - Registering

extension Registry {
  /// Adds what a plug-in brings, or nothing. One of the same origin is replaced.
  ///
  /// - Throws: `PluginError` where a name is taken, or a variant names what does not exist.
  public mutating func register(_ plugin: Plugin) throws(PluginError) {
    var registry = self
    registry.remove(origin: plugin.origin)
    if let sha256 = plugin.sha256 { registry.note(sha256: sha256, of: plugin.origin) }
    do throws(Misfit) {
      for component in plugin.components {
        try registry.makeRoom(for: component)
        registry.register(component)
      }
      for source in plugin.variants {
        try registry.makeRoom(forVariant: source.name)
        registry.register(try PluginVariant(source, in: registry), origin: plugin.origin)
      }
    } catch {
      throw PluginError(.unusable, "\(plugin.origin): \(error.message)")
    }
    self = registry
  }

  private mutating func register(_ component: PluginComponent) {
    func registered<Part>(
      _ make: @escaping @Sendable (PluginInstance, BuildContext) throws -> Part
    ) -> Component<Part> {
      Component(
        role: component.methods.role, name: component.name, summary: component.summary,
        declarations: component.hyperparameters.map(\.declaration), origin: component.origin,
        usesCondition: component.source.uses_condition != 0
      ) { values, build in
        try make(try component.make(values, build), build)
      }
    }
    switch component.methods {
    case .encoder(let methods):
      let methods = Unchecked(methods)
      register(
        registered { try PluginEncoder($0, methods.value, for: $1) } as Component<any Encoder>)
    case .prior(let methods):
      let methods = Unchecked(methods)
      register(
        registered { instance, _ in try PluginPrior(instance, methods.value) }
          as Component<any Prior>)
    case .decoder(let methods):
      let methods = Unchecked(methods)
      register(registered { PluginDecoder($0, methods.value, for: $1) } as Component<any Decoder>)
    case .likelihood(let methods):
      let methods = Unchecked(methods)
      register(
        registered { try PluginLikelihood($0, methods.value, for: $1) }
          as Component<any Likelihood>)
    case .objective(let methods):
      let methods = Unchecked(methods)
      register(
        registered { instance, _ in try PluginObjective(instance, methods.value) }
          as Component<any Objective>)
    }
  }
}

/// A table of C functions, which may be called from any thread.
private struct Unchecked<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }
}
