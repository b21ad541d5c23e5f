import CVAE
import NeuralNetworks
import Tensors
import VAECore

/// An object that a factory of a plug-in made, with what belongs to it.
final class PluginInstance {
  let component: PluginComponent
  /// What methods receive as `self`.
  let object: UnsafeMutableRawPointer
  let members: Members

  private let tensors: [StoredTensor]
  /// Where the handles of its parameters begin.
  private let handle: UInt
  private let closures: [ClosureFunction]
  private let fault = Lock<PluginError?>(nil)

  init(component: PluginComponent, object: UnsafeMutableRawPointer, scope: BuildScope) {
    self.component = component
    self.object = object
    handle = scope.handle
    tensors = scope.tensors.map(\.tensor)
    closures = scope.closures
    var members: Members = [:]
    members.entries = scope.tensors.map { (name: $0.name, member: $0.tensor.member) }
    self.members = members
    PluginStatistics.objects.add(1, ordering: .relaxed)
  }

  deinit {
    component.source.destroy?(object)
    PluginStatistics.objects.subtract(1, ordering: .relaxed)
  }

  /// The parameter of a handle; nil where it is no parameter of this object.
  func tensor(_ parameter: OpaquePointer?) -> StoredTensor? {
    let number = UInt(bitPattern: parameter)
    guard number > handle, number - handle <= UInt(tensors.count) else { return nil }
    return tensors[Int(number - handle) - 1]
  }

  /// Notes why a result cannot be used; the first reason stays until it is asked for.
  func note(_ message: String) {
    fault.withLock {
      $0 = $0 ?? PluginError(.failed, "\(component.origin): \(component.title): \(message)")
    }
  }

  func takeFault() -> (any Error)? {
    fault.withLock { fault in
      defer { fault = nil }
      return fault
    }
  }

  /// A call of one of its methods that gives a value.
  ///
  /// - Parameters:
  ///   - expected: what the shape must be; the elements may come with other axes where `isLoose`.
  /// - Returns: nil where it failed, which is noted.
  func value(
    _ setting: Pass.Setting, shape expected: Shape?, isLoose: Bool = false,
    _ body: (_ pass: Pass, _ handle: OpaquePointer?) -> OpaquePointer?
  ) -> Tensor? {
    let pass = Pass(self, setting)
    let result = Scopes.run(pass) { handle in pass.result(body(pass, handle)) }
    guard let result else {
      note(pass.fault ?? "\(setting.method) gave NULL")
      return nil
    }
    if let message = pass.fault {
      note(message)
      return nil
    }
    guard let expected, result.shape != expected else { return result }
    guard isLoose, result.count == expected.count, result.shape.dimensions.first == expected[0]
    else {
      note("\(setting.method) gave a value of shape \(result.shape) where \(expected) is needed")
      return nil
    }
    return result.reshaped(to: expected)
  }

  /// A call of one of its methods that gives nothing.
  func run(
    _ setting: Pass.Setting, _ body: (_ pass: Pass, _ handle: OpaquePointer?) -> Void
  ) {
    let pass = Pass(self, setting)
    Scopes.run(pass) { handle in body(pass, handle) }
    if let message = pass.fault { note(message) }
  }

  /// The life-cycle calls, the same for all roles.
  func prepare(_ firstBatches: [Tensor], _ context: Context) {
    guard let prepare = component.source.prepare else { return }
    let images = Tensor.concatenated(firstBatches, axis: 0)
    var setting = Pass.Setting("prepare", context, rows: images.shape[0])
    setting.mayAssign = true
    run(setting) { prepare(object, $1, $0.give(images)) }
  }

  func afterUpdate(_ context: Context) {
    guard let afterUpdate = component.source.after_update else { return }
    var setting = Pass.Setting("after_update", context, rows: context.examples.count)
    setting.mayAssign = true
    withoutTape { run(setting) { afterUpdate(object, $1) } }
  }
}

/// A part of a model that a plug-in's object stands behind.
protocol PluginPart: Module, FalliblePart {
  var instance: PluginInstance { get }
}

extension PluginPart {
  var members: Members { instance.members }

  func takeFault() -> (any Error)? { instance.takeFault() }

  func prepare(firstBatches: [Tensor], context: Context) throws {
    instance.prepare(firstBatches, context)
  }

  func afterUpdate(_ context: Context) { instance.afterUpdate(context) }
}

extension Tensor {
  /// What takes the place of a result that a plug-in failed to give: numbers that nobody can take
  /// for one.
  static func missing(_ shape: Shape) -> Tensor { Tensor(repeating: .nan, shape: shape) }
}
