import Foundation
import VAEZoo

/// An image in double precision, for computing by hand what networks give.
struct PlainImage {
  let height: Int
  let width: Int
  let channels: Int
  /// Row by row, the channels of a pixel side by side.
  var values: [Double]

  init(height: Int, width: Int, channels: Int, _ values: [Double]? = nil) {
    (self.height, self.width, self.channels) = (height, width, channels)
    self.values = values ?? [Double](repeating: 0, count: height * width * channels)
  }

  /// One of several images `[N, height, width, channels]`.
  init(_ tensor: Tensor, _ number: Int = 0) {
    let shape = tensor.shape
    self.init(
      height: shape[1], width: shape[2], channels: shape[3],
      tensor.rows(number..<number + 1).floats.map(Double.init))
  }

  subscript(y: Int, x: Int, channel: Int) -> Double {
    get { values[(y * width + x) * channels + channel] }
    set { values[(y * width + x) * channels + channel] = newValue }
  }

  /// Zero beyond the border.
  private func padded(_ y: Int, _ x: Int, _ channel: Int) -> Double {
    (0..<height).contains(y) && (0..<width).contains(x) ? self[y, x, channel] : 0
  }

  private static func made(
    _ height: Int, _ width: Int, _ channels: Int, _ value: (Int, Int, Int) -> Double
  ) -> PlainImage {
    var image = PlainImage(height: height, width: width, channels: channels)
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels { image[y, x, channel] = value(y, x, channel) }
      }
    }
    return image
  }

  func mapped(_ function: (Double) -> Double) -> PlainImage {
    PlainImage(height: height, width: width, channels: channels, values.map(function))
  }

  static func + (a: PlainImage, b: PlainImage) -> PlainImage {
    PlainImage(
      height: a.height, width: a.width, channels: a.channels, zip(a.values, b.values).map(+))
  }

  static func * (image: PlainImage, factor: Double) -> PlainImage { image.mapped { $0 * factor } }

  /// This image's channels, then another's.
  func joined(_ other: PlainImage) -> PlainImage {
    Self.made(height, width, channels + other.channels) { y, x, channel in
      channel < channels ? self[y, x, channel] : other[y, x, channel - channels]
    }
  }

  /// Some of the channels.
  func part(_ range: Range<Int>) -> PlainImage {
    Self.made(height, width, range.count) { self[$0, $1, range.lowerBound + $2] }
  }

  /// Means of blocks of 2×2 pixels; where a side is odd the last row or column counts twice.
  var halved: PlainImage {
    Self.made((height + 1) / 2, (width + 1) / 2, channels) { y, x, channel in
      let rows = [2 * y, min(2 * y + 1, height - 1)]
      let columns = [2 * x, min(2 * x + 1, width - 1)]
      return rows.reduce(0) { sum, row in
        columns.reduce(sum) { $0 + self[row, $1, channel] }
      } / 4
    }
  }

  /// Every pixel twice along both axes, cut to a size.
  func doubled(to size: (height: Int, width: Int)) -> PlainImage {
    Self.made(size.height, size.width, channels) { self[$0 / 2, $1 / 2, $2] }
  }

  /// Σ w x + b with weights `[outputs, inputs, kernel, kernel]` and so many zeros before and after.
  func convolved(
    _ weights: Parameter, _ bias: Parameter?, stride: Int = 1, before: Int,
    after: (height: Int, width: Int)? = nil
  ) -> PlainImage {
    let (kernel, w) = (weights.shape[2], weights.value.floats.map(Double.init))
    let after = after ?? (before, before)
    let b = bias?.value.floats.map(Double.init)
    return Self.made(
      (height + before + after.height - kernel) / stride + 1,
      (width + before + after.width - kernel) / stride + 1, weights.shape[0]
    ) { y, x, output in
      var sum = b?[output] ?? 0
      for input in 0..<channels {
        for row in 0..<kernel {
          for column in 0..<kernel {
            sum +=
              w[((output * channels + input) * kernel + row) * kernel + column]
              * padded(y * stride + row - before, x * stride + column - before, input)
          }
        }
      }
      return sum
    }
  }

  /// The transpose of a convolution of stride 2 with a zero more before the first pixel, with weights
  /// `[inputs, outputs, kernel, kernel]`, cut to a size.
  func transposed(
    _ weights: Parameter, _ bias: Parameter?, to size: (height: Int, width: Int)
  ) -> PlainImage {
    let (kernel, w) = (weights.shape[2], weights.value.floats.map(Double.init))
    let (outputs, b) = (weights.shape[1], bias?.value.floats.map(Double.init))
    var image = Self.made(size.height, size.width, outputs) { b?[$2] ?? 0 }
    for y in 0..<height {
      for x in 0..<width {
        for row in 0..<kernel {
          for column in 0..<kernel {
            let (v, u) = (2 * y + row - 1, 2 * x + column - 1)
            guard (0..<size.height).contains(v), (0..<size.width).contains(u) else { continue }
            for output in 0..<outputs {
              for input in 0..<channels {
                image[v, u, output] +=
                  self[y, x, input]
                  * w[((input * outputs + output) * kernel + row) * kernel + column]
              }
            }
          }
        }
      }
    }
    return image
  }
}

/// The parameters and buffers of a module by their paths, and what simple layers make of images with them.
struct PlainLayers {
  private let parameters: [String: Parameter]
  private let buffers: [String: Buffer]

  init(_ module: any Module) {
    parameters = Dictionary(
      uniqueKeysWithValues: module.parameters.map { ($0.path, $0.parameter) })
    buffers = Dictionary(uniqueKeysWithValues: module.buffers.map { ($0.path, $0.buffer) })
  }

  struct Missing: Error { let path: String }

  func parameter(_ path: String) throws -> Parameter {
    guard let parameter = parameters[path] else { throw Missing(path: path) }
    return parameter
  }

  func values(_ path: String) throws -> [Double] {
    try parameter(path).value.floats.map(Double.init)
  }

  func buffer(_ path: String) throws -> Buffer {
    guard let buffer = buffers[path] else { throw Missing(path: path) }
    return buffer
  }

  /// Other values than those that layers begin with, of which many are zero.
  func disturb(by deviation: Float) {
    for (path, parameter) in parameters {
      parameter.value =
        parameter.value
        + RandomSource(seed: 77).stream(path).normal(parameter.shape) * deviation
    }
  }

  func convolved(
    _ image: PlainImage, _ path: String, stride: Int = 1, before: Int? = nil,
    after: (height: Int, width: Int)? = nil
  ) throws -> PlainImage {
    let weights = try parameter("\(path).weights")
    return image.convolved(
      weights, parameters["\(path).bias"], stride: stride, before: before ?? weights.shape[2] / 2,
      after: after)
  }

  func transposed(
    _ image: PlainImage, _ path: String, to size: (height: Int, width: Int)
  ) throws -> PlainImage {
    try image.transposed(parameter("\(path).weights"), parameters["\(path).bias"], to: size)
  }

  /// x + W₂ ∗ a(W₁ ∗ a(x))
  func residual(
    _ image: PlainImage, _ path: String, _ activation: (Double) -> Double
  ) throws -> PlainImage {
    let hidden = try convolved(image.mapped(activation), "\(path).first")
    return try image + convolved(hidden.mapped(activation), "\(path).second")
  }

  /// x W + b
  func dense(_ input: [Double], _ path: String) throws -> [Double] {
    let (weights, bias) = (try values("\(path).weights"), try values("\(path).bias"))
    return bias.indices.map { output in
      input.indices.reduce(bias[output]) { $0 + input[$1] * weights[$1 * bias.count + output] }
    }
  }
}
