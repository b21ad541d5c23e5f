import Tensors
import VAEFiles
import VAERecipes
import XCTest

final class HyperparameterSetTests: XCTestCase {
  private enum Colour: String, SettingChoice {
    case red
    case darkBlue = "dark_blue"
  }

  private struct Inner: HyperparameterSet {
    @Setting(count: 0...3, each: 1...9, help: "sizes") var hiddenSizes = [4, 5]
    @Setting var activation = Activation.relu
  }

  private struct Options: HyperparameterSet {
    @Setting(1...64, help: "a whole number") var flowSteps = 2
    @Setting(0...1, help: "a real number") var share = 0.25
    @Setting(help: "yes or no") var isTied = true
    @Setting(limit: 8, help: "a text") var networkSHA256 = ""
    var inner = Inner(hiddenSizes: [7], activation: .leakyReLU(slope: 0.1))
    @Setting(help: "a choice") var colour = Colour.darkBlue
    @Setting(1e-3...10, help: "a number or a word") var sigma = NumberOrChoice<Colour>.choice(.red)
  }

  private let declared: [(name: String, kind: Hyperparameter.Kind, value: HyperparameterValue)] = [
    ("flow_steps", .integer(1...64), .integer(2)),
    ("share", .number(0...1), .number(0.25)),
    ("is_tied", .flag, .flag(true)),
    ("network_sha256", .text(limit: 8), .text("")),
    ("hidden_sizes", .integers(count: 0...3, each: 1...9), .integers([7])),
    (
      "activation",
      .choice(["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "softplus"]),
      .text("leaky_relu")
    ),
    ("colour", .choice(["red", "dark_blue"]), .text("dark_blue")),
    ("sigma", .numberOrChoice(1e-3...10, ["red", "dark_blue"]), .text("red")),
  ]

  func testPropertiesDeclareNameTypeRangeDefaultAndHelpInTheirOrder() {
    let declarations = Options.declarations
    XCTAssertEqual(declarations.map(\.name), declared.map(\.name))
    for (found, wanted) in zip(declarations, declared) {
      XCTAssertEqual(found.kind, wanted.kind, wanted.name)
      XCTAssertEqual(found.default, wanted.value, wanted.name)
      XCTAssertFalse(found.help.isEmpty, wanted.name)
    }
    XCTAssertEqual(declarations[0].help, "a whole number")
  }

  func testAGroupHasItsOwnDefaultsUnlessTheStructAroundItChangesThem() {
    XCTAssertEqual(Inner.declarations.map(\.default), [.integers([4, 5]), .text("relu")])
    XCTAssertEqual(
      Inner(hiddenSizes: [1], activation: .tanh).declarations.map(\.default),
      [.integers([1]), .text("tanh")])
  }

  func testDeclaredDefaultsAreReadAsTheDefaultsOfTheProperties() {
    let options = Options(HyperparameterValues(defaultsOf: Options.declarations))
    XCTAssertEqual(options.declarations.map(\.default), Options.declarations.map(\.default))
    XCTAssertEqual(options.inner.hiddenSizes, [7])
    XCTAssertEqual(options.inner.activation, .leakyReLU(slope: 0.1))
  }

  func testEveryKindOfValueReachesItsProperty() throws {
    var values = HyperparameterValues(defaultsOf: Options.declarations)
    let texts = [
      "flow_steps": "64", "share": "1", "is_tied": "false", "network_sha256": "abc",
      "hidden_sizes": "1,2,3", "activation": "elu", "colour": "red", "sigma": "0.5",
    ]
    for declaration in Options.declarations {
      values[declaration.name] = try declaration.value(
        parsing: XCTUnwrap(texts[declaration.name]), path: declaration.name)
    }
    let options = Options(values)
    XCTAssertEqual(options.flowSteps, 64)
    XCTAssertEqual(options.share, 1)
    XCTAssertFalse(options.isTied)
    XCTAssertEqual(options.networkSHA256, "abc")
    XCTAssertEqual(options.inner.hiddenSizes, [1, 2, 3])
    XCTAssertEqual(options.inner.activation, .elu(alpha: 1))
    XCTAssertEqual(options.colour, .red)
    XCTAssertEqual(options.sigma.hyperparameterValue, .number(0.5))
  }

  func testWhatIsNotAllowedIsRefusedNamingPathValueAndWhatIs() throws {
    let refused: [(name: String, json: JSON, allowed: String)] = [
      ("flow_steps", .integer(65), "1…64"), ("flow_steps", .text("2"), "1…64"),
      ("share", .number(1.5), "0…1"), ("is_tied", .integer(1), "true, false"),
      ("network_sha256", .text("123456789"), "at most 8 bytes"),
      ("hidden_sizes", .array([.integer(10)]), "0 to 3 numbers in 1…9"),
      ("activation", .text("cubic"), "leaky_relu"), ("colour", .text("green"), "red, dark_blue"),
      ("sigma", .number(11), "from 0.001 to 10"), ("sigma", .text("green"), "red, dark_blue"),
    ]
    for (name, json, allowed) in refused {
      let declaration = try XCTUnwrap(Options.declarations.first { $0.name == name })
      XCTAssertThrowsError(try declaration.value(of: json, path: "encoder.\(name)")) { error in
        XCTAssertTrue("\(error)".hasPrefix("encoder.\(name) cannot be \(json.line)"), "\(error)")
        XCTAssertTrue("\(error)".contains(allowed), "\(error)")
      }
    }
  }

  func testAVariantsDefaultsMustBeDeclaredAndAllowed() {
    struct Wrong: Variant {
      let name = "wrong"
      let summary = ""
      let reference = ""
      let defaults: [String: HyperparameterValue]
      var composition: Composition {
        Composition(
          encoder: Composition.Choice("mlp", defaults), prior: "standard-normal", decoder: "mlp")
      }
    }
    for defaults in [["width": .integer(3)], ["hidden": .text("3")], ["hidden": .integers([0])]]
      as [[String: HyperparameterValue]]
    {
      var registry = Registry.sharedComponents
      registry.register(Wrong(defaults: defaults))
      XCTAssertThrowsError(try registry.recipe(for: "wrong")) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
        XCTAssertTrue("\(error)".contains("encoder.\(defaults.keys.first ?? "")"), "\(error)")
      }
    }
  }
}
