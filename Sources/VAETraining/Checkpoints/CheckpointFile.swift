/// The names of a checkpoint's files.
public enum CheckpointFile {
  /// Parameters and buffers by path.
  public static let weights = "weights.safetensors"
  /// Optimizer moments by phase and path.
  public static let optimizer = "optimizer.safetensors"
  /// Step, generator, sums.
  public static let state = "state.json"
}
