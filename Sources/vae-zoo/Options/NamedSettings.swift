import ArgumentParser

/// What `--set` takes, as often as it is given: key=value.
extension [String] {
  /// Refuses one that is not of that form.
  func checkSettings() throws {
    for setting in self where !setting.contains("=") || setting.hasPrefix("=") {
      throw ValidationError("--set \(setting) is not of the form key=value")
    }
  }

  /// Refuses one whose key has an option of its own that was given with another value.
  ///
  /// - Parameter options: keys with what their options say.
  func checkSettings(beside options: [(key: String, value: String)]) throws {
    try checkSettings()
    let said = Dictionary(options.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    for setting in asSettings {
      guard let value = said[setting.key], !Self.areSame(value, setting.value) else { continue }
      let name = setting.key.split(separator: ".").last ?? ""
      let option = name.split(separator: "_").joined(separator: "-")
      // A switch has no value of its own.
      let given =
        ["true": "--\(option)", "false": "--no-\(option)"][value] ?? "--\(option) \(value)"
      throw ValidationError(
        "--set \(setting.key)=\(setting.value) and \(given) contradict each other; leave one of them out"
      )
    }
  }

  /// Whether two values are the same, as numbers where they are numbers.
  private static func areSame(_ one: String, _ other: String) -> Bool {
    one == other || Double(one).map { $0 == Double(other) } ?? false
  }

  /// Keys with their values.
  var asSettings: [(key: String, value: String)] {
    map { setting in
      let pieces = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (key: String(pieces[0]), value: String(pieces[1]))
    }
  }
}
