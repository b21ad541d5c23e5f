import CVAE
import Tensors

/// An operation of a plug-in, with forward and backward passes of its own.
struct CustomOperation: @unchecked Sendable {
  let name: String
  let source: vae_operation
  let userData: UnsafeMutableRawPointer?

  /// Inputs that it may have.
  static let inputLimit: UInt64 = 16

  /// - Throws: `Misfit` for what breaks the rules of vae_plugin.h.
  init(
    _ operation: UnsafePointer<vae_operation>?, _ userData: UnsafeMutableRawPointer?
  ) throws(Misfit) {
    guard let operation else { throw Misfit("the operation is NULL") }
    source = try vae_operation(reading: operation, "the operation")
    name = try pluginText(source.name, "the operation's name", limit: 256)
    guard source.forward != nil else { throw Misfit("operation \(name) has no forward") }
    self.userData = userData
  }

  /// The output for some inputs, which the tape records.
  ///
  /// - Parameter note: told when the backward pass fails later.
  /// - Throws: `Misfit` where the forward pass fails.
  func applied(
    to inputs: [Tensor], shape: Shape, note: @escaping (String) -> Void
  ) throws -> Tensor {
    let constants = inputs.map { $0.detached() }
    let output = try forward(constants, shape)
    guard source.backward != nil else { return output }
    try GradientProbe.current?.probe(self, constants, shape)
    let wants = inputs.map(\.isTracked)
    return .recorded(output, from: inputs) { gradient in
      do {
        return try backward(constants, output, gradient, wants: wants)
      } catch {
        note("custom operation \(name): \((error as? Misfit)?.message.description ?? "\(error)")")
        return constants.map { Tensor.zeros($0.shape) }
      }
    }
  }

  func forward(_ inputs: [Tensor], _ shape: Shape) throws(Misfit) -> Tensor {
    var status: Int32 = 0
    let output = Tensor(shape) { buffer in
      buffer.update(repeating: 0)
      Buffers.with(
        inputs.map(Buffers.reading) + [
          (buffer.baseAddress.map { UnsafeMutableRawPointer($0) }, shape)
        ]
      ) {
        status = source.forward?($0, UInt64(inputs.count), $0 + inputs.count, userData) ?? 0
      }
    }
    withExtendedLifetime(inputs) {}
    guard status == 0 else { throw Misfit("forward answers \(status)") }
    return output
  }

  func backward(
    _ inputs: [Tensor], _ output: Tensor, _ gradient: Tensor, wants: [Bool]
  ) throws(Misfit) -> [Tensor?] {
    let gradients = zip(inputs, wants).map { $1 ? Tensor.zeros($0.shape) : nil }
    let views =
      inputs.map(Buffers.reading) + [Buffers.reading(output), Buffers.reading(gradient)]
      + zip(gradients, inputs).map { ($0?.writeAddress, $1.shape) }
    let count = inputs.count
    let status = Buffers.with(views) {
      source.backward?($0, UInt64(count), $0 + count, $0 + count + 1, $0 + count + 2, userData) ?? 0
    }
    withExtendedLifetime((inputs, output, gradient, gradients)) {}
    guard status == 0 else { throw Misfit("backward answers \(status)") }
    return gradients
  }
}

/// Tensors as C reads them.
private enum Buffers {
  /// A tensor that is only read: C has one type for what is read and what is written.
  static func reading(_ tensor: Tensor) -> (start: UnsafeMutableRawPointer?, shape: Shape) {
    (UnsafeMutableRawPointer(mutating: tensor.address), tensor.shape)
  }

  static func with<Result>(
    _ views: [(start: UnsafeMutableRawPointer?, shape: Shape)],
    _ body: (UnsafePointer<vae_buffer>) -> Result
  ) -> Result {
    let shapes = UnsafeMutablePointer<Int64>.allocate(
      capacity: max(1, views.count * Checks.rankLimit))
    let buffers = UnsafeMutablePointer<vae_buffer>.allocate(capacity: views.count + 1)
    defer {
      shapes.deallocate()
      buffers.deallocate()
    }
    for (number, view) in views.enumerated() {
      let shape = shapes + number * Checks.rankLimit
      for (axis, size) in view.shape.dimensions.enumerated() {
        (shape + axis).initialize(to: Int64(size))
      }
      (buffers + number).initialize(
        to: vae_buffer(
          data: view.start?.assumingMemoryBound(to: Float.self), shape: shape,
          rank: Int64(view.shape.rank), count: Int64(view.shape.count)))
    }
    return body(buffers)
  }
}
