/// Thrown by whoever is told the progress of work that several ranks do together, to stop it: all of them end with this
/// error, whichever of them has thrown it.
public struct StoppedWork: Error {
  /// A request to stop.
  public init() {}
}
