import Foundation
import VAEZoo
import XCTest

extension XCTestCase {
  /// A folder that is gone after the test.
  func makeTemporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "vae-zoo-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    addTeardownBlock { try FileManager.default.removeItem(atPath: path) }
    return path
  }

  /// Writes images as an .npy file and gives its path.
  func write(_ images: Tensor, _ name: String, in folder: String) throws -> String {
    let path = "\(folder)/\(name)"
    try Data(NPYWriter.bytes(images)).write(to: URL(fileURLWithPath: path))
    return path
  }
}
