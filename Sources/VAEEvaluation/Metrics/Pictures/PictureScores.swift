import Tensors

/// A number for each reconstruction of images with values between 0 and 1: what the metrics that compare pictures have
/// in common.
///
/// A reconstruction is the mean of p(x|z) at the draw of the latents.
struct PictureScores {
  private var scores: [Double] = []
  private var smallest = Float.infinity
  private var largest = -Float.infinity

  /// What is taken from a batch; `score` gives a number for each pair of an image and its reconstruction, `[N]`.
  static func findings(
    in sample: MetricSample, _ score: (Tensor, Tensor) -> [Double]
  ) -> BatchFindings {
    guard let images = sample.pictures?[.data], let decoded = sample.pictures?[.reconstructions]
    else { return BatchFindings([[], []]) }
    var (smallest, largest) = (Float.infinity, -Float.infinity)
    images.withFloats { values in
      for value in values {
        smallest = min(smallest, value)
        largest = max(largest, value)
      }
    }
    return BatchFindings([score(images, decoded), [Double(smallest), Double(largest)]])
  }

  /// Takes that in.
  mutating func take(_ findings: BatchFindings) {
    scores += findings.numbers(0)
    for value in findings.numbers(1) {
      smallest = min(smallest, Float(value))
      largest = max(largest, Float(value))
    }
  }

  /// The mean over all images.
  ///
  /// - Throws: `UndefinedMetric` where values lie outside 0 to 1, so that no error is large or small.
  func estimate() throws(UndefinedMetric) -> Estimate {
    guard smallest >= 0, largest <= 1 else {
      throw UndefinedMetric(
        "it compares images with values between 0 and 1, and these reach from \(smallest) to \(largest)"
      )
    }
    return Estimate(of: scores)
  }
}
