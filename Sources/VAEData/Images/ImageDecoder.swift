import Tensors

/// Decodes image files. This module links no codec: a program that does hands one in.
public protocol ImageDecoder: Sendable {
  /// The endings of file names, in small letters, that are taken for images.
  var endings: [String] { get }

  /// An image, grey or red, green and blue. Called on several threads at once.
  ///
  /// - Parameters:
  ///   - file: its content.
  ///   - side: where given, an image may be made smaller while it is decoded, as long as both sides
  ///     keep so many pixels.
  /// - Throws: any error, whose description says what is wrong with the file.
  func decode(_ file: [UInt8], atLeast side: Int?) throws -> DecodedImage
}

/// An image out of a file.
public struct DecodedImage: Sendable {
  /// The size; 1 or 3 channels.
  public let shape: ImageShape
  /// `[height, width, channels]`.
  public let bytes: [UInt8]

  /// An image of bytes.
  public init(shape: ImageShape, bytes: [UInt8]) {
    ensure(
      bytes.count == shape.count && (shape.channels == 1 || shape.channels == 3),
      "an image of \(shape) from \(bytes.count) bytes")
    self.shape = shape
    self.bytes = bytes
  }
}

/// How folders of images are read.
public struct ImageFolderOptions: Sendable {
  /// What decodes the files.
  public var decoder: any ImageDecoder
  /// What becomes of each image; nil for what a model's recipe says, or else nothing.
  public var preparation: ImagePreparation?
  /// The folder for the packed images, which is made where it does not exist; nil to keep them
  /// beside the folder that they are from.
  public var cache: String?
  /// Whether packed images are written where there are none yet: not for a folder that only a record names.
  public var keepsImages = true
  /// Told how many files of how many are decoded, on the thread that asked for them; false asks for
  /// a stop.
  public var progress: (@Sendable (_ done: Int, _ total: Int) -> Bool)?

  /// Options.
  public init(
    decoder: any ImageDecoder, preparation: ImagePreparation? = nil, cache: String? = nil,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Bool)? = nil
  ) {
    self.decoder = decoder
    self.preparation = preparation
    self.cache = cache
    self.progress = progress
  }
}
