import Tensors
import VAEFiles

/// Pictures that follow each other, again and again.
public struct Animation: Sendable {
  /// The pictures, all of one size and channel count.
  public let frames: [PixelImage]
  /// How long each is shown, in milliseconds.
  public let milliseconds: [Int]

  /// An animation of at least one picture.
  ///
  /// - Parameters:
  ///   - frames: the pictures, all of one size and channel count.
  ///   - milliseconds: for each frame, from 20 to 60,000.
  public init(frames: [PixelImage], milliseconds: [Int]) {
    ensure(
      !frames.isEmpty && frames.count == milliseconds.count,
      "an animation of \(frames.count) pictures with \(milliseconds.count) durations")
    ensure(
      milliseconds.allSatisfy { (20...60_000).contains($0) }, "a duration is out of range")
    let first = frames[0]
    ensure(
      frames.allSatisfy {
        $0.width == first.width && $0.height == first.height && $0.channels == first.channels
      }, "an animation of pictures of different sizes")
    self.frames = frames
    self.milliseconds = milliseconds
  }

  /// Pictures shown forwards and backwards, the two ends longer than what lies between.
  public init(backAndForth frames: [PixelImage], milliseconds: Int = 80, atEnds: Int = 500) {
    let between = frames.dropFirst().dropLast()
    let ends = frames.count > 1 ? [frames[0]] + between + [frames[frames.count - 1]] : frames
    var durations = ends.indices.map { $0 == 0 || $0 == ends.count - 1 ? atEnds : milliseconds }
    durations += between.map { _ in milliseconds }
    self.init(frames: ends + between.reversed(), milliseconds: durations)
  }

  /// Writes an animated GIF: whole, or not at all.
  ///
  /// - Throws: `PixelImageError` for frames that the format cannot hold, `FileError` where the file
  ///   cannot be written.
  public func writeGIF(to path: String) throws {
    try DurableFiles.replace(path, with: gifData())
  }

  /// Writes an animated PNG: whole, or not at all.
  ///
  /// - Throws: `PixelImageError` for frames that the format cannot hold, `FileError` where the file
  ///   cannot be written.
  public func writeAPNG(to path: String) throws {
    try DurableFiles.replace(path, with: apngData())
  }
}
