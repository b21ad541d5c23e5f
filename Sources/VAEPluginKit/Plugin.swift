import CVAE
import Synchronization

/// What the host hands to a plug-in.
public typealias PluginHost = UnsafePointer<vae_host>

/// What a plug-in gives the host.
public typealias PluginDescription = UnsafePointer<vae_plugin>

/// A plug-in in Swift: what `vae_plugin_entry` gives the host.
///
/// A plug-in is a dynamic library that exports this one symbol:
///
///     @c(vae_plugin_entry)
///     public func pluginEntry(_ host: PluginHost?) -> PluginDescription? { plugin.entry(host) }
///
/// Only C crosses the border, so that host and plug-in may be built by different compilers, each with
/// a Swift runtime of its own (see docs/plugins.md).
public final class Plugin: Sendable {
  private let name: String
  private let version: String
  private let summary: String
  private let components: @Sendable () -> [PluginComponent]
  private let descriptions = Mutex<[UInt: UInt]>([:])

  /// A plug-in.
  ///
  /// - Parameters:
  ///   - name: such as "wavelets".
  ///   - version: of the plug-in.
  ///   - summary: one line.
  ///   - components: what it brings.
  public init(
    _ name: String, version: String, summary: String,
    components: @escaping @Sendable () -> [PluginComponent]
  ) {
    self.name = name
    self.version = version
    self.summary = summary
    self.components = components
  }

  /// The description of the plug-in for a host; nil for one that is older than this kit.
  public func entry(_ host: PluginHost?) -> PluginDescription? {
    guard let host, host.pointee.struct_size >= MemoryLayout<vae_host>.size else { return nil }
    let address = descriptions.withLock { known in
      let key = UInt(bitPattern: host)
      if let address = known[key] { return address }
      let address = UInt(bitPattern: description(for: host))
      known[key] = address
      return address
    }
    return PluginDescription(bitPattern: address)
  }

  private func description(for host: UnsafePointer<vae_host>) -> UnsafePointer<vae_plugin> {
    let described = components().map { $0.description(for: host) }
    var plugin = vae_plugin()
    plugin.struct_size = UInt32(MemoryLayout<vae_plugin>.size)
    plugin.abi_version = UInt32(VAE_PLUGIN_ABI_MAJOR) << 16 | UInt32(VAE_PLUGIN_ABI_MINOR)
    plugin.name = Forever.text(name)
    plugin.version = Forever.text(version)
    plugin.summary = Forever.text(summary)
    plugin.components = Forever.array(described)
    plugin.component_count = UInt64(described.count)
    return Forever.array([plugin])
  }
}

extension PluginComponent {
  /// As C describes it; what it points at is kept for ever.
  fileprivate func description(for host: UnsafePointer<vae_host>) -> vae_component {
    var c = vae_component()
    c.struct_size = UInt32(MemoryLayout<vae_component>.size)
    c.name = Forever.text(name)
    c.summary = Forever.text(summary)
    c.hyperparameters = Forever.array(hyperparameters.map(\.asC))
    c.hyperparameter_count = UInt64(hyperparameters.count)
    c.user_data = Unmanaged.passRetained(Factory(self, host)).toOpaque()
    c.create = { build, arguments, count, factory in
      guard let factory else { return nil }
      return Unmanaged<Factory>.fromOpaque(factory).takeUnretainedValue()
        .make(build, arguments, Int(count))
    }
    c.destroy = { object in
      if let object { Unmanaged<Instance>.fromOpaque(object).release() }
    }
    c.uses_condition = usesCondition ? 1 : 0
    switch methods {
    case .encoder(let methods): c.encoder = Forever.array([methods])
    case .prior(let methods): c.prior = Forever.array([methods])
    case .decoder(let methods): c.decoder = Forever.array([methods])
    case .likelihood(let methods): c.likelihood = Forever.array([methods])
    }
    return c
  }
}

/// What makes objects of a component for a host.
private final class Factory {
  private let component: PluginComponent
  private let host: UnsafePointer<vae_host>

  init(_ component: PluginComponent, _ host: UnsafePointer<vae_host>) {
    self.component = component
    self.host = host
  }

  func make(
    _ build: OpaquePointer?, _ arguments: UnsafePointer<vae_argument>?, _ count: Int
  ) -> UnsafeMutableRawPointer? {
    do {
      let instance = try component.make(
        Build(host: host, pointer: build),
        Arguments(component.hyperparameters, arguments, count: count))
      return Unmanaged<Instance>.passRetained(instance).toOpaque()
    } catch {
      host.pointee.fail(build, "\(error)")
      return nil
    }
  }
}
