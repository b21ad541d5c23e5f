/// A tensor of a known shape that is made when it is first asked for.
package struct DeferredTensor {
  private enum State {
    case made(Tensor)
    case planned(() -> Tensor)
  }

  private var state: State
  /// The shape of the tensor.
  package let shape: Shape

  /// A tensor that is there.
  package init(_ tensor: Tensor) {
    state = .made(tensor)
    shape = tensor.shape
  }

  /// A tensor that a closure makes, of the given shape.
  package init(_ shape: Shape, _ make: @escaping () -> Tensor) {
    state = .planned(make)
    self.shape = shape
  }

  /// The tensor as far as it has been made.
  package var made: Tensor? { if case .made(let tensor) = state { tensor } else { nil } }

  /// The tensor, of the same shape whenever it is set.
  package var tensor: Tensor {
    mutating get {
      switch state {
      case .made(let tensor): return tensor
      case .planned(let make):
        let tensor = make()
        ensure(
          tensor.shape == shape || Memory.hasFailed,
          "the first values of a parameter of shape \(shape) have shape \(tensor.shape)")
        // What short memory left without elements is made again.
        if !Memory.hasFailed { state = .made(tensor) }
        return tensor
      }
    }
    set { state = .made(newValue) }
  }
}
