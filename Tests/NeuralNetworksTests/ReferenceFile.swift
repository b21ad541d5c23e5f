import Foundation

/// The files in `Reference`, which its `generate.py` makes and describes.
enum ReferenceFile {
  /// The cases of a file.
  static func load<Case: Decodable>(_ file: String, as type: Case.Type) throws -> [Case] {
    let url = Bundle.module.bundleURL.appendingPathComponent("Reference/\(file)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([Case].self, from: Data(contentsOf: url))
  }
}
