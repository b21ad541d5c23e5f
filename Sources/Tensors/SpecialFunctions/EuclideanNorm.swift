/// √(a² + b²) without overflow in between.
///
/// The C library's `hypot` has another version since glibc 2.35, so that a library that calls it does not
/// load with an older one.
func euclideanNorm(_ a: Double, _ b: Double) -> Double {
  let (large, small) = (max(abs(a), abs(b)), min(abs(a), abs(b)))
  guard large > 0, large.isFinite else { return a.isNaN || b.isNaN ? .nan : large }
  let ratio = small / large
  return large * (1 + ratio * ratio).squareRoot()
}
