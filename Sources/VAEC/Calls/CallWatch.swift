import CVAE
import Communication
import Glibc
import Tensors
import VAEZoo

/// What a caller gave a long call to be stopped by, and to be told of its progress.
struct CallWatch {
  private let token: CancelToken
  private let callback: vae_work_callback?
  private let userData: UnsafeMutableRawPointer?
  /// What is known of each example beside it, where the caller says it.
  let condition: TensorView?
  /// Which checkpoint of a run the caller wants.
  let checkpoint: CheckpointChoice
  /// Whether images are to be draws in place of means.
  let drawing: Bool
  /// How pictures are computed.
  let pictures: PictureComputation

  /// - Parameters:
  ///   - takesCondition: whether the call is one that a condition can be given.
  ///   - takesCheckpoint: whether it is one that opens a run.
  ///   - takesDraw: whether it is one that can draw images in place of their means.
  ///   - takesPictures: whether it is one that takes pictures of any size.
  ///   - takesCommunicator: whether it is one that several processes divide (`communicator(_:_:)`).
  /// - Throws: `CallError` where the options or their token are none, or have a condition, a checkpoint, a
  ///   draw, tiles, a precision or a communicator that nobody asks for.
  init(
    _ options: UnsafePointer<vae_call_options>?, _ name: String, takesCondition: Bool = false,
    takesCheckpoint: Bool = false, takesDraw: Bool = false, takesPictures: Bool = false,
    takesCommunicator: Bool = false
  ) throws(CallError) {
    let given =
      try options.map { (options) throws(CallError) in try value(of: options, name) }
      ?? vae_call_options()
    for (field, value) in [("reserved", given.reserved), ("reserved2", given.reserved2)]
    where value != 0 {
      throw CallError(
        VAE_ERR_UNSUPPORTED,
        "\(name)->\(field) is \(value), which this version of the library does not know")
    }
    guard (0...(takesDraw ? 1 : 0)).contains(given.draw) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        takesDraw
          ? "\(name)->draw is \(given.draw), but must be 0 or 1"
          : "\(name)->draw is given to a call that draws no images; set it to 0")
    }
    drawing = given.draw == 1
    pictures = try Self.pictures(given, name, isTaken: takesPictures)
    guard takesCondition || given.condition == nil else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->condition is given to a call that takes none; set it to NULL")
    }
    condition = try given.condition.map { (condition) throws(CallError) in
      try TensorView(condition, "\(name)->condition")
    }
    guard takesCheckpoint || given.checkpoint == nil else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->checkpoint is given to a call that opens no run; set it to NULL")
    }
    if let checkpoint = try text(optional: given.checkpoint, "\(name)->checkpoint") {
      do {
        self.checkpoint = try CheckpointChoice(parsing: checkpoint)
      } catch {
        throw CallError(error)
      }
    } else {
      checkpoint = .last
    }
    guard takesCommunicator || given.communicator == nil else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->communicator is given to a call that is no work of several processes; set it to NULL"
      )
    }
    token = try CancelTokenObject.token(given.token)
    callback = given.progress
    userData = given.user_data
  }

  /// What connects this process with others that divide a call, before anything else of its options is looked at: whatever
  /// that is refused for, the others are to hear.
  ///
  /// - Throws: `CallError` where the options are none, or the table cannot be used.
  static func communicator(
    _ options: UnsafePointer<vae_call_options>?, _ name: String
  ) throws(CallError) -> any Communicator {
    let given = try options.map { (options) throws(CallError) in try value(of: options, name) }
    guard let table = given?.communicator else { return SoloCommunicator() }
    return WatchedCommunicator.watching(
      try CallerCommunicator(table, "\(name)->communicator"))
  }

  /// How pictures are to be computed.
  private static func pictures(
    _ given: vae_call_options, _ name: String, isTaken: Bool
  ) throws(CallError) -> PictureComputation {
    for (field, value) in [("tile", given.tile), ("precision", given.precision)]
    where !isTaken && value != 0 {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->\(field) is given to a call that takes no pictures; set it to 0")
    }
    guard given.tile >= 0 else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->tile is \(given.tile), but must be a number of pixels, or 0 for whole pictures")
    }
    let precision: Precision
    switch given.precision {
    case VAE_PRECISION_FLOAT32: precision = .float32
    case VAE_PRECISION_BFLOAT16: precision = .bfloat16
    default:
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->precision is \(given.precision), but must be VAE_PRECISION_FLOAT32 or VAE_PRECISION_BFLOAT16"
      )
    }
    return PictureComputation(
      tile: given.tile == 0 ? nil : Int(given.tile), precision: precision)
  }

  /// A watch on a token alone.
  init(_ token: CancelToken) {
    pictures = PictureComputation()
    self.token = token
    callback = nil
    userData = nil
    condition = nil
    checkpoint = .last
    drawing = false
  }

  /// Tells the caller how far the work is.
  ///
  /// - Parameters:
  ///   - fraction: the part that is done; nil where that is not known.
  ///   - models: what the work is done with, which the callback may read.
  /// - Throws: `CallError` where the caller wants no more of it.
  func proceed(_ fraction: Double?, with models: [ModelObject] = []) throws(CallError) {
    try token.check()
    guard let callback else { return }
    /// Calls back as part of the calls of all of them.
    func tell(_ models: ArraySlice<ModelObject>) throws(CallError) -> Bool {
      guard let model = models.first else {
        return try Callback.tell(callback, fraction ?? -1, userData)
      }
      return try model.runCallback { () throws(CallError) in try tell(models.dropFirst()) }
    }
    guard try tell(models[...]) else { throw .cancelled }
    // The callback may have set the token.
    try token.check()
  }
}

extension CallWatch {
  /// Runs work that asks on whatever thread it runs on whether it was stopped. The callback is told on
  /// the calling thread alone.
  ///
  /// - Parameter work: given what to ask.
  /// - Throws: what the work throws, or why it was stopped.
  func asked<Result>(
    _ work: (_ isStopped: @escaping @Sendable () -> Bool) throws -> Result
  ) throws -> Result {
    let (caller, reason) = (pthread_self(), Lock<CallError?>(nil))
    // Used on the calling thread only, and only during the call, but for the token.
    nonisolated(unsafe) let watch = self
    let token = token
    do {
      return try work {
        guard pthread_equal(caller, pthread_self()) != 0 else { return token.isCancelled }
        if reason.withLock({ $0 != nil }) { return true }
        do throws(CallError) {
          try watch.proceed(nil)
          return false
        } catch {
          reason.withLock { $0 = error }
          return true
        }
      }
    } catch {
      throw reason.withLock { $0 } ?? error
    }
  }
}

/// Runs work that asks whether to go on, and answers nil where it was stopped.
///
/// - Parameters:
///   - models: what the work is done with, which the callback may read.
///   - work: given what to ask.
/// - Throws: why it was stopped.
func stoppable<Result>(
  _ watch: CallWatch, with models: [ModelObject],
  _ work: (_ goesOn: (Double?) -> Bool) throws -> Result?
) throws -> Result {
  var reason = CallError.cancelled
  let found = try work { fraction in
    do throws(CallError) {
      try watch.proceed(fraction, with: models)
      return true
    } catch {
      reason = error
      return false
    }
  }
  guard let found else { throw reason }
  return found
}

/// Runs a call of several processes, which hear where it is refused in this one before they meet.
///
/// - Parameter body: sets its argument just before it does what all do together.
func together<Result>(
  _ communicator: any Communicator, _ body: (_ hasMet: inout Bool) throws -> Result
) throws -> Result {
  var hasMet = false
  do { return try body(&hasMet) } catch {
    guard hasMet || communicator.size == 1 else {
      return try communicator.allSucceeding { throw error }
    }
    throw error
  }
}
