import Foundation
import Tensors
import XCTest

/// One case of the reference values: an operation with its inputs, and what another implementation
/// computed from them. `Reference/generate.py` makes the files and describes them.
struct ReferenceCase: Decodable {
  struct Array<Element: Decodable>: Decodable {
    let shape: [Int]
    let values: [Element]
  }

  let operation: String
  let attributes: ReferenceAttributes
  let inputs: [Array<Float>]
  let output: Array<Double>
  /// The weights of the sum that the gradients are of; nil where no gradient flows.
  let cotangent: [Float]?
  /// A gradient for each input, nil for one that the operation takes as a constant.
  let gradients: [[Double]?]

  /// The cases of a file in `Reference`.
  static func load(_ file: String) throws -> [ReferenceCase] {
    let data = try Data(contentsOf: folder.appendingPathComponent(file))
    return try JSONDecoder().decode([ReferenceCase].self, from: data)
  }

  /// The names of all files in `Reference` with cases.
  static func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".json") }.sorted()
  }

  private static var folder: URL {
    Bundle.module.bundleURL.appendingPathComponent("Reference")
  }
}

extension ReferenceCase: CustomStringConvertible {
  /// What a failure says about the case.
  var description: String {
    "\(operation) of \(inputs.map { "\($0.shape)" }.joined(separator: ", ")) with \(attributes)"
  }
}

/// The settings of a reference case's operation by name.
struct ReferenceAttributes: Decodable, CustomStringConvertible {
  private enum Value: Decodable {
    case truth(Bool)
    case number(Float)
    case integers([Int])
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let truth = try? container.decode(Bool.self) {
        self = .truth(truth)
      } else if let number = try? container.decode(Float.self) {
        self = .number(number)
      } else if let integers = try? container.decode([Int].self) {
        self = .integers(integers)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  private let values: [String: Value]

  init(from decoder: any Decoder) throws {
    values = try decoder.singleValueContainer().decode([String: Value].self)
  }

  var description: String {
    "["
      + values.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      .joined(separator: ", ") + "]"
  }

  func truth(_ name: String) throws -> Bool {
    guard case .truth(let value)? = values[name] else { throw missing(name, "truth value") }
    return value
  }

  func number(_ name: String) throws -> Float {
    guard case .number(let value)? = values[name] else { throw missing(name, "number") }
    return value
  }

  func integer(_ name: String) throws -> Int {
    guard let value = Int(exactly: try number(name)) else { throw missing(name, "integer") }
    return value
  }

  func integers(_ name: String) throws -> [Int] {
    guard case .integers(let value)? = values[name] else { throw missing(name, "list of integers") }
    return value
  }

  func text(_ name: String) throws -> String {
    guard case .text(let value)? = values[name] else { throw missing(name, "text") }
    return value
  }

  private func missing(_ name: String, _ type: String) -> Missing {
    Missing(description: "the attributes \(self) have no \(type) \"\(name)\"")
  }
}

extension ReferenceAttributes {
  func activation() throws -> Activation {
    switch try text("activation") {
    case "identity": .identity
    case "relu": .relu
    case "leaky_relu": .leakyReLU(slope: try number("slope"))
    case "elu": .elu(alpha: try number("alpha"))
    case "gelu": .gelu
    case "silu": .silu
    case "tanh": .tanh
    case "sigmoid": .sigmoid
    case "softplus": .softplus
    case let other: throw Missing(description: "there is no activation \"\(other)\"")
    }
  }

  func pair(_ name: String) throws -> (y: Int, x: Int) {
    let values = try integers(name)
    guard values.count == 2 else { throw missing(name, "pair") }
    return (values[0], values[1])
  }

  func padding() throws -> Padding {
    let sides = try integers("padding")
    guard sides.count == 4 else { throw missing("padding", "amount for each of four sides") }
    return Padding(top: sides[0], left: sides[1], bottom: sides[2], right: sides[3])
  }
}
