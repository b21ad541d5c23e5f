import CVAE
import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAERecipes

/// What a plug-in holds for the time of one call: a build or a pass.
///
/// It is not locked: `Scopes.find` gives it to the thread of the call only.
class Scope {
  /// Where an object's handles begin; set once the call has begun.
  fileprivate(set) var handle: UInt = 0

  private let thread = pthread_self()

  fileprivate var isOfThisThread: Bool { pthread_equal(pthread_self(), thread) != 0 }

  /// Notes that another thread asked for an operation. Called on that thread, which may read
  /// nothing but constants.
  func noteOtherThread(_ operation: String) {}
}

/// The calls of plug-ins that are under way.
///
/// Their handles are numbers that never come again, so that one which is used after its call is
/// found out.
enum Scopes {
  /// Not everything in it is Sendable: a plug-in uses a handle on the thread that received it only.
  private struct Live: @unchecked Sendable {
    var last: UInt = 0
    var scopes: [UInt: Scope] = [:]
  }

  private static let live = Lock(Live())

  /// Bits of a handle that number what belongs to it.
  static let valueBits = 20

  /// Runs a call of a plug-in with a handle of a scope.
  static func run<Result>(_ scope: Scope, _ body: (OpaquePointer?) -> Result) -> Result {
    let handle = live.withLock { live in
      live.last += 1
      let handle = live.last << UInt(valueBits)
      live.scopes[handle] = scope
      return handle
    }
    scope.handle = handle
    defer { live.withLock { _ = $0.scopes.removeValue(forKey: handle) } }
    return body(OpaquePointer(bitPattern: handle))
  }

  /// The scope of a handle, for an operation.
  ///
  /// - Returns: nil where there is none of this kind any more, and on another thread than that of
  ///   the call, which is noted.
  static func find<Kind: Scope>(
    _ handle: OpaquePointer?, _ kind: Kind.Type, _ operation: String
  ) -> Kind? {
    let scope = live.withLock { $0.scopes[UInt(bitPattern: handle)] }
    guard let scope = scope as? Kind else { return nil }
    guard scope.isOfThisThread else {
      scope.noteOtherThread(operation)
      return nil
    }
    return scope
  }
}

/// The making of an object: what its factory asks for and adds.
final class BuildScope: Scope {
  let component: PluginComponent
  let build: BuildContext
  /// Why it cannot be made; the first reason stays.
  private let noted = Lock<(any Error)?>(nil)
  /// What it has made, by name.
  fileprivate(set) var tensors: [(name: String, tensor: StoredTensor)] = []
  fileprivate(set) var closures: [ClosureFunction] = []

  init(component: PluginComponent, build: BuildContext) {
    self.component = component
    self.build = build
  }

  var fault: (any Error)? { noted.withLock { $0 } }

  private func note(_ error: any Error) { noted.withLock { $0 = $0 ?? error } }

  private func note(_ operation: String, _ message: Message) {
    note(
      PluginError(
        .failed,
        "\(component.origin): the factory of \(component.title): \(operation): \(message)"))
  }

  override func noteOtherThread(_ operation: String) {
    note(operation, "the build is used on another thread")
  }

  /// Notes a reason of the author's.
  func refuse(_ kind: RecipeFault, _ message: UnsafePointer<CChar>?) {
    let text = (try? pluginText(message, "the reason")) ?? "it gave no reason that can be read"
    note(RecipeError(kind, "\(component.title): \(text)"))
  }

  /// Runs a body whose failure is the plug-in's.
  func attempt<Result>(_ operation: String, _ body: () throws -> Result?) -> Result? {
    guard fault == nil else { return nil }
    do {
      return try body()
    } catch let error as RecipeError {
      note(RecipeError(error.kind, "\(component.title): \(error.message)"))
    } catch {
      note(operation, (error as? Misfit)?.message ?? "\(error)")
    }
    return nil
  }
}

extension BuildScope {
  /// Adds a parameter or buffer.
  ///
  /// - Returns: its handle.
  func add(
    _ name: UnsafePointer<CChar>?, _ shape: Shape, flags: UInt32, values: () throws -> Tensor
  ) throws -> OpaquePointer? {
    let name = try pluginName(name, "the parameter's name", separator: "_")
    guard !tensors.contains(where: { $0.name == name }) else {
      throw Misfit("there are two parameters \(name)")
    }
    let known = UInt32(VAE_PARAMETER_NOT_DECAYED | VAE_PARAMETER_BUFFER)
    guard flags & ~known == 0 else { throw Misfit("flags \(flags) are none of VAE_PARAMETER_…") }
    guard tensors.count < 10_000 else { throw Misfit("there are more than 10000 parameters") }
    // A factory may say what the values are, so there is memory for them before it has returned.
    try build.checkSize(
      parameters: tensors.map(\.tensor.shape) + [shape], remedy: "hyper-parameters")
    let values = try values()
    guard values.isFinite else { throw Misfit("the values of \(name) are not all finite") }
    tensors.append(
      (
        name: name,
        tensor: flags & UInt32(VAE_PARAMETER_BUFFER) == 0
          ? .parameter(Parameter(values, isDecayed: flags & UInt32(VAE_PARAMETER_NOT_DECAYED) == 0))
          : .buffer(Buffer(values))
      ))
    return OpaquePointer(bitPattern: handle | UInt(tensors.count))
  }

  /// Adds a C function that calls `body`.
  func addClosure(
    _ result: Int32, _ types: UnsafePointer<Int32>?, _ count: UInt64, _ body: vae_closure?,
    _ userData: UnsafeMutableRawPointer?
  ) throws -> vae_function {
    guard let body else { throw Misfit("the body is NULL") }
    guard count <= CallInterface.argumentLimit, count == 0 || types != nil else {
      throw Misfit("\(count) arguments are over \(CallInterface.argumentLimit), or stand at NULL")
    }
    guard let result = CType(code: result) else { throw Misfit("the result has no known type") }
    var arguments: [CType] = []
    for index in 0..<Int(count) {
      guard let type = types.flatMap({ CType(code: $0[index]) }), type != .void else {
        throw Misfit("argument \(index) has no known type")
      }
      arguments.append(type)
    }
    let closure = try ClosureFunction(arguments, result: result) { result, arguments in
      arguments.map { body(result, UnsafePointer($0), userData) } ?? body(result, nil, userData)
    }
    closures.append(closure)
    return closure.function
  }
}
