import Messages
import VAEFiles

/// A checkpoint as read from a run folder.
public struct StoredCheckpoint {
  /// What was read, for errors.
  public let source: String
  /// Parameters and buffers by path.
  public let weights: Safetensors
  /// Optimizer moments by phase and path.
  public let optimizer: Safetensors
  let state: State
  /// Whether its files have checksums, which then were right; those of versions before 0.2 have none.
  public var isSealed: Bool { state.isSealed }

  /// A checkpoint from its files' contents.
  ///
  /// - Parameters:
  ///   - files: the contents by name; see `CheckpointFile`.
  ///   - step: the updates that it was stored under, which must be those that it holds.
  ///   - source: what was read, for errors.
  /// - Throws: `SafetensorsError` or `TrainingError` of kind `unsuitable`.
  public init(files: [String: [UInt8]], step: Int, source: String) throws {
    self.source = source
    func bytes(_ name: String) throws -> [UInt8] {
      guard let bytes = files[name] else {
        throw TrainingError(.unsuitable, "\(source) has lost its file \(name)")
      }
      return bytes
    }
    weights = try Safetensors(
      parsing: bytes(CheckpointFile.weights), path: "\(source)/\(CheckpointFile.weights)")
    optimizer = try Safetensors(
      parsing: bytes(CheckpointFile.optimizer), path: "\(source)/\(CheckpointFile.optimizer)")
    state = try State(
      parsing: bytes(CheckpointFile.state), step: step, path: "\(source)/\(CheckpointFile.state)")
    for file in [weights, optimizer] where file.isSealed != state.isSealed {
      throw TrainingError(
        .unsuitable,
        state.isSealed
          ? "\(file.path) has no checksums, but \(CheckpointFile.state) beside it is of a version that stores them"
          : "\(file.path) has checksums, but \(CheckpointFile.state) beside it is of a version that stores none"
      )
    }
  }

  /// What the user should know about a run or a model that has no checksums.
  package static func unsealedNotice(_ path: String) -> Message {
    "\(path) is of a version that stored no checksums, so damage to its numbers would go unnoticed"
  }

  /// Whether the training had come to its end with it.
  public var isFinished: Bool { state.isFinished }
  /// The epochs behind it that were whole.
  public var epoch: Int { state.step / state.updatesPerEpoch }
  /// The best epoch until then; nil where nothing was held out.
  public var best: BestEpoch? { state.best }
  /// The number of updates behind it.
  public var step: Int { state.step }
  /// The threads that computed it.
  public var threads: Int { state.threads }
}
