import CVectorKernels
import XCTest

final class VectorKernelsNormalizationTests: VectorKernelsTestCase {
  // MARK: Moments

  func testColumnMomentsEqualTwoPassesInDoublePrecision() {
    for (rows, columns) in kernelShapes + [(2000, 700), (70_000, 3)] {
      let x = numbers(rows * columns, seed: 30)
      checkMoments(x, rows, columns, "of \(rows) x \(columns)")
    }
  }

  func testMomentsSurviveALargeOffsetAnOutlierAndADrift() {
    let rows = 9000, columns = 3
    let noise = numbers(rows * columns, seed: 31)
    // Exact sums of an integer offset and a multiple of 2^-5.
    checkMoments(noise.map { ($0 * 32).rounded() / 32 + 100_000 }, rows, columns, "with an offset")
    var outlier = noise
    for c in 0..<columns { outlier[c] = 1e4 }
    checkMoments(outlier, rows, columns, "after an outlier")
    let drift = noise.indices.map { noise[$0] + Float($0 / columns) }
    checkMoments(drift, rows, columns, "with a drift")
  }

  private func checkMoments(_ x: [Float], _ rows: Int, _ columns: Int, _ what: String) {
    let (mean, variance) = moments(x, rows, columns)
    check("moments \(what)", mean + variance, absolute: 3e-7) {
      var means = unwritten(columns), variances = unwritten(columns)
      vk_column_moments(x, &means, &variances, rows, columns)
      return means + variances
    }
  }

  private func moments(_ x: [Float], _ rows: Int, _ columns: Int) -> ([Double], [Double]) {
    var mean = [Double](repeating: 0, count: columns), variance = mean
    for i in x.indices { mean[i % columns] += Double(x[i]) / Double(rows) }
    for i in x.indices {
      let difference = Double(x[i]) - mean[i % columns]
      variance[i % columns] += difference * difference / Double(rows)
    }
    return (mean, variance)
  }

  // MARK: Columns

  func testNormalizedColumnsEqualTheirFormula() {
    for (rows, columns) in kernelShapes {
      let layer = Columns(rows: rows, columns: columns)
      for unary in UnaryCase.fused {
        let expected = layer.x.indices.map { unary.function(layer.pre($0)) }
        check("\(unary.operation) of \(rows) x \(columns)", expected, absolute: 5e-6) {
          var y = unwritten(rows * columns)
          vk_normalize_columns(
            unary.operation, unary.parameters, layer.x, layer.mean, layer.inverse, layer.scale,
            layer.shift, &y, rows, columns)
          return y
        }
      }
    }
  }

  func testColumnGradientsEqualTheirFormula() {
    for (rows, columns) in kernelShapes {
      let layer = Columns(rows: rows, columns: columns)
      for unary in UnaryCase.fused {
        for batch in [false, true] {
          let expected = layer.gradients(unary, batchStatistics: batch)
          let tolerance = 1e-5 + 3e-7 * Double(rows)
          let what = "\(unary.operation) of \(rows) x \(columns), batch statistics \(batch)"
          check(what, expected, absolute: tolerance) { layer.run(unary, batch) }
        }
      }
    }
  }

  func testColumnGradientsWithoutInputGradient() {
    let layer = Columns(rows: 130, columns: 60)
    for unary in UnaryCase.fused {
      let expected = layer.gradients(unary, batchStatistics: true).suffix(120)
      check("\(unary.operation)", Array(expected), absolute: 1e-4) {
        var dscale = unwritten(60), dshift = unwritten(60)
        vk_normalize_columns_backward(
          unary.operation, unary.parameters, layer.x, layer.mean, layer.inverse, layer.scale,
          layer.shift, layer.dy, nil, &dscale, &dshift, 130, 60, 1)
        return dscale + dshift
      }
    }
  }

  /// The statistics are functions of x, so the whole layer is differentiated numerically.
  func testBatchStatisticsTakePartInTheInputGradient() {
    let rows = 9, columns = 3
    let layer = Columns(rows: rows, columns: columns, ownStatistics: true)
    for unary in UnaryCase.fused {
      let expected = gradient(at: layer.x.map(Double.init)) { x in
        let rounded = (0..<columns).map { c in
          let column = (0..<rows).map { x[$0 * columns + c] }
          let mean = column.reduce(0, +) / Double(rows)
          let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
          return (mean, 1 / (variance + 1e-5).squareRoot())
        }
        return x.indices.reduce(0) { total, i in
          let (mean, inverse) = rounded[i % columns]
          let pre =
            (x[i] - mean) * inverse * Double(layer.scale[i % columns])
            + Double(layer.shift[i % columns])
          return total + Double(layer.dy[i]) * unary.function(pre)
        }
      }
      check("\(unary.operation)", expected, relative: 1e-4, absolute: 1e-4) {
        Array(layer.run(unary, true).prefix(rows * columns))
      }
    }
  }

  /// A normalisation layer over columns with its data.
  private struct Columns {
    let rows: Int
    let columns: Int
    let x: [Float]
    let dy: [Float]
    let scale: [Float]
    let shift: [Float]
    var mean: [Float]
    var inverse: [Float]

    init(rows: Int, columns: Int, ownStatistics: Bool = false) {
      self.rows = rows
      self.columns = columns
      x = numbers(rows * columns, seed: 32)
      dy = numbers(rows * columns, seed: 33)
      scale = numbers(columns, seed: 34, in: 0.5...2)
      shift = numbers(columns, seed: 35)
      mean = numbers(columns, seed: 36, in: -0.5...0.5)
      inverse = numbers(columns, seed: 37, in: 0.5...1.5)
      if ownStatistics {
        var variance = unwritten(columns)
        vk_column_moments(x, &mean, &variance, rows, columns)
        inverse = variance.map { 1 / ($0 + 1e-5).squareRoot() }
      }
    }

    func normalized(_ i: Int) -> Double {
      (Double(x[i]) - Double(mean[i % columns])) * Double(inverse[i % columns])
    }

    func pre(_ i: Int) -> Double {
      normalized(i) * Double(scale[i % columns]) + Double(shift[i % columns])
    }

    func gradients(_ unary: UnaryCase, batchStatistics: Bool) -> [Double] {
      let dpre = x.indices.map { Double(dy[$0]) * slope(at: pre($0), of: unary.function) }
      var dscale = [Double](repeating: 0, count: columns), dshift = dscale
      for i in x.indices {
        dshift[i % columns] += dpre[i]
        dscale[i % columns] += dpre[i] * normalized(i)
      }
      let dx = x.indices.map { i in
        let c = i % columns
        let common = (dshift[c] + normalized(i) * dscale[c]) / Double(rows)
        let own = dpre[i] - (batchStatistics ? common : 0)
        return Double(scale[c]) * Double(inverse[c]) * own
      }
      return dx + dscale + dshift
    }

    /// The kernel's gradients, with dx written over dy.
    func run(_ unary: UnaryCase, _ batchStatistics: Bool) -> [Float] {
      var dx = dy
      var dscale = unwritten(columns), dshift = unwritten(columns)
      dx.withUnsafeMutableBufferPointer {
        vk_normalize_columns_backward(
          unary.operation, unary.parameters, x, mean, inverse, scale, shift, $0.baseAddress,
          $0.baseAddress, &dscale, &dshift, rows, columns, batchStatistics ? 1 : 0)
      }
      return dx + dscale + dshift
    }
  }

  // MARK: Groups

  /// Batch, spatial, channels, groups: layer normalisation of short and long rows, groups, a group
  /// for each channel, and more channels than a tile holds.
  private let groupShapes = [
    (5, 1, 17, 1), (40, 1, 500, 1), (3, 1, 2100, 1), (4, 1, 12, 3), (2, 9, 8, 2), (3, 50, 6, 6),
    (40, 64, 16, 4), (2, 5, 1500, 3), (1, 3000, 4, 2),
  ]

  func testNormalizedGroupsEqualTheirFormula() {
    for (batch, spatial, channels, groups) in groupShapes {
      let layer = Groups(batch, spatial, channels, groups)
      for unary in UnaryCase.fused {
        let result = layer.forward(layer.x.map(Double.init), unary)
        let expected = result.mean + result.inverse + result.y
        let what = "\(unary.operation) of \([batch, spatial, channels, groups])"
        check(what, expected, absolute: 1e-5) {
          let (mean, inverse, y) = layer.run(unary)
          return mean + inverse + y
        }
      }
    }
  }

  func testGroupGradientsEqualTheirFormula() {
    for (batch, spatial, channels, groups) in groupShapes {
      let layer = Groups(batch, spatial, channels, groups)
      for unary in UnaryCase.fused {
        let expected = layer.gradients(unary)
        let what = "\(unary.operation) of \([batch, spatial, channels, groups])"
        let tolerance = 2e-5 + 3e-7 * Double(batch * spatial)
        check(what, expected, relative: 2e-5, absolute: tolerance) { layer.runBackward(unary) }
      }
    }
  }

  func testGroupStatisticsTakePartInTheInputGradient() {
    for (batch, spatial, channels, groups) in [(2, 3, 4, 2), (3, 1, 6, 1)] {
      let layer = Groups(batch, spatial, channels, groups)
      for unary in UnaryCase.fused {
        let expected = gradient(at: layer.x.map(Double.init)) { x in
          zip(layer.forward(x, unary).y, layer.dy).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        check("\(unary.operation)", expected, relative: 1e-4, absolute: 1e-4) {
          Array(layer.runBackward(unary).prefix(layer.x.count))
        }
      }
    }
  }

  func testGroupGradientsWithoutInputGradient() {
    let layer = Groups(4, 10, 6, 2)
    for unary in UnaryCase.fused {
      check("\(unary.operation)", Array(layer.gradients(unary).suffix(12)), absolute: 3e-5) {
        Array(layer.runBackward(unary, withInput: false).suffix(12))
      }
    }
  }

  /// A group normalisation layer with its data.
  private struct Groups {
    let batch: Int
    let spatial: Int
    let channels: Int
    let groups: Int
    let x: [Float]
    let dy: [Float]
    let scale: [Float]
    let shift: [Float]
    let epsilon: Float = 0x1p-16

    init(_ batch: Int, _ spatial: Int, _ channels: Int, _ groups: Int) {
      self.batch = batch
      self.spatial = spatial
      self.channels = channels
      self.groups = groups
      let n = batch * spatial * channels
      x = numbers(n, seed: 40)
      dy = numbers(n, seed: 41)
      scale = numbers(channels, seed: 42, in: 0.5...2)
      shift = numbers(channels, seed: 43)
    }

    func group(_ i: Int) -> Int {
      i / (spatial * channels) * groups + i % channels / (channels / groups)
    }

    func forward(
      _ x: [Double], _ unary: UnaryCase
    ) -> (mean: [Double], inverse: [Double], y: [Double]) {
      let count = Double(spatial * channels / groups)
      var mean = [Double](repeating: 0, count: batch * groups), variance = mean
      for i in x.indices { mean[group(i)] += x[i] / count }
      for i in x.indices {
        variance[group(i)] += (x[i] - mean[group(i)]) * (x[i] - mean[group(i)]) / count
      }
      let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
      let y = x.indices.map { i in
        let normalized = (x[i] - mean[group(i)]) * inverse[group(i)]
        return unary.function(
          normalized * Double(scale[i % channels]) + Double(shift[i % channels]))
      }
      return (mean, inverse, y)
    }

    func gradients(_ unary: UnaryCase) -> [Double] {
      let (mean, inverse, _) = forward(x.map(Double.init), unary)
      let normalized = x.indices.map { (Double(x[$0]) - mean[group($0)]) * inverse[group($0)] }
      let dpre = x.indices.map { i in
        let pre = normalized[i] * Double(scale[i % channels]) + Double(shift[i % channels])
        return Double(dy[i]) * slope(at: pre, of: unary.function)
      }
      var dscale = [Double](repeating: 0, count: channels), dshift = dscale
      var sums = [Double](repeating: 0, count: batch * groups), products = sums
      for i in x.indices {
        dshift[i % channels] += dpre[i]
        dscale[i % channels] += dpre[i] * normalized[i]
        sums[group(i)] += dpre[i] * Double(scale[i % channels])
        products[group(i)] += dpre[i] * Double(scale[i % channels]) * normalized[i]
      }
      let count = Double(spatial * channels / groups)
      let dx = x.indices.map { i in
        let own = dpre[i] * Double(scale[i % channels])
        let common = (sums[group(i)] + normalized[i] * products[group(i)]) / count
        return inverse[group(i)] * (own - common)
      }
      return dx + dscale + dshift
    }

    func run(_ unary: UnaryCase) -> (mean: [Float], inverse: [Float], y: [Float]) {
      var mean = unwritten(batch * groups), inverse = mean, y = unwritten(x.count)
      vk_group_normalize(
        unary.operation, unary.parameters, x, scale, shift, epsilon, &mean, &inverse, &y, nil,
        batch, spatial, channels, groups)
      return (mean, inverse, y)
    }

    func runBackward(_ unary: UnaryCase, withInput: Bool = true) -> [Float] {
      let (mean, inverse, _) = run(unary)
      var dx = unwritten(withInput ? x.count : 0)
      var dscale = unwritten(channels), dshift = unwritten(channels)
      dx.withUnsafeMutableBufferPointer {
        vk_group_normalize_backward(
          unary.operation, unary.parameters, x, mean, inverse, scale, shift, dy,
          withInput ? $0.baseAddress : nil, &dscale, &dshift, batch, spatial, channels, groups)
      }
      return dx + dscale + dshift
    }
  }
}
