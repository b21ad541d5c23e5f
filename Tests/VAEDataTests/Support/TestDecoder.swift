import Foundation
import Tensors
import VAEData

/// Decodes files of the letters `IMG`, height, width and channels, and pixels; counts them.
struct TestDecoder: ImageDecoder {
  struct NoImage: Error, CustomStringConvertible {
    let description = "no image"
  }

  /// How many files were decoded.
  let count = Lock(0)

  var endings: [String] { ["img", "png"] }

  func decode(_ file: [UInt8], atLeast side: Int?) throws -> DecodedImage {
    count.withLock { $0 += 1 }
    guard file.count > 6, file.starts(with: Array("IMG".utf8)) else { throw NoImage() }
    let shape = ImageShape(height: Int(file[3]), width: Int(file[4]), channels: Int(file[5]))
    guard file.count == 6 + shape.count else { throw NoImage() }
    return DecodedImage(shape: shape, bytes: Array(file.dropFirst(6)))
  }

  /// A file, of one byte everywhere where no pixels are given.
  static func file(
    _ height: Int, _ width: Int, channels: Int = 1, _ byte: UInt8 = 0, pixels: [UInt8]? = nil
  ) -> [UInt8] {
    Array("IMG".utf8) + [UInt8(height), UInt8(width), UInt8(channels)]
      + (pixels ?? [UInt8](repeating: byte, count: height * width * channels))
  }
}

extension DataTestCase {
  /// Opens a folder of test images below the test's folder.
  func openImages(
    _ name: String = "images", _ preparation: ImagePreparation? = nil,
    decoder: TestDecoder = TestDecoder(), cache: String? = nil, recorded: String? = nil,
    keepsImages: Bool = true
  ) throws -> DataSource {
    var images = ImageFolderOptions(decoder: decoder, preparation: preparation, cache: cache)
    images.keepsImages = keepsImages
    return try DataSource.open("\(folder)/\(name)", preparation: recorded, images: images)
  }

  /// The first byte of each image of a split.
  func firstBytes(_ split: DataSplit?) -> [Int] {
    guard let split else { return [] }
    return stride(from: 0, to: split.count * split.shape.count, by: split.shape.count).map {
      Int((values(split)[$0] * 255).rounded())
    }
  }

  /// The error that a closure throws.
  func dataError(
    file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> DataSource
  ) -> DataError? {
    do {
      _ = try body()
    } catch let error as DataError {
      return error
    } catch {}
    return nil
  }
}
