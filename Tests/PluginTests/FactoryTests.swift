// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEZoo
import XCTest

/// Factories with natural C signatures, and what they may do.
final class FactoryTests: PluginTestCase {
  private func record(
    _ name: String, _ settings: [(key: String, value: String)] = []
  ) throws -> [Float] {
    let registry = try registry(compile(["Tests/PluginTests/signature.c"], "signature.so"))
    let model = try model([(key: "decoder.name", value: "signature")] + settings, registry)
    return try XCTUnwrap(model.buffers.first { $0.path == "decoder.\(name)" }).buffer.value.floats
  }

  func testEveryTypeArrivesAsTheCTypeThatItNames() throws {
    XCTAssertEqual(
      try record("record"), [-16, -1, 4, 0.25, 1, 1, 5, 3, 3, 3, 1, 2, 0, 0, 0, 0])
    let settings = [
      ("small", "2147483647"), ("large", "3298534883328"), ("unsigned_one", "9223372036854775807"),
      ("single", "-1.5"), ("twofold", "2.25"), ("flag", "false"), ("word", "second"),
      ("words", "äöü"), ("list", ""),
    ].map { (key: "decoder.\($0.0)", value: $0.1) }
    XCTAssertEqual(
      try record("record", settings),
      [Float(Int32.max), 3, 7, -1.5, 2250, 0, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  func testValuesBeyondATypeNeverReachTheFactory() throws {
    for (key, value) in [
      ("small", "2147483648"), ("unsigned_one", "-1"), ("single", "1e39"), ("twofold", "inf"),
      ("flag", "2"), ("word", "third"), ("list", "1,x"),
    ] {
      assert(
        message { _ = try record("record", [(key: "decoder.\(key)", value: value)]) },
        names: "decoder.\(key) cannot be \(value)")
    }
  }

  func testAFunctionMadeOfAClosureServesACallbackWithoutUserData() throws {
    let record = try record("record")
    XCTAssertEqual(try self.record("sorted"), record.sorted(by: >))
  }

  func testAPackedFactoryReceivesTheSameValuesAndItsUserData() throws {
    enum Seen {
      nonisolated(unsafe) static var arguments: [vae_argument] = []
      nonisolated(unsafe) static var text = ""
      nonisolated(unsafe) static var values: [Int64] = []
      nonisolated(unsafe) static var userData: UnsafeMutableRawPointer?
    }
    var list = InProcess.hyperparameter(VAE_TYPE_I64S, "list")
    list.maximum_count = 4
    var component = InProcess.component([
      InProcess.hyperparameter(VAE_TYPE_I32, "small"),
      InProcess.hyperparameter(VAE_TYPE_F64, "real"),
      InProcess.hyperparameter(VAE_TYPE_STRING, "word"), list,
    ])
    component.user_data = UnsafeMutableRawPointer(bitPattern: 0x1234)
    component.create = { build, arguments, count, userData in
      Seen.arguments = (0..<Int(count)).compactMap { arguments?[$0] }
      Seen.text = Seen.arguments[2].text.map { String(cString: $0) } ?? ""
      let last = Seen.arguments[3]
      Seen.values = (0..<Int(last.count)).compactMap { last.values?[$0] }
      Seen.userData = userData == InProcess.host.user_data(build) ? userData : nil
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    _ = try model(
      [
        (key: "prior.name", value: "test"), (key: "prior.small", value: "-7"),
        (key: "prior.real", value: "0.5"), (key: "prior.word", value: "abc"),
        (key: "prior.list", value: "9,8"),
      ], registry)
    XCTAssertEqual(
      Seen.arguments.map(\.type), [VAE_TYPE_I32, VAE_TYPE_F64, VAE_TYPE_STRING, VAE_TYPE_I64S])
    XCTAssertEqual(Seen.arguments[0].integer, -7)
    XCTAssertEqual(Seen.arguments[1].number, 0.5)
    XCTAssertEqual(Seen.text, "abc")
    XCTAssertEqual(Seen.values, [9, 8])
    XCTAssertEqual(Seen.userData, UnsafeMutableRawPointer(bitPattern: 0x1234))
  }

  func testAListHasAsManyNumbersAsThePluginTakes() throws {
    var list = InProcess.hyperparameter(VAE_TYPE_I64S, "list")
    (list.minimum_count, list.maximum_count) = (2, 4)
    (list.default_values, list.default_count) = InProcess.array([Int64(1), 2, 3])
    var component = InProcess.component([list])
    component.create = { _, _, _, _ in UnsafeMutableRawPointer(InProcess.prior) }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    func make(_ value: String) throws {
      _ = try model(
        [(key: "prior.name", value: "test"), (key: "prior.list", value: value)], registry)
    }
    for value in ["1,2", "1,2,3,4"] { try make(value) }
    for value in ["", "1", "1,2,3,4,5"] {
      assert(message { try make(value) }, names: "prior.list cannot be \(value)")
    }
    // Nor can the plug-in's own default be another.
    list.default_count = 1
    component = InProcess.component([list])
    assert(
      message { _ = try InProcess.registry(InProcess.plugin(components: [component])) },
      names: "the default of hyper-parameter list")
  }

  // MARK: Failing

  private func hostile(_ fault: String) throws -> Model {
    let registry = try registry(compile(["Tests/PluginTests/hostile.c"], "hostile.so"))
    return try model(
      [(key: "decoder.name", value: "hostile"), (key: "decoder.fault", value: fault)], registry)
  }

  func testTheReasonOfAFactoryIsTheErrorOfTheModel() {
    XCTAssertThrowsError(try hostile("refuse")) {
      XCTAssertEqual(
        $0 as? RecipeError, RecipeError(.invalid, "decoder hostile: it is told to refuse"))
    }
    XCTAssertThrowsError(try hostile("refuse data")) {
      XCTAssertEqual(($0 as? RecipeError)?.kind, .unsuitableData)
    }
  }

  func testAFactoryThatGivesNothingOrBreaksTheRulesIsNamed() {
    assert(
      message { _ = try hostile("silent") }, names: "hostile.so", "decoder hostile", "NULL",
      "no reason")
    assert(message { _ = try hostile("two parameters") }, names: "two parameters bias")
    assert(message { _ = try hostile("no shape") }, names: "parameter: ", "shape is NULL")
    assert(message { _ = try hostile("no name") }, names: "name is NULL")
  }

  func testAnObjectIsDestroyedWithItsModelAndAfterAFailure() throws {
    let before = PluginStatistics.liveObjects
    do {
      let made = try hostile("none")
      XCTAssertEqual(PluginStatistics.liveObjects, before + 1)
      withExtendedLifetime(made) {}
    }
    XCTAssertEqual(PluginStatistics.liveObjects, before)
    XCTAssertThrowsError(try hostile("two parameters"))
    XCTAssertEqual(PluginStatistics.liveObjects, before)
  }

  func testParametersHaveTheirPathsLawsAndKinds() throws {
    let made = try hostile("none")
    let found = made.decoder.parameters
    XCTAssertEqual(found.map(\.path), ["weights", "bias"])
    XCTAssertEqual(found[0].parameter.shape, [20, 16])
    XCTAssertTrue(found[0].parameter.isDecayed)
    XCTAssertFalse(found[1].parameter.isDecayed)
    let bound = Float(1 / 20.0.squareRoot())
    XCTAssertTrue(found[0].parameter.value.floats.allSatisfy { abs($0) <= bound })
    XCTAssertEqual(Set(found[1].parameter.value.floats), [0])
    let other = try hostile("none")
    XCTAssertEqual(
      other.decoder.parameters[0].parameter.value.floats, found[0].parameter.value.floats,
      "the same seed gives the same weights")
  }
}
