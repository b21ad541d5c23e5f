/// The version of this package.
public enum VAEZooVersion {
  /// Major, minor and patch, as in `CHANGELOG.md`.
  public static let text = "0.2.0"
}
