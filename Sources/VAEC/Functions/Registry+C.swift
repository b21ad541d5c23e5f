// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Tensors
import VAEZoo

/// The variants and components that this process knows.
enum Known {
  static var registry: Registry { known.withLock { $0 } }

  private static let known = Lock(Registry.builtIn)

  /// Adds what a plug-in brings.
  static func add(_ plugin: Plugin) throws {
    try known.withLock { try $0.register(plugin) }
  }
}

@c @implementation
public func vae_load_plugin(
  _ path: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) { try Known.add(.load(VAEC.path(path, "path"))) }
}

@c @implementation
public func vae_register_plugin(
  _ entry: vae_plugin_entry_function?, _ name: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let entry = try required(entry, "entry")
    let name = try text(name, "name")
    guard !name.isEmpty, name != Registry.builtInOrigin else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "name is \"\(name)\", which a plug-in cannot be called")
    }
    try Known.add(.inProcess(entry, name: name))
  }
}

@c @implementation
public func vae_list_variants_json(
  _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try TextResult(buffer, capacity, needed).give(Known.registry.variantsJSON)
  }
}

@c @implementation
public func vae_list_components_json(
  _ role: UnsafePointer<CChar>?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    let name = try text(role, "role")
    guard let role = Role(rawValue: name) else {
      let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
      throw CallError(VAE_ERR_INVALID_ARGUMENT, "there is no role \(name); there are: \(known)")
    }
    result.give(Known.registry.componentsJSON(role))
  }
}

@c @implementation
public func vae_list_metrics_json(
  _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    try TextResult(buffer, capacity, needed).give(MetricRegistry.standard.json)
  }
}

@c @implementation
public func vae_describe_json(
  _ variant: UnsafePointer<CChar>?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    let registry = Known.registry
    let name = try text(variant, "variant")
    let description = try VariantDescription(
      registry.variant(name), recipe: registry.recipe(for: name), registry: registry)
    result.give(description.json)
  }
}

@c @implementation
public func vae_recipe_json(
  _ variant: UnsafePointer<CChar>?, _ settings: UnsafePointer<vae_setting>?,
  _ setting_count: Int, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    let registry = Known.registry
    var recipe = try registry.recipe(for: text(variant, "variant"))
    try registry.apply(
      VAEC.settings(settings, UInt64(UInt(bitPattern: setting_count))), to: &recipe)
    result.give(recipe.json)
  }
}
