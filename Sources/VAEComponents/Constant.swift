import Tensors

/// A tensor that is made when it is first needed, such as the mask of weights that may never be made.
final class Constant {
  private let make: () -> Tensor
  private let made = Lock<Tensor?>(nil)

  init(_ make: @escaping () -> Tensor) { self.make = make }

  /// The tensor. What short memory left without elements is made again.
  var value: Tensor {
    made.withLock { made in
      if let made { return made }
      let fresh = make()
      if !Memory.hasFailed { made = fresh }
      return fresh
    }
  }
}
