import CVectorKernels
import Synchronization

/// One recorded operation: what it was computed from, and how a gradient of its output becomes
/// gradients of its inputs.
///
/// Nodes form the tape by pointing at the nodes of their inputs. Their numbers rise in the order of
/// recording, so walking by falling number is a valid order for the chain rule.
class Node {
  /// Gives a gradient for each input, or nil where none is needed.
  typealias Backward = (_ gradient: Tensor) -> [Tensor?]

  private static let counter = Atomic<UInt64>(0)

  let number: UInt64
  /// The inputs' nodes; nil for constants.
  fileprivate(set) var inputs: [Node?]
  fileprivate var backward: Backward?
  /// The sum of the gradients that have arrived so far in a backward pass.
  fileprivate var gradient: Tensor?
  /// Whether `gradient` is a buffer of the tape's own, which may be added to in place.
  fileprivate var ownsGradient = false

  init(inputs: [Node?] = [], backward: Backward? = nil) {
    number = Self.counter.add(1, ordering: .relaxed).newValue
    self.inputs = inputs
    self.backward = backward
  }

  /// Lets go of the inputs one after another. Left to itself, each would let go of its own inside
  /// of its end, one call deeper, and a tape of some hundred thousand operations that is dropped
  /// would overflow the stack.
  deinit {
    guard !inputs.isEmpty else { return }
    var pending = inputs.compactMap { $0 }
    inputs = []
    while var node = pending.popLast() {
      guard isKnownUniquelyReferenced(&node) else { continue }
      for case let input? in node.inputs { pending.append(input) }
      node.inputs = []
    }
  }

  /// Adds a gradient contribution.
  fileprivate func accumulate(_ contribution: Tensor) {
    guard let current = gradient else {
      gradient = contribution
      ownsGradient = false
      return
    }
    ensure(
      current.shape == contribution.shape,
      "gradients of shapes \(current.shape) and \(contribution.shape) meet at one tensor")
    if ownsGradient {
      Kernels.add(contribution, to: current)
    } else {
      gradient = Kernels.sum(current, contribution)
      ownsGradient = true
    }
  }
}

/// Runs a closure whose operations record no tape, as evaluation, sampling and metrics need none.
///
/// Results are constants, and the tensors that a backward pass would need are freed at once. Calls may be
/// nested, and concern the thread that makes them.
///
/// ```swift
/// let mean = withoutTape { (weight.tensor * x).mean().item }
/// ```
public func withoutTape<Result>(_ body: () throws -> Result) rethrows -> Result {
  let previous = vk_recording()
  vk_set_recording(0)
  defer { vk_set_recording(previous) }
  return try body()
}

/// Runs a closure in which parameters are constants: operations record what they compute from tensors that
/// are tracked already, and nothing else. Parameters themselves are left as they are, so that several
/// threads may do this with one model. Calls may be nested, and concern the thread that makes them.
///
/// ```swift
/// let weights = Parameter(Tensor([1, 2], shape: [2, 1]))
/// let point = Parameter(.zeros([4, 2]))
/// let z = point.tensor  // tracked
/// let loss = withConstantParameters { (z.matrixProduct(weights.tensor) - 3).squared().sum() }
/// let gradient = loss.backward()[point]  // with respect to the point alone
/// ```
public func withConstantParameters<Result>(_ body: () throws -> Result) rethrows -> Result {
  let previous = vk_recording()
  if previous != 0 { vk_set_recording(constantParameters) }
  defer { vk_set_recording(previous) }
  return try body()
}

/// What a thread that records notes where parameters are constants.
private let constantParameters: Int32 = 2

/// Whether computations with parameters are recorded on this thread.
var recordsParameters: Bool { isRecording && vk_recording() != constantParameters }

/// Whether operations of this thread record.
var isRecording: Bool { vk_recording() != 0 }

extension Tensor {
  /// The tensor `output` as the result of a recorded operation. Records nothing when no input is
  /// tracked.
  ///
  /// `backward` receives the gradient of the output and gives one gradient an input; it should skip
  /// the work for an input whose `isTracked` is false.
  package static func recorded(
    _ output: Tensor, from inputs: [Tensor], backward: @escaping (Tensor) -> [Tensor?]
  ) -> Tensor {
    guard inputs.contains(where: \.isTracked), isRecording else { return output }
    let node = Node(inputs: inputs.map(\.node), backward: backward)
    return Tensor(storage: output.storage, offset: output.offset, shape: output.shape, node: node)
  }

  /// The same values as a constant, sharing memory: no gradient flows back through the result (the
  /// stop-gradient of other libraries).
  public func detached() -> Tensor {
    Tensor(storage: storage, offset: offset, shape: shape)
  }

  /// The gradients of this scalar with respect to every parameter that it was computed from, by
  /// reverse-mode differentiation.
  ///
  /// The tape is consumed: the tensors that an operation has saved are freed as soon as its gradients
  /// are known, so that a second call finds nothing. ``gradient(at:)`` keeps the tape.
  ///
  /// - Returns: a gradient for each parameter, of its shape; none for a constant.
  public func backward() -> Gradients {
    ensure(count == 1, "backward starts at a scalar, not at a tensor of shape \(shape)")
    return backward(from: Tensor(repeating: 1, shape: shape))
  }

  /// The gradients of `sum(self * cotangent)` with respect to every parameter it was computed from.
  public func backward(from cotangent: Tensor) -> Gradients {
    ensure(
      cotangent.shape == shape, "a cotangent of shape \(cotangent.shape) for a tensor of \(shape)")
    guard let root = node else { return Gradients() }
    var gradients = Gradients()
    root.accumulate(cotangent.detached())
    Self.inBackwardPass {
      for node in Self.tape(behind: root) {
        guard let gradient = node.gradient else { continue }
        node.gradient = nil
        if let leaf = node as? LeafNode {
          gradients.add(gradient, for: leaf)
          continue
        }
        guard let backward = node.backward else { continue }
        let inputs = node.inputs
        node.backward = nil
        node.inputs = []
        for (input, contribution) in zip(inputs, backward(gradient)) {
          if let input, let contribution { input.accumulate(contribution) }
        }
      }
    }
    return gradients
  }

  /// The gradient of this scalar with respect to one parameter, nil where it does not depend on it.
  ///
  /// The tape is kept, so that the gradients of several losses that share it can be compared before
  /// `backward()` consumes it. Only the operations between the scalar and the parameter are walked:
  /// at the last layer of a network this costs little more than that layer's own backward pass.
  public func gradient(at parameter: Parameter) -> Tensor? {
    ensure(count == 1, "a gradient starts at a scalar, not at a tensor of shape \(shape)")
    guard let root = node else { return nil }
    let tape = Self.tape(behind: root)
    var path: Set<ObjectIdentifier> = []
    for node in tape.reversed() {
      let isOnPath =
        (node as? LeafNode).map { $0.parameter === parameter }
        ?? node.inputs.contains { $0.map { path.contains(ObjectIdentifier($0)) } ?? false }
      if isOnPath { path.insert(ObjectIdentifier(node)) }
    }
    guard path.contains(ObjectIdentifier(root)) else { return nil }
    var gradients = Gradients()
    root.accumulate(Tensor(repeating: 1, shape: shape))
    Self.inBackwardPass(keepingTape: true) {
      for node in tape where path.contains(ObjectIdentifier(node)) {
        guard let gradient = node.gradient else { continue }
        node.gradient = nil
        if let leaf = node as? LeafNode {
          gradients.add(gradient, for: leaf)
          continue
        }
        guard let backward = node.backward else { continue }
        for (input, contribution) in zip(node.inputs, backward(gradient)) {
          guard let input, let contribution, path.contains(ObjectIdentifier(input)) else {
            continue
          }
          input.accumulate(contribution)
        }
      }
    }
    return gradients[parameter]
  }

  /// Runs a closure as a part of a backward pass, which records nothing.
  private static func inBackwardPass(keepingTape: Bool = false, _ body: () -> Void) {
    let before = vk_in_backward()
    vk_set_in_backward(keepingTape ? tapeIsKept : 1)
    defer { vk_set_in_backward(before) }
    withoutTape(body)
  }

  private static let tapeIsKept: Int32 = 2

  /// Whether the present backward pass leaves the tape for others, so that what an operation gathers
  /// in it must not stay.
  static var keepsTape: Bool { vk_in_backward() == tapeIsKept }

  /// Whether this thread is inside a backward pass.
  static var isInBackwardPass: Bool { vk_in_backward() != 0 }

  /// All nodes that `root` depends on, the youngest first.
  private static func tape(behind root: Node) -> [Node] {
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
    var nodes = [root]
    var next = 0
    while next < nodes.count {
      for case let input? in nodes[next].inputs where seen.insert(ObjectIdentifier(input)).inserted
      {
        nodes.append(input)
      }
      next += 1
    }
    return nodes.sorted { $0.number > $1.number }
  }
}
