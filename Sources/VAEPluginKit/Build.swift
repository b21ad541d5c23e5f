import CVAE

/// Why a component cannot be made or used.
public struct PluginError: Error, CustomStringConvertible {
  /// One line that says what is wrong and what to do.
  public let description: String

  /// An error with its reason.
  public init(_ description: String) { self.description = description }
}

/// A component while it is being made: what it may ask about the model, and where it makes its
/// parameters. Valid until the factory returns.
public struct Build {
  let host: UnsafePointer<vae_host>
  let pointer: OpaquePointer?

  /// Which values the data have.
  public enum ValueRange: Sendable { case binary, unit, real }

  /// Which values the data have.
  public var range: ValueRange {
    switch info.range {
    case VAE_VALUES_BINARY: .binary
    case VAE_VALUES_UNIT: .unit
    default: .real
    }
  }

  /// Height, width and channels of the images.
  public var imageShape: (height: Int, width: Int, channels: Int) {
    let info = info
    return (Int(info.height), Int(info.width), Int(info.channels))
  }

  /// Numbers that a decoder receives for an example, and units that an encoder proposes; zero where a
  /// prior is made, which decides them.
  public var latentSize: Int { Int(info.latent_size) }

  /// Numbers that a decoder gives for a pixel.
  public var parametersPerPixel: Int { Int(info.parameters_per_pixel) }

  /// Numbers that a pass's `condition` has for an example; zero for a model of p(x).
  public var conditionWidth: Int { Int(info.condition_width) }

  private var info: vae_build_info {
    var info = vae_build_info()
    info.struct_size = UInt32(MemoryLayout<vae_build_info>.size)
    host.pointee.describe_build(pointer, &info)
    return info
  }

  /// A new parameter.
  ///
  /// - Parameters:
  ///   - name: in snake_case, unique in the component; its path in checkpoints is the role and the
  ///     name.
  ///   - shape: the sizes of its axes.
  ///   - initializer: how its numbers begin.
  ///   - options: what else it is.
  public func parameter(
    _ name: String, shape: [Int], _ initializer: Parameter.Initializer,
    _ options: Parameter.Options = []
  ) throws -> Parameter {
    let (code, number) = initializer.asC
    return try made(
      name,
      host.pointee.parameter(
        pointer, name, shape.map(Int64.init), Int64(shape.count), code, number, options.rawValue))
  }

  /// A new parameter with given first values, as many as the shape has elements.
  public func parameter(
    _ name: String, shape: [Int], values: [Float], _ options: Parameter.Options = []
  ) throws -> Parameter {
    guard shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, *) == values.count else {
      throw PluginError("\(values.count) numbers do not fill \(name) of shape \(shape)")
    }
    return try made(
      name,
      host.pointee.parameter_from(
        pointer, name, shape.map(Int64.init), Int64(shape.count), values, options.rawValue))
  }

  private func made(_ name: String, _ parameter: OpaquePointer?) throws -> Parameter {
    // The host knows the reason, and keeps the first one it is given.
    guard let parameter else { throw PluginError("the parameter \(name) could not be made") }
    return Parameter(pointer: parameter)
  }
}
