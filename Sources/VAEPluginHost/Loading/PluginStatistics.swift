import Synchronization

/// What plug-ins hold in this process.
public enum PluginStatistics {
  static let objects = Atomic<Int>(0)

  /// Objects that factories made and that have not been destroyed.
  public static var liveObjects: Int { objects.load(ordering: .relaxed) }
}
