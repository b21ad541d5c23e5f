import CVAE

/// Numbers within a call of a method, with the tape behind them: what is computed from them has its
/// gradient without further ado.
///
/// A value is valid until the method that received its pass returns. An operation with a wrong shape
/// gives a value that has failed, as does everything computed from it; the host reports the first
/// failure, so a method may compute to its end and return what it has.
public struct Value {
  /// The call that it belongs to.
  public let pass: Pass
  let pointer: OpaquePointer?

  /// Whether an operation on the way here has failed.
  public var hasFailed: Bool { pointer == nil }

  /// The sizes of its axes; empty for a scalar and for a value that has failed.
  public var shape: [Int] {
    var sizes: [Int64] = Array(repeating: 0, count: 8)
    let rank = pass.host.pointee.shape(pass.pointer, pointer, &sizes)
    return sizes.prefix(max(0, Int(rank))).map(Int.init)
  }

  /// A copy of its elements, in row-major order.
  public var elements: [Float] {
    guard let numbers = pass.host.pointee.data(pass.pointer, pointer) else { return [] }
    return Array(UnsafeBufferPointer(start: numbers, count: shape.reduce(1, *)))
  }

  func with(_ pointer: OpaquePointer?) -> Value { Value(pass: pass, pointer: pointer) }

  private var host: UnsafePointer<vae_host> { pass.host }
}

// MARK: - Elementwise

extension Value {
  /// The sum; shapes broadcast by NumPy's rule, as in all operations on two values.
  public static func + (a: Value, b: Value) -> Value {
    a.with(a.host.pointee.add(a.pass.pointer, a.pointer, b.pointer))
  }

  /// The difference.
  public static func - (a: Value, b: Value) -> Value {
    a.with(a.host.pointee.subtract(a.pass.pointer, a.pointer, b.pointer))
  }

  /// The product, element by element.
  public static func * (a: Value, b: Value) -> Value {
    a.with(a.host.pointee.multiply(a.pass.pointer, a.pointer, b.pointer))
  }

  /// The quotient, element by element.
  public static func / (a: Value, b: Value) -> Value {
    a.with(a.host.pointee.divide(a.pass.pointer, a.pointer, b.pointer))
  }

  /// The negative.
  public static prefix func - (a: Value) -> Value {
    a.with(a.host.pointee.negate(a.pass.pointer, a.pointer))
  }

  /// A number added to every element.
  public static func + (a: Value, b: Float) -> Value { a.scaled(by: 1, plus: b) }

  /// A number taken from every element.
  public static func - (a: Value, b: Float) -> Value { a.scaled(by: 1, plus: -b) }

  /// Every element times a number.
  public static func * (a: Value, b: Float) -> Value { a.scaled(by: b) }

  /// Every element times a number.
  public static func * (a: Float, b: Value) -> Value { b.scaled(by: a) }

  /// factor · x + shift.
  public func scaled(by factor: Float, plus shift: Float = 0) -> Value {
    with(host.pointee.scale(pass.pointer, pointer, factor, shift))
  }

  /// The larger of two, element by element.
  public func maximum(_ other: Value) -> Value {
    with(host.pointee.maximum(pass.pointer, pointer, other.pointer))
  }

  /// The smaller of two, element by element.
  public func minimum(_ other: Value) -> Value {
    with(host.pointee.minimum(pass.pointer, pointer, other.pointer))
  }

  /// eˣ.
  public func exp() -> Value { with(host.pointee.exp(pass.pointer, pointer)) }
  /// The natural logarithm.
  public func log() -> Value { with(host.pointee.log(pass.pointer, pointer)) }
  /// The square root.
  public func squareRoot() -> Value { with(host.pointee.sqrt(pass.pointer, pointer)) }
  /// x².
  public func squared() -> Value { with(host.pointee.square(pass.pointer, pointer)) }
  /// 1 / x.
  public func reciprocal() -> Value { with(host.pointee.reciprocal(pass.pointer, pointer)) }
  /// |x|, with derivative zero at zero.
  public func magnitude() -> Value { with(host.pointee.abs(pass.pointer, pointer)) }
  /// The sine.
  public func sine() -> Value { with(host.pointee.sin(pass.pointer, pointer)) }
  /// The cosine.
  public func cosine() -> Value { with(host.pointee.cos(pass.pointer, pointer)) }
  /// The error function.
  public func errorFunction() -> Value { with(host.pointee.erf(pass.pointer, pointer)) }
  /// log |Γ(x)|.
  public func logGamma() -> Value { with(host.pointee.lgamma(pass.pointer, pointer)) }

  /// An activation.
  public func activated(_ activation: Activation) -> Value {
    with(host.pointee.activate(pass.pointer, pointer, activation.code, activation.number))
  }

  /// Limited to a range; the derivative outside of it is zero.
  public func clamped(to range: ClosedRange<Float>) -> Value {
    with(host.pointee.clamp(pass.pointer, pointer, range.lowerBound, range.upperBound))
  }

  /// 1 where an element is above a threshold, else 0; no gradient flows.
  public func isAbove(_ threshold: Float) -> Value {
    with(host.pointee.above(pass.pointer, pointer, threshold))
  }

  /// The same numbers, through which no gradient flows.
  public func stoppingGradient() -> Value {
    with(host.pointee.stop_gradient(pass.pointer, pointer))
  }
}

// MARK: - Reductions

extension Value {
  /// The sum along an axis; -1 is the last one.
  public func sum(axis: Int, keepsAxis: Bool = false) -> Value {
    with(host.pointee.sum(pass.pointer, pointer, Int64(axis), keepsAxis ? 1 : 0))
  }

  /// The mean along an axis.
  public func mean(axis: Int, keepsAxis: Bool = false) -> Value {
    with(host.pointee.mean(pass.pointer, pointer, Int64(axis), keepsAxis ? 1 : 0))
  }

  /// The largest element along an axis.
  public func largest(axis: Int, keepsAxis: Bool = false) -> Value {
    with(host.pointee.largest(pass.pointer, pointer, Int64(axis), keepsAxis ? 1 : 0))
  }

  /// The sum of each row: `[rows, …]` gives `[rows]`.
  public func rowSums() -> Value { with(host.pointee.row_sums(pass.pointer, pointer)) }
  /// The sum of all elements.
  public func total() -> Value { with(host.pointee.total(pass.pointer, pointer)) }
  /// The mean of all elements.
  public func average() -> Value { with(host.pointee.average(pass.pointer, pointer)) }
  /// log Σ exp over the last axis, which it takes away.
  public func logSumExp() -> Value { with(host.pointee.log_sum_exp(pass.pointer, pointer)) }
  /// The softmax over the last axis.
  public func softmax() -> Value { with(host.pointee.softmax(pass.pointer, pointer)) }
  /// The logarithm of the softmax over the last axis.
  public func logSoftmax() -> Value { with(host.pointee.log_softmax(pass.pointer, pointer)) }
}

// MARK: - Shapes

extension Value {
  /// The same elements in another shape; one size may be -1, which follows from the others.
  public func reshaped(to shape: [Int]) -> Value {
    with(host.pointee.reshape(pass.pointer, pointer, shape.map(Int64.init), Int64(shape.count)))
  }

  /// Read with a larger shape by NumPy's rule.
  public func broadcast(to shape: [Int]) -> Value {
    with(host.pointee.broadcast(pass.pointer, pointer, shape.map(Int64.init), Int64(shape.count)))
  }

  /// The axes in another order, one for each axis of the value.
  public func permuted(_ order: [Int]) -> Value {
    guard order.count == shape.count else {
      pass.fail("an order of \(order.count) axes does not suit a value of shape \(shape)")
      return with(nil)
    }
    return with(host.pointee.permute(pass.pointer, pointer, order.map(Int64.init)))
  }

  /// Some elements of an axis.
  public func slice(axis: Int, from first: Int, count: Int) -> Value {
    with(host.pointee.slice(pass.pointer, pointer, Int64(axis), Int64(first), Int64(count)))
  }

  /// Joined with others along an axis.
  public func joined(with others: [Value], axis: Int) -> Value {
    let all = [pointer] + others.map(\.pointer)
    return with(host.pointee.concatenate(pass.pointer, all, UInt64(all.count), Int64(axis)))
  }

  /// Zeros before and after along an axis.
  public func padded(axis: Int, before: Int, after: Int) -> Value {
    with(host.pointee.pad(pass.pointer, pointer, Int64(axis), Int64(before), Int64(after)))
  }

  /// Each pixel of `[rows, height, width, channels]` repeated in a block.
  public func upsampled(vertically: Int, horizontally: Int) -> Value {
    with(host.pointee.upsample(pass.pointer, pointer, Int64(vertically), Int64(horizontally)))
  }
}

// MARK: - Linear maps and normalisation

extension Value {
  /// The product of two matrices.
  public func matrixProduct(
    _ other: Value, transposesSelf: Bool = false, transposesOther: Bool = false
  )
    -> Value
  {
    with(
      host.pointee.matmul(
        pass.pointer, pointer, other.pointer, transposesSelf ? 1 : 0, transposesOther ? 1 : 0))
  }

  /// activation(x · weights + bias); x `[…, inputs]`, weights `[inputs, outputs]`, bias `[outputs]`.
  public func dense(
    _ weights: some Weight, _ bias: (some Weight)? = Parameter?.none,
    _ activation: Activation = .none
  ) -> Value {
    with(
      host.pointee.dense(
        pass.pointer, pointer, read(weights), bias.map(read) ?? nil, activation.code,
        activation.number))
  }

  /// activation(convolution + bias); x `[rows, height, width, inputs]`, weights
  /// `[outputs, inputs, height, width]`. Each side gets (size + padding − kernel) / stride + 1 pixels,
  /// rounded down.
  public func convolution(
    _ weights: some Weight, _ bias: (some Weight)? = Parameter?.none, window: Window = Window(),
    _ activation: Activation = .none
  ) -> Value {
    var window = window.asC
    return with(
      host.pointee.convolution(
        pass.pointer, pointer, read(weights), bias.map(read) ?? nil, &window, activation.code,
        activation.number))
  }

  /// The transpose of a convolution; weights `[inputs, outputs, height, width]`. Each side gets
  /// (size − 1) · stride − padding + kernel + output padding pixels.
  public func transposedConvolution(
    _ weights: some Weight, _ bias: (some Weight)? = Parameter?.none, window: Window = Window(),
    _ activation: Activation = .none
  ) -> Value {
    var window = window.asC
    return with(
      host.pointee.transposed_convolution(
        pass.pointer, pointer, read(weights), bias.map(read) ?? nil, &window, activation.code,
        activation.number))
  }

  /// Normalisation of each row's channels in groups over all pixels, then scale and shift
  /// `[channels]`.
  public func groupNormalized(groups: Int, scale: some Weight, shift: some Weight) -> Value {
    with(
      host.pointee.group_norm(pass.pointer, pointer, Int64(groups), read(scale), read(shift)))
  }

  /// Normalisation over the last axis, then scale and shift `[channels]`.
  public func layerNormalized(scale: some Weight, shift: some Weight) -> Value {
    with(host.pointee.layer_norm(pass.pointer, pointer, read(scale), read(shift)))
  }

  private func read(_ weight: some Weight) -> OpaquePointer? { weight.read(in: pass).pointer }
}

// MARK: - Densities

extension Value {
  /// log N(x; mean, exp(logVariance)) of each row in nats, `[rows]`; all three of the same shape.
  public func gaussianLogDensity(mean: Value, logVariance: Value) -> Value {
    with(
      host.pointee.gaussian_log_density(pass.pointer, pointer, mean.pointer, logVariance.pointer))
  }

  /// KL(N(mean, exp(logVariance)) ‖ N(0, I)) of each row in nats, `[rows]`; this is the mean.
  public func gaussianDivergence(logVariance: Value) -> Value {
    with(host.pointee.gaussian_divergence(pass.pointer, pointer, logVariance.pointer))
  }

  /// log Bernoulli(x; sigmoid(logits)) of each row in nats, `[rows]`; no gradient flows to x.
  public func bernoulliLogDensity(logits: Value) -> Value {
    with(host.pointee.bernoulli_log_density(pass.pointer, pointer, logits.pointer))
  }
}
