import Tensors

/// A part of a model whose code is not ours and may fail while it runs, such as a plug-in's.
///
/// The protocols of parts do not throw, so that built-in ones stay plain. A part that fails gives
/// something of the right shape in place of its result, and keeps the reason until it is asked.
public protocol FalliblePart: AnyObject {
  /// The first failure since this was asked last, nil where there was none.
  func takeFault() -> (any Error)?
}

extension Model {
  /// Throws the first failure of a part since this was called last.
  ///
  /// To be called before what the model gave is used: after a forward pass, a backward pass, or
  /// a change of parts. Short memory is such a failure too, and comes first: parts fail of it.
  ///
  /// - Throws: `MemoryError`, or what a part failed with.
  public func checkParts() throws {
    var first: (any Error)?
    for part in fallibleParts {
      let fault = part.takeFault()
      first = first ?? fault
    }
    try Memory.check()
    if let first { throw first }
  }
}
