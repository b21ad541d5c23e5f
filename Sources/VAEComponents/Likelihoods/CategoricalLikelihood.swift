import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Every channel one of a number of levels, with a logit for each from the decoder: log p = Σ log
/// softmax(logits)[level] (van den Oord et al. 2016a, section 3.3).
///
/// Levels are evenly spaced numbers from zero to one: a value v stands for level round(v · (levels
/// − 1)). Parameters lie channel by channel, `levels` logits each.
public final class CategoricalLikelihood: Likelihood {
  /// The number of different values, at least two.
  public let levels: Int

  /// A likelihood over a number of levels.
  public init(levels: Int = 256) {
    ensure(levels >= 2, "a categorical likelihood needs at least 2 levels, not \(levels)")
    self.levels = levels
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// A logit for each level of each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels * levels }
  /// It is.
  public var factorizes: Bool { true }
  /// Levels.
  public var isDiscrete: Bool { true }

  /// Σ log softmax(logits)[level] in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let indices = Tensor(indices: x.shape) { buffer in
      x.withFloats { values in
        for (position, value) in values.enumerated() {
          buffer[position] = Int32(value.level(of: levels))
        }
      }
    }
    return .categoricalLogDensity(indices, logits: parameters.appendingAxis(of: levels))
  }

  /// Σ p(level) · level / (levels − 1)
  public func mean(_ parameters: Tensor) -> Tensor {
    let logits = parameters.appendingAxis(of: levels)
    let values = (0..<levels).map { Float($0) / Float(levels - 1) }
    return logits.softmax().matrixProduct(Tensor(values, shape: [levels, 1]))
      .reshaped(to: Shape(logits.shape.dimensions.dropLast()))
  }

  /// The level at which the cumulative probability exceeds the number.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let chosen = parameters.appendingAxis(of: levels).softmax().inverseCumulative(at: noise)
    return Tensor(noise.shape) { buffer in
      chosen.withIndices { indices in
        for (position, index) in indices.enumerated() {
          buffer[position] = Float(index) / Float(levels - 1)
        }
      }
    }
  }

  /// A uniform number for each channel.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.stream("likelihood").uniform(context.examples, shape: imageShape)
  }
}

extension Float {
  /// The level that this number between zero and one stands for; one outside stands for the nearest
  /// end.
  func level(of levels: Int) -> Int {
    Int((Float.maximum(0, Float.minimum(1, self)) * Float(levels - 1)).rounded())
  }
}

extension Tensor {
  /// The last axis cut into channels and `size` numbers of each: `[…, channels · size]` becomes
  /// `[…, channels, size]`.
  func appendingAxis(of size: Int) -> Tensor {
    ensure(
      rank >= 1 && shape[-1].isMultiple(of: size),
      "the last axis of shape \(shape) cannot be cut into \(size)s")
    return reshaped(to: Shape(shape.dimensions.dropLast() + [shape[-1] / size, size]))
  }

  /// For each row of probabilities along the last axis, the index at which their running sum
  /// exceeds a uniform number: a draw from them (inversion). An index tensor of the shape of the
  /// numbers.
  ///
  /// - Parameter uniform: one number in (0, 1) for each row, in order.
  package func inverseCumulative(at uniform: Tensor) -> Tensor {
    let columns = shape[-1]
    ensure(
      uniform.count * columns == count,
      "numbers of shape \(uniform.shape) do not draw from probabilities of shape \(shape)")
    return Tensor(indices: uniform.shape) { buffer in
      withFloats { probabilities in
        uniform.withFloats { numbers in
          for row in numbers.indices {
            let own = probabilities[row * columns..<(row + 1) * columns]
            buffer[row] = Int32(Self.index(in: own, atSum: numbers[row]))
          }
        }
      }
    }
  }

  /// Where the running sum of probabilities exceeds a number.
  private static func index(
    in probabilities: Slice<UnsafeBufferPointer<Float>>, atSum number: Float
  ) -> Int {
    var sum = 0.0
    // Rounding may leave the whole sum below the number: the last index that is possible.
    var last = 0
    for (index, value) in probabilities.enumerated() {
      let probability = Double(value)
      sum += probability
      if sum > Double(number) { return index }
      if probability > 0 { last = index }
    }
    return last
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `categorical`: 256 levels for bytes, two for binary data.
  public static var categorical: Component {
    Component(
      role: .likelihood, name: "categorical",
      summary: "a probability for each of the 256 values of a byte, or for 0 and 1"
    ) { build in
      try build.data.checkLevels(for: "categorical", takesBinary: true)
      return CategoricalLikelihood(levels: build.data.range == .binary ? 2 : 256)
    }
  }
}

extension DataDescription {
  /// Refuses data that are neither bytes, nor floats k/255, nor zeros and ones, to which a
  /// probability of levels would assign nothing.
  ///
  /// - Parameters:
  ///   - likelihood: the name of the likelihood that needs levels.
  ///   - takesBinary: whether it can have two levels in place of those of a byte.
  func checkLevels(for likelihood: String, takesBinary: Bool) throws(RecipeError) {
    try checkIsNoTable(for: likelihood)
    if range == .binary {
      guard !takesBinary else { return }
      throw RecipeError(
        .unsuitableData,
        "the \(likelihood) likelihood needs data of bytes, but these are zeros and ones, two of its "
          + "256 values; choose \(.setting("likelihood", "bernoulli"))")
    }
    guard rule != "bytes/255" else { return }
    let kinds =
      "bytes, or of floats that are all multiples of 1/255"
      + (takesBinary ? ", or of zeros and ones" : "")
    let binarize: Message =
      range == .unit && takesBinary
      ? "add \(.setting("training.binarize", "threshold")) (or dynamic), " : ""
    throw RecipeError(
      .unsuitableData,
      "the \(likelihood) likelihood needs data of \(kinds), but "
        + "\(unquantizedValue ?? "these are \(rule)"); store them as bytes (uint8), \(binarize)or "
        + "\(.setting("likelihood", "gaussian"))")
  }
}
