import VAEData
import VAEImages

extension FuzzTarget {
  /// Pictures as folders of images hold them, once as they are and once made smaller.
  static let pictures = [picture("png"), picture("jpeg")]

  private static func picture(_ name: String) -> FuzzTarget {
    FuzzTarget(name, longest: 8192) { bytes in
      let whole = try PictureDecoder().decode(bytes, atLeast: nil)
      check(whole.bytes.count == whole.shape.count, "pixels that are not those of the shape")
      let small = try PictureDecoder().decode(bytes, atLeast: 8)
      check(small.shape.channels == whole.shape.channels, "other channels when made smaller")
      check(small.shape.height <= whole.shape.height, "larger when made smaller")
    }
  }
}
