// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import XCTest

/// A plug-in of the process itself: a prior of two units, N(0, I).
enum InProcessPlugin {
  /// What its part is listed as coming from. It stays for the life of the process, so that
  /// every test that adds it must give it this name.
  static let origin = "own plug-in"
  static let componentName = "own-normal"
  nonisolated(unsafe) private static var host = vae_host()
  /// Objects that were made and not destroyed.
  nonisolated(unsafe) static var objects = 0

  /// Takes the table of the host; gives the description.
  static let entry: vae_plugin_entry_function = { given in
    if let given { InProcessPlugin.host = given.pointee }
    return InProcessPlugin.description
  }

  nonisolated(unsafe) static let description: UnsafePointer<vae_plugin> = {
    var prior = vae_prior()
    prior.struct_size = UInt32(MemoryLayout<vae_prior>.size)
    prior.units = { _ in 2 }
    prior.log_density = { _, pass, z in
      let host = InProcessPlugin.host
      let zeros = host.scale(pass, z, 0, 0)
      return host.gaussian_log_density(pass, z, zeros, zeros)
    }
    prior.sample = { _, pass, temperature in
      var units: Int64 = 2
      let host = InProcessPlugin.host
      return host.scale(pass, host.normal(pass, "z", &units, 1), temperature, 0)
    }
    var component = vae_component()
    component.struct_size = UInt32(MemoryLayout<vae_component>.size)
    component.name = text(componentName)
    component.summary = text("N(0, I) over two units")
    component.create = { _, _, _, _ in
      InProcessPlugin.objects += 1
      return UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
    }
    component.destroy = {
      InProcessPlugin.objects -= 1
      $0?.deallocate()
    }
    component.prior = UnsafePointer(kept(prior))
    var plugin = vae_plugin()
    plugin.struct_size = UInt32(MemoryLayout<vae_plugin>.size)
    plugin.abi_version = UInt32(VAE_PLUGIN_ABI_MAJOR) << 16 | UInt32(VAE_PLUGIN_ABI_MINOR)
    plugin.name = text("own")
    plugin.version = text("1")
    plugin.components = UnsafePointer(kept(component))
    plugin.component_count = 1
    return UnsafePointer(kept(plugin))
  }()

  private static func kept<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    place.initialize(to: value)
    return place
  }

  private static func text(_ text: String) -> UnsafePointer<CChar>? {
    UnsafePointer(strdup(text))
  }
}
