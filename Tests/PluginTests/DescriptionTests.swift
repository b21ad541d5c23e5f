// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEZoo
import XCTest

/// Descriptions that break the rules are refused with a word that says where.
final class DescriptionTests: PluginTestCase {
  private func refusal(
    _ plugin: vae_plugin, file: StaticString = #filePath, line: UInt = #line
  ) -> String {
    message({ _ = try InProcess.registry(plugin) }, file: file, line: line)
  }

  private func refusal(
    _ component: vae_component, file: StaticString = #filePath, line: UInt = #line
  ) -> String {
    refusal(InProcess.plugin(components: [component]), file: file, line: line)
  }

  private func refusal(
    _ hyperparameter: vae_hyperparameter, file: StaticString = #filePath, line: UInt = #line
  ) -> String {
    refusal(InProcess.component([hyperparameter]), file: file, line: line)
  }

  func testAnotherMajorVersionIsRefusedAndALaterMinorOneIsNot() throws {
    var plugin = InProcess.plugin()
    plugin.abi_version = 7 << 16
    assert(refusal(plugin), names: "test: ", "version 7.0", "build it with")
    plugin.abi_version = UInt32(VAE_PLUGIN_ABI_MAJOR) << 16 | 60_000
    XCTAssertNoThrow(try InProcess.registry(plugin))
  }

  func testAStructThatIsCutShortOrHasNoSizeIsRefused() throws {
    var plugin = InProcess.plugin()
    for size: UInt32 in [0, 4, 24, 56, 5000, .max] {
      plugin.struct_size = size
      assert(refusal(plugin), names: "struct_size \(size)", "sizeof")
    }
    var component = InProcess.component
    // That of version 0.1, and less.
    component.struct_size -= 8
    XCTAssertNoThrow(try InProcess.registry(InProcess.plugin(components: [component])))
    component.struct_size -= 8
    assert(refusal(component), names: "component 0", "struct_size")
    let prior = InProcess.kept(InProcess.prior.pointee)
    prior.pointee.struct_size = 16
    component = InProcess.component
    component.prior = UnsafePointer(prior)
    assert(refusal(component), names: "the prior test", "struct_size 16")
  }

  func testALongerStructIsTakenWhereTheRestIsZeroAndElseRefused() throws {
    let size = MemoryLayout<vae_plugin>.size
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: size + 16, alignment: 8)
    defer { bytes.deallocate() }
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: size + 16)
    var plugin = InProcess.plugin()
    plugin.struct_size = UInt32(size + 16)
    bytes.copyMemory(from: &plugin, byteCount: size)
    let place = UnsafePointer(bytes.assumingMemoryBound(to: vae_plugin.self))
    XCTAssertNoThrow(try InProcess.load(place))
    bytes.storeBytes(of: 1, toByteOffset: size + 3, as: UInt8.self)
    assert(
      message { _ = try InProcess.load(place) }, names: "byte \(size + 3)", "does not know")
  }

  func testAnEntryWithoutADescriptionIsRefused() {
    assert(message { _ = try InProcess.load(nil) }, names: "gave NULL")
  }

  func testAPluginWithNothingOrWithoutANameIsRefused() {
    assert(refusal(InProcess.plugin(components: [])), names: "neither components nor variants")
    var plugin = InProcess.plugin()
    plugin.name = nil
    assert(refusal(plugin), names: "name is NULL")
    plugin = InProcess.plugin()
    plugin.component_count = 5000
    assert(refusal(plugin), names: "5000", "limit")
    plugin = InProcess.plugin()
    plugin.components = nil
    assert(refusal(plugin), names: "at NULL")
  }

  func testNamesThatRecipesCannotHoldAreRefused() {
    for name in ["", "Mixture", "1st", "with space", "a\u{7}", String(repeating: "a", count: 65)] {
      var component = InProcess.component
      component.name = InProcess.text(name)
      assert(refusal(component), names: "component's name")
    }
    var component = InProcess.component
    let invalid = UnsafeMutablePointer<CChar>.allocate(capacity: 2)
    invalid[0] = CChar(bitPattern: 0xff)
    invalid[1] = 0
    component.name = UnsafePointer(invalid)
    assert(refusal(component), names: "UTF-8")
  }

  func testNamesThatAreTakenAreRefused() throws {
    let twice = InProcess.plugin(components: [InProcess.component, InProcess.component])
    assert(refusal(twice), names: "two components", "prior test")
    var component = InProcess.component
    component.name = InProcess.text("standard-normal")
    assert(refusal(component), names: "prior standard-normal already", "built-in")
    var variant = InProcess.variant
    variant.name = InProcess.text("beta-vae")
    assert(refusal(InProcess.plugin(variants: [variant])), names: "variant beta-vae already")
    let variants = InProcess.plugin(variants: [InProcess.variant, InProcess.variant])
    assert(refusal(variants), names: "two variants")
    var registry = try InProcess.registry()
    let other = try InProcess.load(InProcess.plugin(), name: "other")
    assert(
      message { try registry.register(other) }, names: "other: ", "prior test already", "(test)")
  }

  func testBuiltInPartsThatAreNewerThanTheInterfaceGiveWay() throws {
    var component = InProcess.component
    component.name = InProcess.text("fitted-mixture")
    var variant = InProcess.variant
    variant.name = InProcess.text("vqgan")
    let registry = try InProcess.registry(
      InProcess.plugin(components: [InProcess.component, component], variants: [variant]))
    XCTAssertEqual(try registry.component(.prior, "fitted-mixture").origin, "test")
    XCTAssertEqual(registry.entries.filter { $0.variant.name == "vqgan" }.map(\.origin), ["test"])
  }

  func testAPluginOfTheSameOriginTakesThePlaceOfTheOneBefore() throws {
    var registry = try InProcess.registry(InProcess.plugin(variants: [InProcess.variant]))
    XCTAssertNoThrow(try registry.variant("test-vae"))
    try registry.register(InProcess.load(InProcess.plugin()))
    XCTAssertThrowsError(try registry.variant("test-vae"))
    XCTAssertEqual(registry.plugInOrigins, ["test"])
  }

  func testAComponentFillsExactlyOneRoleWithWhatThatNeeds() {
    var component = InProcess.component
    component.prior = nil
    assert(refusal(component), names: "fills 0 roles")
    component = InProcess.component
    component.objective = UnsafePointer(
      InProcess.kept(
        vae_objective(
          struct_size: UInt32(MemoryLayout<vae_objective>.size), reserved: 0, requirements: nil,
          loss: { _, _, _ in nil })))
    assert(refusal(component), names: "fills 2 roles")
    let prior = InProcess.kept(InProcess.prior.pointee)
    prior.pointee.sample = nil
    component = InProcess.component
    component.prior = UnsafePointer(prior)
    assert(refusal(component), names: "needs units, log_density and sample")
  }

  func testAComponentHasExactlyOneFactory() {
    var component = InProcess.component
    component.make = {}
    assert(refusal(component), names: "both make and create")
    component.make = nil
    component.create = nil
    assert(refusal(component), names: "no factory")
    var natural = InProcess.component(
      (0..<16).map { InProcess.hyperparameter(VAE_TYPE_I32, "h\($0)") })
    natural.create = nil
    natural.make = {}
    assert(refusal(natural), names: "17 arguments", "16")
  }

  func testHyperparametersAreHeldToTheirTypes() {
    assert(refusal(InProcess.hyperparameter(99)), names: "type 99")
    assert(refusal(InProcess.hyperparameter(VAE_TYPE_I32, "name")), names: "called name")
    var integer = InProcess.hyperparameter(VAE_TYPE_I32)
    (integer.minimum_integer, integer.maximum_integer) = (5, 2)
    assert(refusal(integer), names: "hyper-parameter size of prior test", "5…2")
    (integer.minimum_integer, integer.maximum_integer) = (0, 1 << 40)
    assert(refusal(integer), names: "beyond its type")
    (integer.minimum_integer, integer.maximum_integer) = (1, 3)
    assert(refusal(integer), names: "default", "1…3")
    var number = InProcess.hyperparameter(VAE_TYPE_F32)
    number.maximum_number = 1e300
    assert(refusal(number), names: "beyond its type")
    number.maximum_number = .nan
    assert(refusal(number), names: "empty")
    number = InProcess.hyperparameter(VAE_TYPE_F64)
    number.default_number = .infinity
    assert(refusal(number), names: "default")
    var flag = InProcess.hyperparameter(VAE_TYPE_BOOL)
    flag.default_integer = 2
    assert(refusal(flag), names: "0 or 1")
    var text = InProcess.hyperparameter(VAE_TYPE_STRING)
    text.choice_count = 3
    assert(refusal(text), names: "choices", "NULL")
    var list = InProcess.hyperparameter(VAE_TYPE_I64S)
    list.default_count = 2
    assert(refusal(list), names: "NULL")
    list.default_count = 100
    assert(refusal(list), names: "0 to 64")
    let twice = InProcess.component([
      InProcess.hyperparameter(VAE_TYPE_BOOL), InProcess.hyperparameter(VAE_TYPE_BOOL),
    ])
    assert(refusal(twice), names: "two hyper-parameters size")
  }

  func testVariantsNameWhatExists() throws {
    func refusalOf(_ change: (inout vae_variant) -> Void) -> String {
      var variant = InProcess.variant
      change(&variant)
      return refusal(InProcess.plugin(variants: [variant]))
    }
    func with(_ path: String, _ value: String) -> String {
      refusalOf {
        ($0.defaults, $0.default_count) = InProcess.array([
          vae_variant_default(path: InProcess.text(path), value: InProcess.text(value))
        ])
      }
    }
    assert(
      refusalOf { $0.encoder = InProcess.text("none such") }, names: "encoder.name", "none such")
    assert(refusalOf { $0.prior = nil }, names: "the prior of variant test-vae", "NULL")
    assert(with("prior.size", "3"), names: "prior.size", "no hyper-parameter")
    assert(with("x", "3"), names: "names x")
    assert(with("encoder.hidden", "-1"), names: "encoder.hidden", "-1")
    assert(with("training.epochs", "many"), names: "training.epochs", "many")
    let shorthand = refusalOf {
      ($0.shorthands, $0.shorthand_count) = InProcess.array([
        vae_variant_shorthand(name: InProcess.text("size"), path: InProcess.text("prior.size"))
      ])
    }
    assert(shorthand, names: "prior.size")
  }

  func testWhatIsRefusedLeavesNothingBehind() throws {
    var registry = Registry.builtIn
    var variant = InProcess.variant
    variant.decoder = InProcess.text("none-such")
    XCTAssertThrowsError(
      try registry.register(InProcess.load(InProcess.plugin(variants: [variant]))))
    XCTAssertEqual(registry.plugInOrigins, [])
  }

  func testAVariantHasItsDefaultsAndShorthands() throws {
    var variant = InProcess.variant
    (variant.defaults, variant.default_count) = InProcess.array([
      vae_variant_default(path: InProcess.text("encoder.hidden"), value: InProcess.text("7,8")),
      vae_variant_default(path: InProcess.text("training.epochs"), value: InProcess.text("3")),
    ])
    (variant.shorthands, variant.shorthand_count) = InProcess.array([
      vae_variant_shorthand(name: InProcess.text("width"), path: InProcess.text("encoder.hidden"))
    ])
    let registry = try InProcess.registry(InProcess.plugin(variants: [variant]))
    var recipe = try registry.recipe(for: "test-vae")
    XCTAssertEqual(recipe.part(.encoder).values["hidden"], .integers([7, 8]))
    XCTAssertEqual(recipe.training["epochs"], .integer(3))
    XCTAssertEqual(recipe.part(.likelihood).name, "auto")
    try registry.apply([(key: "width", value: "5")], to: &recipe)
    XCTAssertEqual(recipe.part(.encoder).values["hidden"], .integers([5]))
    XCTAssertEqual(recipe.plugIns, [RecordedPlugIn(origin: "test", sha256: nil)])
  }
}
