import Tensors

/// A tensor of a module that is saved but not trained by gradients: normalisation statistics, moving
/// averages, codebooks.
///
/// Buffers change in the life-cycle calls of `Module` only, never inside a forward pass.
public final class Buffer {
  private var values: DeferredTensor
  /// What makes the values that a file may lack; nil where every file must have some.
  private let first: (() -> Tensor)?

  /// The values at this moment, a constant. Setting them needs the same shape, and copies them
  /// unless nothing else refers to their memory: those of a parameter would change with its updates.
  public var value: Tensor {
    get { values.made ?? values.tensor }
    set {
      ensure(
        newValue.shape == shape,
        "a buffer of shape \(shape) cannot take values of shape \(newValue.shape)")
      var new = consume newValue
      new.takeOwnMemory()
      // What short memory left without elements does not take the place of what was there.
      if !Memory.hasFailed { values.tensor = new }
    }
  }

  /// Takes back values that it had before, without a copy, so that this needs no memory.
  package func restore(_ earlier: Tensor) { values.tensor = earlier }

  /// The shape of the values.
  public var shape: Shape { values.shape }

  /// The values that it has where a file has none, nil where every file must have some.
  public var valueOfOldFiles: Tensor? { first?() }

  /// Whether the values have been made.
  public var hasValues: Bool { values.made != nil }

  /// A buffer whose first values are made when they are asked for, as those of a parameter are.
  ///
  /// - Parameters:
  ///   - shape: of the values.
  ///   - isInEveryFile: whether a file without the buffer is refused; else it means the first values.
  ///   - first: makes them.
  public init(_ shape: Shape, isInEveryFile: Bool = true, _ first: @escaping () -> Tensor) {
    values = DeferredTensor(shape) { first().copied() }
    self.first = isInEveryFile ? nil : first
  }

  /// A buffer that starts with the given values.
  public init(_ value: Tensor) {
    values = DeferredTensor(value.copied())
    first = nil
  }
}

/// One of the things that a module is made of.
public enum Member {
  /// A tensor that training changes.
  case parameter(Parameter)
  /// A tensor that is saved only.
  case buffer(Buffer)
  /// A part with members of its own.
  case module(any Module)
}

/// The members of a module by name, in a fixed order; written as a dictionary literal.
///
/// The order is that of files and of optimizers, and names are parts of paths: changing either makes other
/// checkpoints.
public struct Members: ExpressibleByDictionaryLiteral {
  /// Name and member, in order.
  public var entries: [(name: String, member: Member)]

  /// Members from a literal, in its order.
  public init(dictionaryLiteral elements: (String, Member)...) {
    entries = elements.map { (name: $0, member: $1) }
  }

  /// Modules named by their position.
  public init(numbered modules: [any Module]) {
    entries = modules.enumerated().map { (name: "\($0.offset)", member: .module($0.element)) }
  }
}

/// A part of a model, with named parameters and buffers.
///
/// Names join into paths such as `encoder.layers.0.weights`, which are the keys of checkpoints. A
/// module states its members itself, in order; nothing is found by reflection.
///
/// ```swift
/// /// x + W₂ · a(W₁ · x), a residual block of dense layers.
/// final class DenseBlock: Layer {
///   let first: Dense
///   let second: Dense
///
///   init(features: Int, hidden: Int, random: RandomSource) {
///     first = Dense(
///       inputs: features, outputs: hidden, activation: .silu, random: random.child("first"))
///     second = Dense(inputs: hidden, outputs: features, random: random.child("second"))
///   }
///
///   var members: Members { ["first": .module(first), "second": .module(second)] }
///
///   func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
///     input + second(first(input, context), context)
///   }
/// }
/// ```
///
/// The calls of its life (``prepare(firstBatches:context:)``, ``afterUpdate(_:)``, ``recalibrate(_:)``) go
/// to all parts unless a module implements them itself.
public protocol Module: AnyObject {
  /// The members by name, in a fixed order.
  var members: Members { get }

  /// The shape of what it gives for one example of what it gets: its shape rule, which needs no weights.
  ///
  /// A module that has layers passes the shape through them by the trace, which notes what each gives.
  ///
  /// - Parameters:
  ///   - input: the shape of one example.
  ///   - trace: what takes the shapes of its own layers.
  /// - Returns: the shape; nil where it has no rule.
  /// - Throws: `ShapeMisfit` where it cannot take the input.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape?

  /// Whether the output takes the place of the input in memory where no tape records.
  var worksInPlace: Bool { get }

  /// Called once before the first update with the first training batches, for data-dependent
  /// initialisation.
  func prepare(firstBatches: [Tensor], context: Context) throws
  /// Called once after every update, for moving averages and the like.
  func afterUpdate(_ context: Context)
  /// Called in place of `afterUpdate` where an update was refused: what its passes gathered is dropped,
  /// so that the next update begins as if this one had never been tried.
  func dropUpdate()
  /// Whether this module or a part of it takes statistics from a calibration pass.
  var usesCalibration: Bool { get }
  /// Called with the statistics of a calibration pass, to take them for evaluation.
  func recalibrate(_ calibration: Calibration)
}

extension Module {
  /// Not known.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? { nil }

  /// It does not.
  public var worksInPlace: Bool { false }

  /// Passes the call on to all parts.
  public func prepare(firstBatches: [Tensor], context: Context) throws {
    for part in parts { try part.prepare(firstBatches: firstBatches, context: context) }
  }

  /// Passes the call on to all parts.
  public func afterUpdate(_ context: Context) {
    for part in parts { part.afterUpdate(context) }
  }

  /// Passes the call on to all parts.
  public func dropUpdate() {
    for part in parts { part.dropUpdate() }
  }

  /// Whether any part does.
  public var usesCalibration: Bool { parts.contains { $0.usesCalibration } }

  /// Passes the call on to all parts.
  public func recalibrate(_ calibration: Calibration) {
    for part in parts { part.recalibrate(calibration) }
  }

  /// The modules among the members.
  public var parts: [any Module] {
    members.entries.compactMap { if case .module(let module) = $0.member { module } else { nil } }
  }

  /// Every parameter of this module and its parts, with its path.
  public var parameters: [(path: String, parameter: Parameter)] {
    leaves(prefix: "") { if case .parameter(let parameter) = $0 { parameter } else { nil } }
      .map { (path: $0.path, parameter: $0.leaf) }
  }

  /// Every buffer of this module and its parts, with its path.
  public var buffers: [(path: String, buffer: Buffer)] {
    leaves(prefix: "") { if case .buffer(let buffer) = $0 { buffer } else { nil } }
      .map { (path: $0.path, buffer: $0.leaf) }
  }

  /// The number of trained numbers; `Int.max` for more than that.
  public var parameterCount: Int {
    parameters.reduce(0) { sum, next in
      let (total, isBeyond) = sum.addingReportingOverflow(next.parameter.shape.count)
      return isBeyond ? .max : total
    }
  }

  /// Makes the first values of all parameters and buffers that have none yet.
  public func makeValues() {
    for (_, parameter) in parameters { _ = parameter.value }
    for (_, buffer) in buffers { _ = buffer.value }
  }

  private func leaves<Leaf>(
    prefix: String, _ choose: (Member) -> Leaf?
  ) -> [(path: String, leaf: Leaf)] {
    members.entries.flatMap { name, member -> [(path: String, leaf: Leaf)] in
      if case .module(let module) = member {
        return module.leaves(prefix: prefix + name + ".", choose)
      }
      return choose(member).map { [(prefix + name, $0)] } ?? []
    }
  }
}

/// Members under a common name, with nothing of its own.
public final class ModuleGroup: Module {
  /// The members that it was made with.
  public let members: Members

  /// A group of named members.
  public init(_ members: Members) { self.members = members }

  /// A group of modules of which each is found under its number.
  public convenience init(numbered modules: [any Module]) { self.init(Members(numbered: modules)) }
}

/// A module that maps one tensor to one tensor, and can be part of a ``Sequential``.
public protocol Layer: Module {
  /// The output for an input; each layer states the shapes of both.
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor

  /// Puts the output in the place of the input, whose memory is let go of, or written over where no tape
  /// records, as soon as it is not needed any more. The values are those of a call.
  ///
  /// A layer that is made of others passes the map on from one to the next, so that none of them keeps
  /// what came before; one that computes in place does so here.
  func apply(to map: inout Tensor, _ context: Context)
}

extension Layer {
  /// By a call.
  public func apply(to map: inout Tensor, _ context: Context) { map = self(map, context) }
}

/// Layers applied one after another.
///
/// ```swift
/// let network = Sequential([
///   Dense(inputs: 784, outputs: 400, activation: .relu, random: random.child("0")),
///   Dense(inputs: 400, outputs: 10, random: random.child("1")),
/// ])
/// let context = Context(mode: .evaluation, random: random, examples: [0, 1])
/// print(network(Tensor.zeros([2, 784]), context).shape)  // [2, 10]
/// print(network.parameters.map(\.path))  // ["0.weights", "0.bias", "1.weights", "1.bias"]
/// ```
public final class Sequential: Layer {
  /// The layers in order.
  public let layers: [any Layer]
  /// What computes: the layers, or one in place of two where it does the same with less work.
  private let steps: [any Layer]

  /// A chain of layers; an empty one is the identity.
  public init(_ layers: [any Layer]) {
    self.layers = layers
    var steps: [any Layer] = []
    for layer in layers {
      if let last = steps.last, let both = RepeatedPixelConvolution(last, layer) {
        steps[steps.count - 1] = both
      } else {
        steps.append(layer)
      }
    }
    self.steps = steps
  }

  /// The layers by number.
  public var members: Members {
    Members(numbered: layers)
  }

  /// Through one layer after another.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape: Shape? = input
    for (number, layer) in layers.enumerated() {
      shape = try trace.pass(shape, through: layer, "\(number)")
    }
    return shape
  }

  /// The output of the last layer.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  /// One layer after another in place.
  public func apply(to map: inout Tensor, _ context: Context) {
    for step in steps { step.apply(to: &map, context) }
  }
}
