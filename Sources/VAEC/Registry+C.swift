// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import VAEZoo

/// The variants and components that this process knows.
enum Known {
  static var registry: Registry { builtIn }

  private static let builtIn = Registry.builtIn
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
