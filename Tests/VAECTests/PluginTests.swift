// Fields are named in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import XCTest

/// Plug-ins by the interface: files, and those of the process itself.
final class PluginTests: CTestCase {
  func testFilesThatAreNoPluginsAreRefused() {
    refuse(VAE_ERR_INVALID_ARGUMENT, "path is NULL") { vae_load_plugin(nil, $0) }
    refuse(VAE_ERR_NOT_FOUND, "/nowhere/x.so") { vae_load_plugin("/nowhere/x.so", $0) }
    refuse(VAE_ERR_PLUGIN, "cannot be loaded") {
      vae_load_plugin(Repository.path("README.md"), $0)
    }
  }

  func testAnEntryIsHeldToTheRules() {
    refuse(VAE_ERR_INVALID_ARGUMENT, "entry is NULL") { vae_register_plugin(nil, "own", $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "name is NULL") {
      vae_register_plugin(InProcessPlugin.entry, nil, $0)
    }
    for name in ["", "built-in"] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "name is") {
        vae_register_plugin(InProcessPlugin.entry, name, $0)
      }
    }
    refuse(VAE_ERR_PLUGIN, "gave NULL") { vae_register_plugin({ _ in nil }, "none", $0) }
  }

  func testAPluginOfTheProcessIsUsedLikeABuiltInPart() throws {
    // Twice, as a program that is changed while it runs would.
    for _ in 0..<2 {
      try succeed { vae_register_plugin(InProcessPlugin.entry, InProcessPlugin.origin, $0) }
    }
    refuse(VAE_ERR_PLUGIN, "prior own-normal already") {
      vae_register_plugin(InProcessPlugin.entry, "another", $0)
    }
    let list = try XCTUnwrap(
      json(text { vae_list_components_json("prior", $0, $1, $2, $3) }) as? [[String: Any]])
    let component = try XCTUnwrap(list.first { $0["origin"] as? String == InProcessPlugin.origin })
    XCTAssertEqual(component["name"] as? String, InProcessPlugin.componentName)

    let before = InProcessPlugin.objects
    let settings = CSettings([
      ("prior.name", "own-normal"), ("encoder.hidden", "4"), ("decoder.hidden", "4"),
    ])
    var options = modelOptions()
    let variant = strdup("gaussian-vae")
    atEnd { free(variant) }
    options.variant = UnsafePointer(variant)
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    var model: OpaquePointer?
    try succeed { vae_model_create(&options, &model, $0) }
    XCTAssertEqual(InProcessPlugin.objects, before + 1)
    var images: OpaquePointer?
    try succeed { vae_sample(model, 3, 1, 1, &images, $0) }
    vae_array_free(images)
    let recipe = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    XCTAssertTrue(recipe.contains("\"plugins\": [{\"name\": \"own plug-in\"}]"), recipe)
    vae_model_free(model)
    XCTAssertEqual(InProcessPlugin.objects, before, "the object is destroyed with its model")
  }
}
