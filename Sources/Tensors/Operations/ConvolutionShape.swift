import COneDNN

/// Zeros around an image, by which a convolution keeps its size.
///
/// `Padding(1)` keeps the size of an image under a 3×3 kernel of stride 1, ``same(kernel:stride:height:width:)``
/// divides it by the stride.
public struct Padding: Hashable, Sendable {
  /// Rows above, columns to the left, rows below, columns to the right.
  public let top, left, bottom, right: Int

  /// Different amounts on each side, none of them negative.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// The same amount on each side.
  public init(_ amount: Int) {
    self.init(top: amount, left: amount, bottom: amount, right: amount)
  }

  /// No padding.
  public static let none = Padding(0)

  /// Padding that keeps ⌈size / stride⌉ pixels for an odd kernel; what cannot be halved goes below
  /// and to the right.
  public static func same(kernel: Int, stride: Int, height: Int, width: Int) -> Padding {
    func total(_ size: Int) -> Int {
      max(0, ((size + stride - 1) / stride - 1) * stride + kernel - size)
    }
    let (y, x) = (total(height), total(width))
    return Padding(top: y / 2, left: x / 2, bottom: y - y / 2, right: x - x / 2)
  }
}

/// All sizes of a convolution. A transposed convolution has the sizes of the convolution that it
/// transposes.
struct ConvolutionShape: Hashable, CustomStringConvertible {
  let batch: Int
  let inputHeight, inputWidth, inputChannels: Int
  let outputHeight, outputWidth, outputChannels: Int
  let kernelHeight, kernelWidth: Int
  let strideY, strideX: Int
  let padding: Padding

  var description: String {
    "[\(batch), \(inputHeight), \(inputWidth), \(inputChannels)] → "
      + "[\(batch), \(outputHeight), \(outputWidth), \(outputChannels)], kernel \(kernelHeight)×\(kernelWidth)"
      + ", stride \(strideY)×\(strideX)"
  }

  /// Operations of a pass: two for each output and weight that meets it, padding included.
  var flops: Double {
    2 * Double(outputShape.count) * Double(inputChannels * kernelHeight * kernelWidth)
  }

  /// Whether each weight meets so many pixels that to pack it anew takes no time beside: less than a hundredth.
  var hasManyPixels: Bool { batch * outputHeight * outputWidth >= 1 << 12 }

  var inputShape: Shape { [batch, inputHeight, inputWidth, inputChannels] }
  var outputShape: Shape { [batch, outputHeight, outputWidth, outputChannels] }
  var weightShape: Shape { [outputChannels, inputChannels, kernelHeight, kernelWidth] }

  func withDescription<Result>(
    _ body: (UnsafePointer<od_convolution_shape>) -> Result
  ) -> Result {
    var description = od_convolution_shape(
      batch: Int64(batch), input_height: Int64(inputHeight), input_width: Int64(inputWidth),
      input_channels: Int64(inputChannels), output_height: Int64(outputHeight),
      output_width: Int64(outputWidth), output_channels: Int64(outputChannels),
      kernel_height: Int64(kernelHeight), kernel_width: Int64(kernelWidth),
      stride_y: Int64(strideY), stride_x: Int64(strideX), pad_top: Int64(padding.top),
      pad_left: Int64(padding.left), pad_bottom: Int64(padding.bottom),
      pad_right: Int64(padding.right))
    return withUnsafePointer(to: &description) { body($0) }
  }
}
