import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Independent elements with Student's t distributions, of which the decoder gives location m, scale s and degrees of
/// freedom ν of each (Mattei & Frellsen 2019):
///
///     log p = Σ log Γ((ν+1)/2) − log Γ(ν/2) − ½ log πν − log s − (ν+1)/2 · log(1 + (x − m)²/(ν s²))
///
/// in nats, with s = softplus(a) + 0.001 and ν = softplus(b) + 3. An element far from where others lie costs the
/// logarithm of its distance, and not its square; with large ν the distribution is Gaussian.
public final class StudentTLikelihood: Likelihood {
  /// How the decoder's output becomes the location.
  public let link: MeanLink

  /// A likelihood of real elements.
  public init(link: MeanLink = .identity) {
    self.link = link
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// Location, a and b for each channel.
  public func parametersPerPixel(channels: Int) -> Int { 3 * channels }
  /// It is.
  public var factorizes: Bool { true }
  /// A density over real numbers.
  public var isDiscrete: Bool { false }

  /// Σ log p of the elements in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    priced(x, parameters: parameters, chosen: nil)
  }

  /// The same over some of the elements.
  public func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    priced(x, parameters: parameters, chosen: chosen)
  }

  private func priced(_ x: Tensor, parameters: Tensor, chosen: Tensor?) -> Tensor {
    let element = StudentTElement(link: link)
    let x = x.detached()
    return .custom("Student-t log-density", of: [parameters]) { inputs in
      element.logDensity(x, parameters: inputs[0], chosen: chosen)
    } gradient: { pass in
      [element.gradient(x, parameters: pass.inputs[0], chosen: chosen, arrived: pass.gradient)]
    }
  }

  /// The mean through the inverse of the link, with a and b of zero.
  public func parameters(withMean mean: Tensor) -> Tensor? {
    let location = link.parameters(withMean: mean)
    let elements = location.reshaped(to: [location.count, 1])
    return Tensor.concatenated([elements, .zeros([location.count, 2])], axis: 1)
      .reshaped(to: Shape(mean.shape.dimensions.dropLast() + [3 * mean.shape[-1]]))
  }

  /// The location, through the link.
  public func mean(_ parameters: Tensor) -> Tensor {
    link.mean(
      parameters.reshaped(to: [parameters.count / 3, 3]).slice(axis: 1, 0..<1).reshaped(
        to: Shape(parameters.shape.dimensions.dropLast() + [parameters.shape[-1] / 3])))
  }

  /// Two uniform numbers for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.stream("likelihood").uniform(
      context.examples,
      shape: Shape(imageShape.dimensions.dropLast() + [2 * imageShape[-1]]))
  }

  /// m + s √(ν (u^(−2/ν) − 1)) cos 2πv of two uniform numbers u and v (Bailey 1994).
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let shape = Shape(parameters.shape.dimensions.dropLast() + [parameters.shape[-1] / 3])
    return Tensor(shape) { result in
      parameters.withFloats { given in
        noise.withFloats { noise in
          for place in 0..<shape.count {
            let scale = StudentTElement.scale(Double(given[3 * place + 1])).value
            let freedom = StudentTElement.freedom(Double(given[3 * place + 2])).value
            let (u, v) = (Double(noise[2 * place]), Double(noise[2 * place + 1]))
            let radius = (freedom * expm1(-2 / freedom * log(u))).squareRoot()
            let location = link.mean(Double(given[3 * place])).value
            result[place] = Float(location + scale * radius * cos(2 * .pi * v))
          }
        }
      }
    }
  }
}

/// The arithmetic of one element, and of rows of them.
private struct StudentTElement: Sendable {
  let link: MeanLink

  /// softplus(a) + 0.001, and its derivative.
  static func scale(_ a: Double) -> (value: Double, slope: Double) {
    (max(a, 0) + log1p(exp(-abs(a))) + 0.001, 1 / (1 + exp(-a)))
  }

  /// From where on the distribution is Gaussian in single precision, and the difference of two log Γ in double
  /// precision loses its digits.
  private static let largestFreedom = 1e6

  /// softplus(b) + 3 up to a bound, and its derivative.
  static func freedom(_ b: Double) -> (value: Double, slope: Double) {
    guard b < largestFreedom else { return (largestFreedom + 3, 0) }
    return (max(b, 0) + log1p(exp(-abs(b))) + 3, 1 / (1 + exp(-b)))
  }

  /// log p of an element.
  private func value(_ x: Double, _ given: UnsafePointer<Float>) -> Double {
    let scale = Self.scale(Double(given[1])).value
    let freedom = Self.freedom(Double(given[2])).value
    let distance = (x - link.mean(Double(given[0])).value) / scale
    return SpecialFunctions.logGamma((freedom + 1) / 2) - SpecialFunctions.logGamma(freedom / 2)
      - 0.5 * log(.pi * freedom) - log(scale)
      - (freedom + 1) / 2 * log1p(distance * distance / freedom)
  }

  /// ∂ log p / ∂ the three numbers of an element.
  private func slopes(
    _ x: Double, _ given: UnsafePointer<Float>
  ) -> (location: Double, scale: Double, freedom: Double) {
    let location = link.mean(Double(given[0]))
    let scale = Self.scale(Double(given[1]))
    let freedom = Self.freedom(Double(given[2]))
    let (s, n) = (scale.value, freedom.value)
    let distance = (x - location.value) / s
    // (ν + 1) / (ν + t²), what an element weighs beside one of a Gaussian.
    let weight = (n + 1) / (n + distance * distance)
    let squared = distance * distance / n
    let own =
      0.5
      * (SpecialFunctions.digamma((n + 1) / 2) - SpecialFunctions.digamma(n / 2) - 1 / n
        - log1p(squared) + weight * squared)
    return (
      weight * distance / s * location.slope, (weight * distance * distance - 1) / s * scale.slope,
      own * freedom.slope
    )
  }

  /// Σ log p of the elements of each row, `[K · N]`.
  func logDensity(_ x: Tensor, parameters: Tensor, chosen: Tensor?) -> Tensor {
    let (count, rows) = (x.shape[0], parameters.shape[0])
    let width = x.shape.removingFirst.count
    return Tensor([rows]) { result in
      nonisolated(unsafe) let result = result
      withPointers(x, parameters, chosen) { x, given, chosen in
        nonisolated(unsafe) let (x, given, chosen) = (x, given, chosen)
        Self.divide(rows, width) { row in
          let start = (row % count) * width
          var sum = 0.0
          for element in 0..<width where (chosen?[start + element] ?? 1) != 0 {
            sum += value(Double(x[start + element]), given + 3 * (row * width + element))
          }
          result[row] = Float(sum)
        }
      }
    }
  }

  /// The gradient of Σ arrived · log p, of the shape of the parameters.
  func gradient(_ x: Tensor, parameters: Tensor, chosen: Tensor?, arrived: Tensor) -> Tensor {
    let (count, rows) = (x.shape[0], parameters.shape[0])
    let width = x.shape.removingFirst.count
    let weights = arrived.floats
    return Tensor(parameters.shape) { result in
      result.initialize(repeating: 0)
      nonisolated(unsafe) let result = result
      withPointers(x, parameters, chosen) { x, given, chosen in
        nonisolated(unsafe) let (x, given, chosen) = (x, given, chosen)
        Self.divide(rows, width) { row in
          let start = (row % count) * width
          let weight = Double(weights[row])
          for element in 0..<width where (chosen?[start + element] ?? 1) != 0 {
            let place = 3 * (row * width + element)
            let found = slopes(Double(x[start + element]), given + place)
            result[place] = Float(weight * found.location)
            result[place + 1] = Float(weight * found.scale)
            result[place + 2] = Float(weight * found.freedom)
          }
        }
      }
    }
  }

  /// Calls a body for each row, on several threads.
  private static func divide(_ rows: Int, _ width: Int, _ body: @Sendable (Int) -> Void) {
    Engine.divide(rows, block: max(1, 1024 / max(1, width))) { range in
      for row in range { body(row) }
    }
  }

  private func withPointers(
    _ x: Tensor, _ parameters: Tensor, _ chosen: Tensor?,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?) -> Void
  ) {
    x.withFloats { x in
      parameters.withFloats { parameters in
        guard let x = x.baseAddress, let given = parameters.baseAddress else { return }
        guard let chosen else { return body(x, given, nil) }
        chosen.withFloats { body(x, given, $0.baseAddress) }
      }
    }
  }
}

extension StudentTLikelihood {
  /// The hyper-parameters of `student-t`.
  struct Options: HyperparameterSet {
    @Setting(
      help: "from decoder output to location; auto is sigmoid for data in 0…1, else identity")
    var link = MeanLink.Choice.auto
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `student-t`.
  public static var studentT: Component {
    Component(
      role: .likelihood, name: "student-t",
      summary: "real elements with heavy tails: location, scale and degrees of freedom of each",
      options: StudentTLikelihood.Options()
    ) { options, build in
      StudentTLikelihood(link: MeanLink(options.link, range: build.data.range))
    }
  }
}
