import COneDNN
import CVectorKernels
import Glibc

/// Matrix products and convolutions by oneDNN, for `Kernels`: primitives are made once a shape and
/// kept.
enum OneDNN {
  /// Makes sure that oneDNN obeys the same instruction-set cap as our own loops.
  private static let prepared: Void = {
    if let cap = getenv("VAE_MAX_CPU_ISA") { od_cap_isa(cap) }
  }()

  /// The version found at run time, such as "2.6.3".
  static var version: String {
    _ = prepared
    return String(cString: od_version())
  }

  /// Makes the calling thread ready for oneDNN: the cap and the number of threads are in force.
  static func prepareThread() {
    _ = prepared
    vk_apply_threads()
  }

  /// output = left · right, or the product added to the output, where each may be read transposed.
  /// The arrays are row-major; `m`, `n`, `k` are the sizes of the product.
  static func matrixProduct(
    _ left: UnsafePointer<Float>, transposed leftTransposed: Bool, _ right: UnsafePointer<Float>,
    transposed rightTransposed: Bool, into output: UnsafeMutablePointer<Float>, m: Int, n: Int,
    k: Int
  ) {
    prepareThread()
    let status = od_matrix_product(
      leftTransposed ? 1 : 0, rightTransposed ? 1 : 0, Int64(m), Int64(n), Int64(k), 1, left,
      Int64(leftTransposed ? m : k), right, Int64(rightTransposed ? k : n), 0, output, Int64(n))
    check(status, "a matrix product of \(m)×\(k) and \(k)×\(n)")
  }

  /// Whether the processor has instructions for products of bfloat16.
  static var hasBFloat16: Bool {
    _ = prepared
    return od_has_bfloat16() != 0
  }

  /// Whether a product of 32-bit floats with the right matrix read transposed, as in the gradient of
  /// a dense layer's input, is quicker by `preparedProduct`: with AVX-512 and two threads it
  /// reaches 218 GFLOP/s at 256×512 · (512×512)ᵀ where `matrixProduct` reaches 161.
  static func prefersPreparedProduct(m: Int, n: Int, k: Int) -> Bool {
    m >= 16 && m * n * k >= 1 << 20 && vk_isa_current() == VK_ISA_AVX512
  }

  /// output = left · right of matrices of one type, where each may be read transposed.
  static func preparedProduct(
    _ precision: Precision, _ left: UnsafeRawPointer, transposed leftTransposed: Bool,
    _ right: UnsafeRawPointer, transposed rightTransposed: Bool,
    into output: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int
  ) {
    prepareThread()
    let key = ProductPrimitive.Key(
      precision: precision, m: m, n: n, k: k, leftTransposed: leftTransposed,
      rightTransposed: rightTransposed, threads: vk_threads(), thread: UInt(pthread_self()))
    guard let primitive = products.primitive(for: key, make: { ProductPrimitive(key) }) else {
      return
    }
    let scratch = Storage(count: primitive.scratchCount)
    check(
      od_product_run(primitive.handle, left, right, output, scratch.base),
      "a matrix product of \(m)×\(k) and \(k)×\(n)")
    withExtendedLifetime((primitive, scratch)) {}
  }

  /// The primitive for a convolution pass with these sizes and the threads in force; nil where
  /// memory is short.
  ///
  /// Primitives are kept for each calling thread, since one may not run in two threads at once.
  static func convolution(
    _ shape: ConvolutionShape, _ kind: od_convolution_kind, _ precision: Precision, withBias: Bool
  ) -> ConvolutionPrimitive? {
    prepareThread()
    let key = ConvolutionPrimitive.Key(
      shape: shape, kind: kind.rawValue, precision: precision, withBias: withBias,
      threads: vk_threads(), thread: UInt(pthread_self()))
    return convolutions.primitive(for: key) { ConvolutionPrimitive(key) }
  }

  /// oneDNN's names for the convolutions and products that are kept, such as "jit:avx512_core".
  static var implementations: [String] {
    convolutions.contents.map { key, primitive in
      "convolution \(key.shape) \(key.precision) kind \(key.kind): \(primitive.implementation)"
    }
      + products.contents.map { key, primitive in
        "product \(key.m)×\(key.k) · \(key.k)×\(key.n) \(key.precision): "
          + primitive.implementation
      }
  }

  /// Takes note of short memory, and stops at every other status of a call that failed.
  static func check(_ status: od_status, _ what: @autoclosure () -> String) {
    if status == VK_OUT_OF_MEMORY { return Memory.fail(bytes: 1 << 20) }
    ensure(
      status == 0, "oneDNN refused \(what()): \(String(cString: od_status_text(status)))")
  }

  /// The reference workloads all together meet fewer than 300, which a test holds them to.
  private static let convolutions = PrimitiveCache<ConvolutionPrimitive.Key, ConvolutionPrimitive>(
    limit: 512)
  private static let products = PrimitiveCache<ProductPrimitive.Key, ProductPrimitive>(limit: 512)
}

/// A matrix product made ready by oneDNN, kept as convolutions are.
final class ProductPrimitive: @unchecked Sendable {
  struct Key: Hashable {
    let precision: Precision
    let m, n, k: Int
    let leftTransposed, rightTransposed: Bool
    let threads: Int32
    let thread: UInt
  }

  let handle: OpaquePointer
  /// Floats of scratch memory.
  let scratchCount: Int

  /// Nil where memory is short.
  init?(_ key: Key) {
    var handle: OpaquePointer?
    let status = od_product_create(
      key.leftTransposed ? 1 : 0, key.rightTransposed ? 1 : 0, Int64(key.m), Int64(key.n),
      Int64(key.k), key.precision == .bfloat16 ? OD_BFLOAT16 : OD_FLOAT32, &handle)
    let sizes = "a \(key.precision) product of \(key.m)×\(key.k) and \(key.k)×\(key.n)"
    OneDNN.check(status, sizes)
    guard let handle else { return nil }
    self.handle = handle
    scratchCount = (od_product_scratch_bytes(handle) + 3) / 4
  }

  var implementation: String { String(cString: od_product_implementation(handle)) }

  deinit { od_product_destroy(handle) }
}

/// A convolution pass made ready by oneDNN.
final class ConvolutionPrimitive: @unchecked Sendable {
  struct Key: Hashable {
    let shape: ConvolutionShape
    let kind: UInt32
    let precision: Precision
    let withBias: Bool
    let threads: Int32
    let thread: UInt
  }

  let handle: OpaquePointer
  /// Floats of packed weights, zero where plain weights serve.
  let packedCount: Int
  /// The layout of these: the same number wherever the same packed weights serve.
  let packedLayout: UInt64
  /// Floats of scratch memory.
  let scratchCount: Int

  /// Nil where memory is short.
  init?(_ key: Key) {
    var handle: OpaquePointer?
    let operands = key.precision == .bfloat16 ? OD_BFLOAT16 : OD_FLOAT32
    let status = key.shape.withDescription {
      od_convolution_create(
        $0, od_convolution_kind(rawValue: key.kind), operands, key.withBias ? 1 : 0, &handle)
    }
    OneDNN.check(status, "a convolution \(key.shape)")
    guard let handle else { return nil }
    self.handle = handle
    packedCount = od_convolution_packed_count(handle)
    packedLayout = od_convolution_packed_layout(handle)
    scratchCount = (od_convolution_scratch_bytes(handle) + 3) / 4
  }

  var implementation: String { String(cString: od_convolution_implementation(handle)) }

  deinit { od_convolution_destroy(handle) }
}
