// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Foundation
import VAEZoo
import XCTest

/// What factories are told of the model, and how the parameters begin that they make.
final class BuildTests: PluginTestCase {
  private enum Seen {
    nonisolated(unsafe) static var info = vae_build_info()
    nonisolated(unsafe) static var object: UnsafeMutableRawPointer?
  }

  /// A component without a role, whose factory notes what it is told.
  private var noting: vae_component {
    var component = InProcess.component
    component.prior = nil
    component.create = { build, _, _, _ in
      Seen.info = vae_build_info()
      Seen.info.struct_size = UInt32(MemoryLayout<vae_build_info>.size)
      InProcess.host.describe_build(build, &Seen.info)
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    return component
  }

  private var decoder: vae_component {
    var methods = vae_decoder()
    methods.struct_size = UInt32(MemoryLayout<vae_decoder>.size)
    methods.decode = { _, _, _ in nil }
    var component = noting
    component.decoder = UnsafePointer(InProcess.kept(methods))
    return component
  }

  /// What a component is told of a model.
  private func told(
    _ component: vae_component, _ role: String, _ variant: String = "gaussian-vae",
    _ settings: [(key: String, value: String)] = [], data: DataDescription
  ) throws -> vae_build_info {
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    _ = try model(
      [(key: "\(role).name", value: "test")] + settings, registry, data: data, variant: variant)
    return Seen.info
  }

  private func data(
    _ range: ValueRange, _ height: Int = 5, _ width: Int = 6, _ channels: Int = 3
  ) -> DataDescription {
    DataDescription(
      height: height, width: width, channels: channels, range: range,
      rule: range == .binary ? "binary" : "floats")
  }

  func testAFactoryIsToldSizesRangeAndLatents() throws {
    for (range, code) in [
      (.binary, VAE_VALUES_BINARY), (.unit, VAE_VALUES_UNIT), (.real, VAE_VALUES_REAL),
    ] as [(ValueRange, Int32)] {
      let info = try told(
        decoder, "decoder", "gaussian-vae", [(key: "prior.latent", value: "7")], data: data(range))
      XCTAssertEqual(info.range, code)
      XCTAssertEqual([info.height, info.width, info.channels], [5, 6, 3])
      XCTAssertEqual([info.latents, info.stacks_layers], [VAE_LATENTS_UNITS, 0])
      XCTAssertEqual([info.latent_size, info.parameters_per_pixel], [7, 3])
      XCTAssertEqual(
        [info.grid_height, info.grid_width, info.vector_size, info.code_count],
        [
          0, 0, 0, 0,
        ])
      XCTAssertEqual(info.condition_width, 0)
    }
  }

  func testAFactoryIsToldTheGridOfCodes() throws {
    let info = try told(
      decoder, "decoder", "vq-vae",
      [(key: "prior.codes", value: "11"), (key: "prior.code_size", value: "5")],
      data: data(.binary, 8, 12, 2))
    XCTAssertEqual(info.latents, VAE_LATENTS_CODES)
    XCTAssertEqual([info.grid_height, info.grid_width], [2, 3])
    XCTAssertEqual([info.vector_size, info.code_count], [5, 11])
    XCTAssertEqual(info.latent_size, 2 * 3 * 5)
    XCTAssertEqual(info.parameters_per_pixel, 2)
  }

  func testALikelihoodIsToldNoNumberOfItsOwnAndAPriorNoLatents() throws {
    var methods = vae_likelihood()
    methods.struct_size = UInt32(MemoryLayout<vae_likelihood>.size)
    methods.parameters_per_pixel = { _, channels in 2 * channels + 1 }
    methods.log_density = { _, _, _, _ in nil }
    methods.mean = { _, _, _ in nil }
    methods.sample = { _, _, _, _ in nil }
    var likelihood = noting
    likelihood.likelihood = UnsafePointer(InProcess.kept(methods))
    let asked = try told(
      likelihood, "likelihood", "gaussian-vae", [(key: "prior.latent", value: "7")],
      data: data(.real))
    XCTAssertEqual([asked.latent_size, asked.parameters_per_pixel], [7, 0])
    XCTAssertEqual([asked.height, asked.width, asked.channels], [5, 6, 3])

    var prior = noting
    prior.prior = UnsafePointer(InProcess.prior)
    let told = try told(prior, "prior", data: data(.unit))
    XCTAssertEqual([told.latents, told.range], [VAE_LATENTS_UNKNOWN, VAE_VALUES_UNIT])
    XCTAssertEqual([told.latent_size, told.parameters_per_pixel], [0, 0])
  }

  func testADecoderIsToldHowManyNumbersAPixelOfTheLikelihoodHas() throws {
    let info = try told(
      decoder, "decoder", "gaussian-vae", [(key: "likelihood", value: "categorical")],
      data: DataDescription(
        height: 5, width: 6, channels: 3, range: .unit, rule: "bytes/255"))
    XCTAssertEqual(info.parameters_per_pixel, 3 * 256)
  }

  // MARK: Parameters

  /// A prior whose parameters begin by every law.
  private func drawn() throws -> Model {
    var component = InProcess.component
    component.create = { build, _, _, _ in
      let laws: [(String, [Int64], Int32, Double, Int32)] = [
        ("constant", [2, 3], VAE_INIT_CONSTANT, -1.5, 0),
        ("normal", [40, 50], VAE_INIT_NORMAL, 0.25, 0),
        ("uniform", [40, 50], VAE_INIT_UNIFORM, 0.75, 0),
        ("lecun", [20, 90], VAE_INIT_LECUN_UNIFORM, 0, 0),
        ("glorot", [20, 90], VAE_INIT_GLOROT_UNIFORM, 0, 0),
        ("he", [20, 90], VAE_INIT_HE_NORMAL, 0, 0),
        ("kernel", [16, 5, 3, 7], VAE_INIT_GLOROT_UNIFORM, 0, 0),
        ("cube", [40, 6, 8], VAE_INIT_GLOROT_UNIFORM, 0, 0),
        ("free", [3], VAE_INIT_CONSTANT, 2, VAE_PARAMETER_NOT_DECAYED),
        ("stored", [4], VAE_INIT_CONSTANT, 3, VAE_PARAMETER_BUFFER),
      ]
      for (name, shape, law, value, flags) in laws {
        let made = InProcess.host.parameter(
          build, name, shape, Int64(shape.count), law, value, UInt32(flags))
        if made == nil { return nil }
      }
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    return try model(
      [(key: "prior.name", value: "test")],
      InProcess.registry(InProcess.plugin(components: [component])))
  }

  func testParametersBeginByTheLawsThatTheFactoryNames() throws {
    let prior = try drawn().prior
    func floats(_ path: String) throws -> [Float] {
      try XCTUnwrap(prior.parameters.first { $0.path == path }, path).parameter.value.floats
    }
    XCTAssertEqual(try floats("constant"), [Float](repeating: -1.5, count: 6))
    for (path, deviation) in [("normal", 0.25), ("he", (2.0 / 20).squareRoot())] {
      let values = try floats(path).map { Double($0) }
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      XCTAssertEqual(square.squareRoot(), deviation, accuracy: 0.06 * deviation, path)
      XCTAssertGreaterThan(values.map { abs($0) }.max() ?? 0, 2.5 * deviation, path)
    }
    // The bound of a uniform law is √3 times its deviation.
    for (path, bound) in [
      ("uniform", 0.75), ("lecun", (1.0 / 20).squareRoot()), ("glorot", (6.0 / 110).squareRoot()),
      ("kernel", (6.0 / Double(5 * 21 + 16 * 21)).squareRoot()),
      ("cube", (6.0 / Double(48 + 40)).squareRoot()),
    ] {
      let values = try floats(path).map { Double($0) }
      let largest = values.map { abs($0) }.max() ?? 0
      XCTAssertLessThanOrEqual(largest, bound * 1.000001, path)
      XCTAssertGreaterThan(largest, 0.98 * bound, path)
      XCTAssertLessThan(abs(values.reduce(0, +)) / Double(values.count), 0.06 * bound, path)
    }
    XCTAssertNotEqual(try floats("lecun").prefix(5), try floats("glorot").prefix(5))
  }

  func testFlagsTellWhatDecaysAndWhatIsNotTrained() throws {
    let prior = try drawn().prior
    let decayed = prior.parameters.map { ($0.path, $0.parameter.isDecayed) }
    XCTAssertEqual(decayed.filter { !$0.1 }.map(\.0), ["free"])
    XCTAssertFalse(decayed.contains { $0.0 == "stored" })
    XCTAssertEqual(prior.buffers.map(\.path), ["stored"])
    XCTAssertEqual(prior.buffers.first?.buffer.value.floats, [3, 3, 3, 3])
  }

  func testParametersThatCannotBeAreRefusedByName() throws {
    enum Wrong {
      nonisolated(unsafe) static var make: (OpaquePointer?) -> Void = { _ in }
    }
    var component = InProcess.component
    component.create = { build, _, _, _ in
      Wrong.make(build)
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    func refusal(_ make: @escaping (OpaquePointer?) -> Void) -> String {
      Wrong.make = make
      return message { _ = try model([(key: "prior.name", value: "test")], registry) }
    }
    let two: [Int64] = [2]
    for (law, value, flags, words) in [
      (0, 0, 0, "initializer 0"), (7, 0, 0, "initializer 7"),
      (VAE_INIT_CONSTANT, .nan, 0, "not finite"), (VAE_INIT_NORMAL, 1e60, 0, "not finite"),
      (VAE_INIT_CONSTANT, 0, 4, "flags 4"),
    ] as [(Int32, Double, UInt32, String)] {
      assert(
        refusal { _ = InProcess.host.parameter($0, "p", two, 1, law, value, flags) }, names: words)
    }
    let numbers: [Float] = [1, .infinity]
    assert(
      refusal { _ = InProcess.host.parameter_from($0, "p", two, 1, numbers, 0) },
      names: "values of p are not all finite")
    assert(
      refusal { _ = InProcess.host.parameter_from($0, "p", two, 1, nil, 0) },
      names: "values are NULL")
    // The first reason stays.
    assert(
      refusal {
        InProcess.host.fail($0, "the first")
        InProcess.host.fail_data($0, "the second")
      }, names: "prior test: the first")
  }

  // MARK: Closures

  func testAClosureHasArgumentsAndAResultOfEveryType() throws {
    enum Made {
      nonisolated(unsafe) static var results: [Double] = []
      nonisolated(unsafe) static var userData: UnsafeMutableRawPointer?
    }
    typealias Read = UnsafePointer<UnsafeMutableRawPointer?>
    var component = InProcess.component
    component.create = { build, _, _, _ in
      let host = InProcess.host
      let weighing: [Int32] = [VAE_TYPE_F64, VAE_TYPE_I64, VAE_TYPE_F32, VAE_TYPE_I32]
      let weigh = host.closure(
        build, VAE_TYPE_F64, weighing, 4,
        { result, arguments, userData in
          guard let result, let arguments else { return }
          Made.userData = userData
          let sum =
            (arguments[0]?.load(as: Double.self) ?? 0)
            + 10 * Double(arguments[1]?.load(as: Int64.self) ?? 0)
            + 100 * Double(arguments[2]?.load(as: Float.self) ?? 0)
            + 1000 * Double(arguments[3]?.load(as: Int32.self) ?? 0)
          result.storeBytes(of: sum, as: Double.self)
        }, UnsafeMutableRawPointer(bitPattern: 0x80))
      if let weigh {
        let function = unsafeBitCast(
          weigh, to: (@convention(c) (Double, Int64, Float, Int32) -> Double).self)
        Made.results.append(function(0.5, -3, 0.25, 7))
      }
      let negate = host.closure(
        build, VAE_TYPE_I32, [VAE_TYPE_I32], 1,
        { result, arguments, _ in
          let value = arguments?[0]?.load(as: Int32.self) ?? 0
          result?.storeBytes(of: -value, as: Int32.self)
        }, nil)
      if let negate {
        let function = unsafeBitCast(negate, to: (@convention(c) (Int32) -> Int32).self)
        Made.results.append(Double(function(5)))
      }
      let halve = host.closure(
        build, VAE_TYPE_F32, [VAE_TYPE_F32], 1,
        { result, arguments, _ in
          let value = arguments?[0]?.load(as: Float.self) ?? 0
          result?.storeBytes(of: value / 2, as: Float.self)
        }, nil)
      if let halve {
        let function = unsafeBitCast(halve, to: (@convention(c) (Float) -> Float).self)
        Made.results.append(Double(function(3)))
      }
      let note = host.closure(
        build, VAE_TYPE_VOID, [VAE_TYPE_U64], 1,
        { result, arguments, _ in
          let value = arguments?[0]?.load(as: UInt64.self) ?? 0
          Made.results.append(result == nil ? Double(value) : -1)
        }, nil)
      if let note { unsafeBitCast(note, to: (@convention(c) (UInt64) -> Void).self)(9) }
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    _ = try model([(key: "prior.name", value: "test")], registry)
    XCTAssertEqual(Made.results, [0.5 - 30 + 25 + 7000, -5, 1.5, 9])
    XCTAssertEqual(Made.userData, UnsafeMutableRawPointer(bitPattern: 0x80))
  }

  // MARK: Names of classes

  func testTheClassOfAVariantIsItsNameInCamelCase() throws {
    for (name, expected) in [
      ("test-vae", "TestVAE"), ("my-vq-vae", "MyVQVAE"), ("deep-iwae", "DeepIWAE"),
      ("pixelcnn-two", "PixelCNNTwo"), ("a-2b-vae", "A2bVAE"),
    ] {
      var variant = InProcess.variant
      variant.name = InProcess.text(name)
      let registry = try InProcess.registry(InProcess.plugin(variants: [variant]))
      XCTAssertEqual(try registry.variant(name).className, expected)
    }
  }
}
