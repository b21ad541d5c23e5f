import Glibc
import Tensors

/// The index of structural similarity of images with values between 0 and 1, on one scale (Wang, Bovik, Sheikh
/// & Simoncelli 2004) or on several (MS-SSIM; Wang, Simoncelli & Bovik 2003), with gradients for both images. At
/// most 1, which is equality.
///
/// In every window of 11×11 pixels that lies inside, with weights of a Gaussian of deviation 1.5,
///
///     luminance  l  = (2 μₓ μᵧ + C₁) / (μₓ² + μᵧ² + C₁),   C₁ = 0.01²
///     contrast and structure  cs = (2 σₓᵧ + C₂) / (σₓ² + σᵧ² + C₂),   C₂ = 0.03²
///
/// On one scale the index is the mean of l · cs over the windows. On M scales it is Π cs̄ₛ^wₛ · (l · cs)‾_M^w_M of the means
/// over the windows of each scale, whose images are those of the scale before averaged over 2×2 pixels. A mean below 10⁻⁴
/// counts as that, since a power of a negative number is none. The weights are those of the paper, 0.0448, 0.2856,
/// 0.3001, 0.2363 and 0.1333; of fewer scales the first ones, made to add up to one.
///
/// ```swift
/// let similarity = StructuralSimilarity(scales: 2)
/// let loss = (1 - similarity(images, reconstruction)).mean()
/// ```
public struct StructuralSimilarity: Sendable {
  /// The pixels of a window along each axis.
  public static let windowSize = 11

  /// The number of scales, from 1 to 5.
  public let scales: Int

  /// The index on a number of scales.
  public init(scales: Int) {
    ensure(
      (1...Self.weights.count).contains(scales), "there are 1 to 5 scales, not \(scales)")
    self.scales = scales
  }

  /// How many scales images of a size have, five at most: on each of them a window fits inside. Zero where none does.
  public static func scales(height: Int, width: Int) -> Int {
    var side = min(height, width)
    var scales = 0
    while side >= windowSize, scales < weights.count {
      scales += 1
      side = (side + 1) / 2
    }
    return scales
  }

  /// The index of each pair of images, the mean over channels, `[N]`.
  ///
  /// - Parameters:
  ///   - a: `[N, height, width, channels]`.
  ///   - b: of the same shape.
  public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    ensure(
      a.rank == 4 && a.shape == b.shape
        && Self.scales(height: a.shape[1], width: a.shape[2]) >= scales,
      "images of shapes \(a.shape) and \(b.shape) have no similarity on \(scales) scales")
    let (count, channels) = (a.shape[0], a.shape[3])
    // A variance is a difference of squares, which float32 keeps and bfloat16 does not.
    return withPrecision(.float32) {
      var planes = (Planes(a), Planes(b))
      var logarithm = Tensor(0)
      for scale in 0..<scales {
        let isLast = scale == scales - 1
        let mean = Self.meanOfWindows(planes.0, planes.1, withLuminance: isLast)
        if scales == 1 { return mean.reshaped(to: [count, channels]).mean(axis: 1) }
        let kept = mean.clamped(to: Self.leastMean...Float.greatestFiniteMagnitude)
        logarithm = logarithm + kept.log() * Float(weight(of: scale))
        if !isLast { planes = (planes.0.halved(), planes.1.halved()) }
      }
      return logarithm.exp().reshaped(to: [count, channels]).mean(axis: 1)
    }
  }

  /// Of the scales from the finest one.
  private static let weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
  private static let leastMean: Float = 1e-4

  private func weight(of scale: Int) -> Double {
    Self.weights[scale] / Self.weights[..<scales].reduce(0, +)
  }

  /// The mean of cs, or of l · cs, over all windows of each plane, `[planes]`.
  private static func meanOfWindows(_ a: Planes, _ b: Planes, withLuminance: Bool) -> Tensor {
    let (x, y) = (a.values, b.values)
    let count = x.shape[0]
    let parts = smoothed(
      .concatenated([x, y, x.squared() + y.squared(), x * y], axis: 0)
    ).split(sizes: [count, count, count, count], axis: 0)
    let (meanX, meanY) = (parts[0], parts[1])
    let products = meanX * meanY
    let squares = meanX.squared() + meanY.squared()
    var index =
      ((parts[3] - products) * 2 + contrastConstant)
      / (parts[2] - squares + contrastConstant)
    if withLuminance {
      let (x, y) = (meanX + a.centres, meanY + b.centres)
      index =
        index * ((x * y) * 2 + luminanceConstant)
        / (x.squared() + y.squared() + luminanceConstant)
    }
    // One axis after the other: a long sum in single precision drifts.
    return index.mean(axis: 2).mean(axis: 1)
  }

  private static let luminanceConstant: Float = 1e-4
  private static let contrastConstant: Float = 9e-4

  /// Weighted means of all windows inside: `[planes, a, b]` to `[planes, b − 10, a − 10]`. The axes change places, which
  /// means over windows do not notice.
  private static func smoothed(_ planes: Tensor) -> Tensor {
    smoothedAlongLastAxis(smoothedAlongLastAxis(planes).permuted([0, 2, 1]))
  }

  /// By products with a banded matrix, a piece of the axis at a time, so that long axes take time in proportion to
  /// their length.
  private static func smoothedAlongLastAxis(_ planes: Tensor) -> Tensor {
    let size = planes.shape[-1]
    let pieces = stride(from: 0, to: size - windowSize + 1, by: piece).map { start -> Tensor in
      let range = start..<min(start + piece + windowSize - 1, size)
      let own = range.count == size ? planes : planes.slice(axis: -1, range)
      return own.matrixProduct(band(range.count))
    }
    return pieces.count == 1 ? pieces[0] : .concatenated(pieces, axis: -1)
  }

  /// Windows that one product is made for.
  private static let piece = 118

  /// `[size, size − 10]`, whose columns hold the weights of one window each.
  private static func band(_ size: Int) -> Tensor {
    let columns = size - windowSize + 1
    return Tensor([size, columns]) { buffer in
      buffer.update(repeating: 0)
      for column in 0..<columns {
        for (offset, weight) in window.enumerated() {
          buffer[(column + offset) * columns + column] = weight
        }
      }
    }
  }

  private static let window: [Float] = {
    let radius = windowSize / 2
    let weights = (-radius...radius).map { Glibc.exp(-Double($0 * $0) / 4.5) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }()
}

/// Every channel of every image by itself, around its mean, where squares are small and exact: a variance is a difference
/// of two of them.
private struct Planes {
  /// Less the centre, `[N · channels, height, width]`.
  let values: Tensor
  /// Constants, `[N · channels, 1, 1]`.
  let centres: Tensor

  private init(values: Tensor, centres: Tensor) {
    self.values = values
    self.centres = centres
  }

  init(_ images: Tensor) {
    let (height, width) = (images.shape[1], images.shape[2])
    let apart = images.shape[3] == 1 ? images : images.permuted([0, 3, 1, 2])
    let planes = apart.reshaped(to: [images.shape[0] * images.shape[3], height, width])
    centres = withoutTape {
      planes.reshaped(to: [planes.shape[0], height * width]).mean(axis: 1)
        .reshaped(to: [planes.shape[0], 1, 1])
    }
    values = planes - centres
  }

  /// Means over 2×2 pixels, half of the sizes; a last row or column without a neighbour stays as it is.
  func halved() -> Planes {
    func along(_ axis: Int, _ planes: Tensor) -> Tensor {
      let even = planes.extended(axis: axis, by: planes.shape[axis] % 2)
      var pairs = even.shape.dimensions
      pairs[axis] /= 2
      pairs.insert(2, at: axis + 1)
      return even.reshaped(to: Shape(pairs)).mean(axis: axis + 1)
    }
    return Planes(values: along(1, along(2, values)), centres: centres)
  }
}
