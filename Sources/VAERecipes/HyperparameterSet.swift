/// The hyper-parameters of a component, or a group that several components share: a struct whose
/// properties declare them by `Setting`.
///
/// A property that is a group itself stands for its hyper-parameters, as if they were declared in its
/// place; the property's default may change theirs. The initialiser from a recipe's values is the one that the compiler
/// writes for `Decodable`.
public protocol HyperparameterSet: Decodable, Sendable {
  /// The defaults.
  init()
}

extension HyperparameterSet {
  /// The values of a recipe for the declarations of this type.
  public init(_ values: HyperparameterValues) {
    do {
      try self.init(from: HyperparameterDecoder(values: values))
    } catch {
      fatalError("the values \(values) are not those that \(Self.self) declares: \(error)")
    }
  }

  /// The declarations in the order of the properties, whose values are the defaults.
  public var declarations: [Hyperparameter] {
    Mirror(reflecting: self).children.flatMap { label, value in
      if let setting = value as? any DeclaredSetting {
        // The compiler keeps what a wrapper holds under the property's name with an underscore.
        return [setting.declaration(named: snakeCase(label?.dropFirst() ?? ""))]
      }
      return (value as? any HyperparameterSet)?.declarations ?? []
    }
  }

  /// The declarations with their own defaults.
  public static var declarations: [Hyperparameter] { Self().declarations }
}

/// A name in lowerCamelCase as recipes write it: `networkSHA256` as `network_sha256`.
private func snakeCase(_ name: some StringProtocol) -> String {
  var (result, isInside) = ("", false)
  for letter in name {
    if letter.isUppercase && isInside { result += "_" }
    result += letter.lowercased()
    isInside = !letter.isUppercase
  }
  return result
}

/// Hands the values of a recipe to the initialiser of a `HyperparameterSet`: its groups get all of them,
/// a setting the one of its name.
struct HyperparameterDecoder: Decoder {
  let values: HyperparameterValues
  var name = ""
  var codingPath: [any CodingKey] = []
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  var value: HyperparameterValue? { values.values[name] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Container(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw unsuited }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw unsuited }

  private var unsuited: DecodingError {
    .dataCorrupted(
      .init(codingPath: codingPath, debugDescription: "neither a setting nor a group of settings"))
  }

  private struct Container<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: HyperparameterDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
      try T(from: superDecoder(forKey: key))
    }

    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> { decoder.container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      try decoder.unkeyedContainer()
    }

    func superDecoder() -> any Decoder { decoder }

    func superDecoder(forKey key: Key) -> any Decoder {
      HyperparameterDecoder(
        values: decoder.values, name: snakeCase(key.stringValue), codingPath: codingPath + [key])
    }
  }
}
