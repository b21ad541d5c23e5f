import ArgumentParser

/// What `--set` takes, as often as it is given: key=value.
extension [String] {
  /// Refuses one that is not of that form.
  func checkSettings() throws {
    for setting in self where !setting.contains("=") || setting.hasPrefix("=") {
      throw ValidationError("--set \(setting) is not of the form key=value")
    }
  }

  /// Keys with their values.
  var asSettings: [(key: String, value: String)] {
    map { setting in
      let pieces = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (key: String(pieces[0]), value: String(pieces[1]))
    }
  }
}
