import CVAE

/// A call of one of a component's methods: where values come from. Valid until the method returns,
/// on the thread that received it.
public struct Pass {
  let host: UnsafePointer<vae_host>
  let pointer: OpaquePointer?

  /// What the call is made for.
  public enum Mode: Sendable {
    /// An update of the parameters.
    case training
    /// A measurement.
    case evaluation
    /// As training, to gather statistics.
    case calibration
  }

  /// What the call is made for.
  public var mode: Mode {
    switch info.mode {
    case VAE_MODE_TRAINING: .training
    case VAE_MODE_CALIBRATION: .calibration
    default: .evaluation
    }
  }

  /// Updates made before.
  public var step: Int { Int(info.step) }
  /// Passes over the training data made before, with the fraction of the present one.
  public var epochs: Double { info.epochs }
  /// Draws times examples: the first axis of every value given and expected.
  public var rows: Int { Int(info.rows) }
  /// Draws of each example.
  public var draws: Int { Int(info.draws) }

  private var info: vae_pass_info {
    var info = vae_pass_info()
    info.struct_size = UInt32(MemoryLayout<vae_pass_info>.size)
    host.pointee.describe_pass(pointer, &info)
    return info
  }

  /// What the model is told of each row beside the data, `[rows, conditionWidth]`: of a label a one-hot
  /// row. For components that use a condition; hosts before 0.2 have none.
  public var condition: Value {
    guard host.pointee.abi_version >= 2, let condition = host.pointee.condition else {
      fail("the host is older than conditions; use version 0.2 or later")
      return value(nil)
    }
    return value(condition(pointer))
  }

  /// Says why the method cannot give a result.
  public func fail(_ reason: String) { host.pointee.fail_pass(pointer, reason) }

  /// A parameter's numbers at this moment.
  public func use(_ parameter: Parameter) -> Value {
    value(host.pointee.use(pointer, parameter.pointer))
  }

  /// Replaces a parameter's numbers; in `begin`, `prepare` and `afterUpdate` only.
  public func assign(_ numbers: Value, to parameter: Parameter) {
    host.pointee.assign(pointer, parameter.pointer, numbers.pointer)
  }

  /// Given numbers, as many as the shape has elements.
  public func constant(_ numbers: [Float], shape: [Int]) -> Value {
    guard shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, *) == numbers.count else {
      fail("\(numbers.count) numbers do not fill a constant of shape \(shape)")
      return value(nil)
    }
    return value(
      host.pointee.constant(pointer, numbers, shape.map(Int64.init), Int64(shape.count)))
  }

  /// One number everywhere.
  public func full(_ number: Float, shape: [Int]) -> Value {
    value(host.pointee.full(pointer, number, shape.map(Int64.init), Int64(shape.count)))
  }

  /// Standard normal numbers `[rows] + shape`, from the stream of this name.
  public func normal(_ stream: String, shape: [Int]) -> Value {
    value(
      host.pointee.normal(pointer, stream, shape.map(Int64.init), Int64(shape.count)))
  }

  /// Uniform numbers in (0, 1), `[rows] + shape`.
  public func uniform(_ stream: String, shape: [Int]) -> Value {
    value(
      host.pointee.uniform(pointer, stream, shape.map(Int64.init), Int64(shape.count)))
  }

  func value(_ pointer: OpaquePointer?) -> Value { Value(pass: self, pointer: pointer) }
}
