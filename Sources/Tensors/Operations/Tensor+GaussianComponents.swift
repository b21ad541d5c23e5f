extension Tensor {
  /// log N(x; mean, e^logVariance) in nats of each point under each of several Gaussians, summed over
  /// units, with −½ log 2π for each: what the density of a mixture is made of.
  ///
  /// Distances are taken before they are squared, for the differences of expanded squares lose all
  /// digits where a variance is small beside its mean. No array of points times components times units
  /// is made, in either direction.
  ///
  /// - Parameters:
  ///   - x: points, `[N, units]`.
  ///   - means: of the components, `[C, units]`.
  ///   - logVariances: of the same shape.
  /// - Returns: `[N, C]`.
  public static func gaussianLogDensities(
    _ x: Tensor, means: Tensor, logVariances: Tensor
  ) -> Tensor {
    ensure(
      x.rank == 2 && means.rank == 2 && means.shape == logVariances.shape
        && x.shape[1] == means.shape[1],
      "shapes \(x.shape), \(means.shape) and \(logVariances.shape) do not fit densities of components"
    )
    let (points, components) = (x.shape[0], means.shape[0])
    guard points > 0, components > 0 else { return .zeros([points, components]) }
    let sizes = Kernels.SampledRows(samples: points, rows: 1, columns: x.shape[1])
    let (value, m, v) = (x.detached(), means.detached(), logVariances.detached())
    func component(_ table: Tensor, _ index: Int) -> Tensor { table.rows(index..<index + 1) }

    let densities = (0..<components).map {
      Kernels.gaussianLogDensity(
        value, mean: component(m, $0), logVariance: component(v, $0), sizes: sizes)
    }
    let output = Tensor.concatenated(densities, axis: 0)
      .reshaped(to: [components, points]).transposed()
    let wants = (x: x.isTracked, mean: means.isTracked, logVariance: logVariances.isTracked)
    return .recorded(output, from: [x, means, logVariances]) { gradient in
      let columns = gradient.transposed()
      var sum: Tensor?
      var (ofMeans, ofLogVariances): ([Tensor], [Tensor]) = ([], [])
      for index in 0..<components {
        let parts = Kernels.gaussianLogDensityBackward(
          value, mean: component(m, index), logVariance: component(v, index),
          gradient: component(columns, index).reshaped(to: [points]), sizes: sizes, wants: wants)
        if let part = parts[0] { sum = sum.map { Kernels.sum($0, part) } ?? part }
        if let part = parts[1] { ofMeans.append(part) }
        if let part = parts[2] { ofLogVariances.append(part) }
      }
      return [
        sum, wants.mean ? .concatenated(ofMeans, axis: 0) : nil,
        wants.logVariance ? .concatenated(ofLogVariances, axis: 0) : nil,
      ]
    }
  }
}
