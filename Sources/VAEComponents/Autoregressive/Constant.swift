import Tensors

/// A tensor that is made when it is first needed, such as the mask of weights that may never be made.
final class Constant {
  private let make: () -> Tensor
  /// The tensor.
  private(set) lazy var value = make()

  init(_ make: @escaping () -> Tensor) { self.make = make }
}
