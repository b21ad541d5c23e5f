import VAECore
import VAETraining

/// Pages that show what training did: each one file, which loads nothing.
public enum Report {
  /// The page about a run.
  ///
  /// - Parameters:
  ///   - history: what the run has on record.
  ///   - isLive: whether it will be written again while the run is trained, so that a
  ///     browser should look for the new one.
  /// - Throws: `PixelImageError` where a picture cannot be made.
  public static func page(_ history: RunHistory, isLive: Bool = false) throws -> [UInt8] {
    Array(try RunPage(history: history, isLive: isLive).document().utf8)
  }

  /// The page about several runs side by side.
  ///
  /// - Throws: `PixelImageError` where a picture cannot be made.
  public static func page(_ comparison: Comparison) throws -> [UInt8] {
    Array(try ComparisonPage(comparison: comparison).document().utf8)
  }
}
