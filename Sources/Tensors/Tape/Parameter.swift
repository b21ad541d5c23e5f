/// The tape entry at which a parameter enters a computation.
final class LeafNode: Node {
  unowned let parameter: Parameter

  init(_ parameter: Parameter) {
    self.parameter = parameter
    super.init()
  }
}

/// A tensor that training changes: its identity outlives its values.
///
/// A layer states the shape when it is made and how the first values are found; these are made when they are
/// asked for. So a model that would not fit in memory can be made and measured, and those whose values
/// are read from a file never draw others.
///
/// Layers compute with ``tensor``, which puts the parameter on the tape. ``Tensor/backward()`` of a
/// scalar then gives its gradient, and an optimizer of `NeuralNetworks` changes the values in place.
///
/// ```swift
/// let weight = Parameter(Tensor([1, 2, 3]))
/// let loss = (weight.tensor * Tensor([4, 5, 6])).sum()
/// let gradients = loss.backward()
/// print(gradients[weight]?.floats ?? [])  // [4.0, 5.0, 6.0]
/// ```
public final class Parameter {
  private var values: DeferredTensor

  /// The values, in memory that is written in place by updates, and so is nobody else's.
  private var own: Tensor {
    get { values.made ?? values.tensor }
    set { values.tensor = newValue }
  }

  /// The values at this moment, a constant. Setting them needs the same shape, and copies them
  /// unless nothing else refers to their memory: an update changes this parameter only.
  ///
  /// What is read here shares memory with the parameter and changes with the next update; what is
  /// to be kept is `copied()`.
  public var value: Tensor {
    get { own }
    set {
      checkShape(of: newValue)
      var values = consume newValue
      values.takeOwnMemory()
      // What short memory left without elements does not take the place of what was there.
      if !Memory.hasFailed { own = values }
    }
  }
  /// Whether computations with this parameter are recorded. A frozen parameter takes no tape, no
  /// gradient and no optimizer state.
  public var isTrainable = true

  /// Whether weight decay applies: not to biases, scales and shifts of normalisations, or
  /// codebooks.
  public let isDecayed: Bool

  /// A parameter that starts with the given values, in memory of its own.
  ///
  /// - Parameters:
  ///   - value: the first values.
  ///   - isDecayed: whether weight decay applies.
  public init(_ value: Tensor, isDecayed: Bool = true) {
    var value = value
    value.takeOwnMemory()
    values = DeferredTensor(value)
    self.isDecayed = isDecayed
  }

  /// A parameter whose first values are made when they are asked for.
  ///
  /// - Parameters:
  ///   - shape: of the values.
  ///   - isDecayed: whether weight decay applies.
  ///   - first: makes the values, of that shape, from a stream of random numbers of its own.
  public init(_ shape: Shape, isDecayed: Bool = true, _ first: @escaping () -> Tensor) {
    values = DeferredTensor(shape) {
      var value = first()
      value.takeOwnMemory()
      return value
    }
    self.isDecayed = isDecayed
  }

  /// Whether the values have been made.
  public var hasValues: Bool { values.made != nil }

  /// Exchanges the values with a tensor's, of the same shape. Nothing is copied where nothing else
  /// refers to their memory.
  public func exchange(with other: inout Tensor) {
    checkShape(of: other)
    let hadFailed = Memory.hasFailed
    other.takeOwnMemory()
    // An exchange that was made is undone in any case.
    guard hadFailed || !Memory.hasFailed else { return }
    swap(&own, &other)
  }

  private func checkShape(of values: Tensor) {
    ensure(
      values.shape == shape,
      "a parameter of shape \(shape) cannot take values of shape \(values.shape)")
  }

  /// The values, tracked: what layers compute with.
  public var tensor: Tensor {
    let own = own
    guard isTrainable, recordsParameters else { return own }
    return Tensor(storage: own.storage, offset: own.offset, shape: own.shape, node: LeafNode(self))
  }

  /// The shape of the values.
  public var shape: Shape { values.shape }
}

/// What a backward pass found: a gradient for each parameter that the loss depends on.
///
/// A parameter that the loss does not depend on has no gradient, which is not the same as a gradient of
/// zero: an optimizer leaves such a parameter as it is.
public struct Gradients {
  private var entries: [ObjectIdentifier: Tensor] = [:]

  /// No gradients.
  public init() {}

  /// The gradient for a parameter, of its shape; nil where the loss does not depend on it.
  public subscript(parameter: Parameter) -> Tensor? {
    get { entries[ObjectIdentifier(parameter)] }
    set { entries[ObjectIdentifier(parameter)] = newValue }
  }

  /// The number of parameters with a gradient.
  public var count: Int { entries.count }

  mutating func add(_ gradient: Tensor, for leaf: LeafNode) {
    let key = ObjectIdentifier(leaf.parameter)
    entries[key] = entries[key].map { Kernels.sum($0, gradient) } ?? gradient
  }

  /// Adds other gradients, as of a further part of the same batch.
  public mutating func add(_ other: Gradients) {
    entries.merge(other.entries) { Kernels.sum($0, $1) }
  }
}
