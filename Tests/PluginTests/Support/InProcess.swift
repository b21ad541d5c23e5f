// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEZoo

/// A plug-in of the test's own, whose descriptions a test may spoil, and whose one component is a
/// prior of three units with a density that the test writes.
enum InProcess {
  typealias Density = (
    _ host: vae_host, _ pass: OpaquePointer?, _ z: OpaquePointer?
  ) -> OpaquePointer?

  nonisolated(unsafe) static var host = vae_host()
  /// What the prior's density does.
  nonisolated(unsafe) static var density: Density = { $0.row_sums($1, $2) }
  /// The name of a stream of random numbers.
  nonisolated(unsafe) static let streamName = text("stream")

  nonisolated(unsafe) private static var description: UnsafePointer<vae_plugin>?

  /// The table of the prior.
  nonisolated(unsafe) static let prior: UnsafeMutablePointer<vae_prior> = {
    var prior = vae_prior()
    prior.struct_size = UInt32(MemoryLayout<vae_prior>.size)
    prior.units = { _ in 3 }
    prior.log_density = { _, pass, z in InProcess.density(InProcess.host, pass, z) }
    prior.sample = { _, pass, temperature in
      var units: Int64 = 3
      let host = InProcess.host
      return host.scale(pass, host.normal(pass, "sample", &units, 1), temperature, 0)
    }
    return kept(prior)
  }()

  /// A copy of a value that is never freed.
  static func kept<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    place.initialize(to: value)
    return place
  }

  /// A text that is never freed.
  static func text(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { (place + index).initialize(to: byte) }
    return UnsafePointer(place)
  }

  static var component: vae_component {
    var component = vae_component()
    component.struct_size = UInt32(MemoryLayout<vae_component>.size)
    component.name = text("test")
    component.summary = text("a prior of the test's own")
    component.create = { _, _, _, _ in UnsafeMutableRawPointer(InProcess.prior) }
    component.prior = UnsafePointer(prior)
    return component
  }

  static var variant: vae_variant {
    var variant = vae_variant()
    variant.struct_size = UInt32(MemoryLayout<vae_variant>.size)
    variant.name = text("test-vae")
    variant.summary = text("a variant of the test's own")
    variant.encoder = text("mlp")
    variant.prior = text("test")
    variant.decoder = text("mlp")
    return variant
  }

  static func hyperparameter(_ type: Int32, _ name: String = "size") -> vae_hyperparameter {
    var hyperparameter = vae_hyperparameter()
    hyperparameter.struct_size = UInt32(MemoryLayout<vae_hyperparameter>.size)
    hyperparameter.type = type
    hyperparameter.name = text(name)
    hyperparameter.help = text("what it does")
    return hyperparameter
  }

  /// A plug-in of some components and variants.
  static func plugin(
    components: [vae_component] = [component], variants: [vae_variant] = []
  ) -> vae_plugin {
    var plugin = vae_plugin()
    plugin.struct_size = UInt32(MemoryLayout<vae_plugin>.size)
    plugin.abi_version = UInt32(VAE_PLUGIN_ABI_MAJOR) << 16 | UInt32(VAE_PLUGIN_ABI_MINOR)
    plugin.name = text("test")
    plugin.version = text("1")
    (plugin.components, plugin.component_count) = array(components)
    (plugin.variants, plugin.variant_count) = array(variants)
    return plugin
  }

  static func array<Value>(_ values: [Value]) -> (UnsafePointer<Value>?, UInt64) {
    guard !values.isEmpty else { return (nil, 0) }
    let place = UnsafeMutablePointer<Value>.allocate(capacity: values.count)
    place.initialize(from: values, count: values.count)
    return (UnsafePointer(place), UInt64(values.count))
  }

  /// A component that takes hyper-parameters.
  static func component(_ hyperparameters: [vae_hyperparameter]) -> vae_component {
    var component = component
    (component.hyperparameters, component.hyperparameter_count) = array(hyperparameters)
    return component
  }

  /// Reads a description as that of a plug-in.
  static func load(_ plugin: vae_plugin, name: String = "test") throws -> Plugin {
    try load(UnsafePointer(kept(plugin)), name: name)
  }

  static func load(_ plugin: UnsafePointer<vae_plugin>?, name: String = "test") throws -> Plugin {
    description = plugin
    return try Plugin.inProcess(
      { host in
        if let host { InProcess.host = host.pointee }
        return InProcess.description
      }, name: name)
  }

  /// The built-in registry with the plug-in.
  static func registry(_ plugin: vae_plugin = plugin()) throws -> Registry {
    var registry = Registry.builtIn
    try registry.register(load(plugin))
    return registry
  }
}
