import Foundation

/// Files of the repository beside the tests.
enum Repository {
  /// The absolute path of a file.
  static func path(_ name: String) -> String {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return url.appendingPathComponent(name).path
  }
}
