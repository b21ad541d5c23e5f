import NeuralNetworks
import Tensors
import VAECore

/// A call of one of a plug-in's methods: its values, and what it may do.
final class Pass: Scope {
  /// What a call is made for.
  struct Setting {
    /// The method, for errors.
    let method: String
    /// Where modes, steps and random numbers come from; nil where the method gets none.
    let context: Context?
    /// The first axis of values.
    let rows: Int
    /// Draws of each example.
    let draws: Int
    /// Whether parameters may be changed.
    var mayAssign = false
    /// Whether terms may be logged.
    var mayLog = false

    init(_ method: String, _ context: Context?, rows: Int, draws: Int = 1) {
      self.method = method
      self.context = context
      self.rows = rows
      self.draws = draws
    }
  }

  let instance: PluginInstance
  let setting: Setting
  /// Why the call has failed; the first reason stays.
  private(set) var fault: String?
  /// What an objective logged.
  private(set) var terms: [(name: String, value: Tensor)] = []

  private var values: [Tensor] = []

  init(_ instance: PluginInstance, _ setting: Setting) {
    self.instance = instance
    self.setting = setting
  }

  override func noteOtherThread(_ operation: String) {
    instance.note("\(setting.method): \(operation): the pass is used on another thread")
  }

  /// Notes a reason for failure.
  func fail(_ message: String) {
    fault = fault ?? "\(setting.method): \(message)"
  }

  /// A handle for a value; NULL for nil, and for tensors of indices, which plug-ins do not know.
  func give(_ value: Tensor?) -> OpaquePointer? {
    guard let value, value.elementType == .float32 else { return nil }
    guard values.count < 1 << Scopes.valueBits - 1 else {
      fail("there are more than \(values.count) values in one pass")
      return nil
    }
    values.append(value)
    return OpaquePointer(bitPattern: handle | UInt(values.count))
  }

  /// The value of a handle; nil where it is none of this pass.
  func find(_ value: OpaquePointer?) -> Tensor? {
    let number = UInt(bitPattern: value)
    guard number > handle, number - handle <= UInt(values.count) else { return nil }
    return values[Int(number - handle) - 1]
  }

  /// What a method returned.
  func result(_ value: OpaquePointer?) -> Tensor? {
    guard let value else { return nil }
    let found = find(value)
    if found == nil { fail("it gave something that is no value of this pass") }
    return found
  }

  /// Runs an operation on some values, and gives its result a handle.
  ///
  /// - Returns: NULL where an input is missing or the operation refuses, which is noted.
  func operate(
    _ operation: String, _ inputs: [OpaquePointer?], _ body: ([Tensor]) throws -> Tensor
  ) -> OpaquePointer? {
    attempt(operation) {
      var tensors: [Tensor] = []
      tensors.reserveCapacity(inputs.count)
      for (index, input) in inputs.enumerated() {
        guard let input else {
          // What is missing because of a failure before has been noted with it.
          throw Misfit("value \(index + 1) is NULL")
        }
        guard let tensor = find(input) else {
          throw Misfit("value \(index + 1) is no value of this pass")
        }
        tensors.append(tensor)
      }
      return give(try body(tensors))
    }
  }

  /// Runs a body whose failure is the plug-in's.
  func attempt<Result>(_ operation: String, _ body: () throws -> Result?) -> Result? {
    do {
      return try body()
    } catch {
      fail("\(operation): \((error as? Misfit)?.message.description ?? "\(error)")")
      return nil
    }
  }

  func log(_ name: String, _ value: Tensor) throws {
    guard setting.mayLog else { throw Misfit("terms are logged in the loss of an objective only") }
    guard value.count == 1 else {
      throw Misfit("\(name) is no scalar, but of shape \(value.shape)")
    }
    guard terms.count < 1000, !terms.contains(where: { $0.name == name }) else {
      throw Misfit("\(name) is logged twice, or there are more than 1000 terms")
    }
    terms.append((name: name, value: value.detached().reshaped(to: [])))
  }

  /// Random numbers for each row, `[rows] + shape`.
  func noise(_ stream: String, _ shape: Shape, isNormal: Bool) throws -> Tensor {
    guard let context = setting.context,
      context.examples.count * setting.draws == setting.rows
    else { throw Misfit("this method has no random numbers") }
    let name = "plugin \(instance.component.title) \(stream)"
    if isNormal { return context.normalNoise(name, samples: setting.draws, shape: shape) }
    let numbers = context.stream(name)
    let draws = (0..<setting.draws).map {
      numbers.uniform(context.examples, shape: shape, draw: context.firstDraw + $0)
    }
    return draws.count == 1 ? draws[0] : Tensor.concatenated(draws, axis: 0)
  }
}
