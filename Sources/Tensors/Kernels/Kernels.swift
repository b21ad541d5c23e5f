/// The one seam between operations and the loops that compute them. Nothing else in the package
/// reads or writes tensor memory through pointers, so that another device can be put behind these
/// functions.
///
/// Every function writes all of its outputs, which the caller has just made, and reads inputs only.
enum Kernels {
  /// How many rows of `columns` elements a tensor has.
  static func rows(of tensor: Tensor, columns: Int) -> Int {
    columns == 0 ? 0 : tensor.count / columns
  }
}
